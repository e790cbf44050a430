import type { Declaration } from '../bench/declaration.ts';

/** What an environment is scored by. */
export type Score = Declaration['score'];

const NAMES: Readonly<Record<string, string>> = { f1: 'F1', em: 'EM' };

/** A score in words, as measured on the dev questions: 'dev F1', 'dev return'. */
export const scoreLabel = (score: Pick<Score, 'name'>): string => `dev ${NAMES[score.name] ?? score.name}`;

/** What has a score, or has none that is known: no cell of its environment finished. */
interface Scored {
  readonly declared: Score | null;
}

/** The score that all of them have, or null. Those of which none is known do not count. */
export function commonScore(scored: readonly Scored[]): Score | null {
  const known = scored.flatMap(({ declared }) => (declared === null ? [] : [declared]));
  const [first] = known;
  return first !== undefined && known.every(({ name }) => name === first.name) ? first : null;
}

/** The label of the score that all of them have; of different ones, or none, 'dev score'. */
export function commonLabel(scored: readonly Scored[]): string {
  const common = commonScore(scored);
  return common === null ? 'dev score' : scoreLabel(common);
}

/** Whether they have different scores, so that each has to be named. */
export const hasSeveralScores = (scored: readonly Scored[]): boolean =>
  new Set(scored.flatMap(({ declared }) => (declared === null ? [] : [declared.name]))).size > 1;

/** The range of the score that all of them have: '0..1'. Of different ones 'score'. */
export function commonUnit(scored: readonly Scored[]): string {
  const ranges = new Set(
    scored.flatMap(({ declared }) => (declared === null ? [] : [declared.range.join('..')])),
  );
  return ranges.size === 1 && commonScore(scored) !== null ? [...ranges][0]! : 'score';
}
