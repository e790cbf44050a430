import { InputError } from '../../core/errors.ts';
import { igpoWords, normalizeAnswer } from './normalize.ts';

/** What one answer scored. All in [0, 1]. */
export interface AnswerScore {
  /** Exact match after normalisation: 1 or 0. */
  readonly em: number;
  /** Token F1. */
  readonly f1: number;
  /** Share of the predicted tokens that the gold answer has. */
  readonly precision: number;
  /** Share of the gold tokens that the prediction has. */
  readonly recall: number;
}

/** In what the scorers differ. */
interface AnswerRules {
  /** 'multiset' counts repeated tokens (`Counter & Counter`), 'set' does not and has its own tokens. */
  readonly tokens: 'multiset' | 'set';
  /** An answer that normalises to yes, no or noanswer has F1 = P = R = 0 against any other answer. */
  readonly closedAnswers: boolean;
  /** F1 when both sides have no tokens. Precision and recall, which no script reports there, follow it. */
  readonly emptyF1: 0 | 1;
  /**
   * 'ask': at least one gold is required. 'unanswerable': golds without tokens are dropped, and when none
   * remains the question is unanswerable and the only right answer is the empty one.
   */
  readonly emptyGolds: 'ask' | 'unanswerable';
}

/**
 * The scorers and their rules. `hotpotqa` is hotpot_evaluate_v1.py and `2wikimultihopqa`
 * 2wikimultihop_evaluate_v1.1.py; `squad-v1.1` and `squad-v2` are the two SQuAD scripts; `musique` is
 * metrics/answer.py; `igpo` is the set F1 of IGPO and ASearcher. (ASearcher also reads true as yes and false
 * as no, which is not done here.)
 */
export const ANSWER_RULES = {
  hotpotqa: { tokens: 'multiset', closedAnswers: true, emptyF1: 0, emptyGolds: 'ask' },
  '2wikimultihopqa': { tokens: 'multiset', closedAnswers: true, emptyF1: 0, emptyGolds: 'ask' },
  'squad-v1.1': { tokens: 'multiset', closedAnswers: false, emptyF1: 0, emptyGolds: 'ask' },
  'squad-v2': { tokens: 'multiset', closedAnswers: false, emptyF1: 1, emptyGolds: 'unanswerable' },
  musique: { tokens: 'multiset', closedAnswers: false, emptyF1: 1, emptyGolds: 'ask' },
  igpo: { tokens: 'set', closedAnswers: false, emptyF1: 0, emptyGolds: 'ask' },
} as const satisfies Record<string, AnswerRules>;

/** The name of a scorer: a key of `ANSWER_RULES`. */
export type AnswerMetric = keyof typeof ANSWER_RULES;

/** How answers are compared: 'text' by a scorer's rules, 'labels' exactly, character by character. */
export type AnswerKind = 'text' | 'labels';

/** All scorers, in the order of `ANSWER_RULES`. */
export const ANSWER_METRICS = Object.keys(ANSWER_RULES) as readonly AnswerMetric[];

const CLOSED_ANSWERS: ReadonlySet<string> = new Set(['yes', 'no', 'noanswer']);
const ZERO: AnswerScore = { em: 0, f1: 0, precision: 0, recall: 0 };

/**
 * Scores one prediction against the accepted golds under one scorer's rules. With several golds, EM, F1,
 * precision and recall are each the maximum over the golds, taken separately as the official scripts do (so
 * they can come from different golds, and F1 need not be the harmonic mean of the other two). HotpotQA's own
 * script has one gold a question; several are accepted here and scored the same way.
 *
 * EM compares `normalizeAnswer` of both under every metric, `igpo` included (which defines F1 only).
 *
 * @param golds at least one, except under 'squad-v2', where `[]` means that the question is unanswerable.
 * @throws InputError on an unknown metric or when there are no golds where one is required.
 */
export function scoreAnswer(metric: AnswerMetric, prediction: string, golds: readonly string[]): AnswerScore {
  if (!Object.hasOwn(ANSWER_RULES, metric)) {
    throw new InputError(`metric: unknown value '${metric}'; valid: ${ANSWER_METRICS.join(', ')}`);
  }
  const rules: AnswerRules = ANSWER_RULES[metric];
  const accepted = rules.emptyGolds === 'unanswerable' ? answerable(golds) : golds;
  if (accepted.length === 0)
    throw new InputError(`golds: none given; ${metric} needs at least one gold answer`);

  const normalized = normalizeAnswer(prediction);
  const words = rules.tokens === 'set' ? [...new Set(igpoWords(prediction))] : wordsOf(normalized);
  let best = ZERO;
  for (const gold of accepted) best = maximum(best, scoreOne(rules, normalized, words, gold));
  return best;
}

/**
 * F1 and exact match of what an episode answered. No answer scores 0 whatever is accepted and under every metric; the
 * empty answer is an answer. Of labels both are 1 if the answer equals a gold exactly, else 0.
 *
 * @throws InputError as `scoreAnswer` does, if the answers are text.
 */
export function scoreGiven(
  { kind, metric }: { readonly kind: AnswerKind; readonly metric: AnswerMetric },
  answer: string | undefined,
  golds: readonly string[],
): Pick<AnswerScore, 'em' | 'f1'> {
  if (answer === undefined) return { em: 0, f1: 0 };
  if (kind === 'text') return scoreAnswer(metric, answer, golds);
  const same = golds.includes(answer) ? 1 : 0;
  return { em: same, f1: same };
}

function scoreOne(
  rules: AnswerRules,
  prediction: string,
  words: readonly string[],
  gold: string,
): AnswerScore {
  const normalized = normalizeAnswer(gold);
  const em = prediction === normalized ? 1 : 0;
  const closed = CLOSED_ANSWERS.has(prediction) || CLOSED_ANSWERS.has(normalized);
  if (rules.closedAnswers && closed && em === 0) return ZERO;
  const goldWords = rules.tokens === 'set' ? [...new Set(igpoWords(gold))] : wordsOf(normalized);
  if (words.length === 0 && goldWords.length === 0) {
    return { em, f1: rules.emptyF1, precision: rules.emptyF1, recall: rules.emptyF1 };
  }
  const same = commonWords(words, goldWords);
  if (same === 0) return { em, f1: 0, precision: 0, recall: 0 };
  const precision = same / words.length;
  const recall = same / goldWords.length;
  return { em, f1: harmonicMean(precision, recall), precision, recall };
}

/** 2PR/(P+R), or 0 when both are 0: how every official script joins precision and recall. */
export function harmonicMean(precision: number, recall: number): number {
  return precision + recall > 0 ? (2 * precision * recall) / (precision + recall) : 0;
}

/** The words of an already normalised text. */
function wordsOf(normalized: string): string[] {
  return normalized === '' ? [] : normalized.split(' ');
}

/** Size of the multiset intersection, Python's `sum((Counter(a) & Counter(b)).values())`. */
function commonWords(left: readonly string[], right: readonly string[]): number {
  const counts = new Map<string, number>();
  for (const word of left) counts.set(word, (counts.get(word) ?? 0) + 1);
  let common = 0;
  for (const word of right) {
    const count = counts.get(word) ?? 0;
    if (count === 0) continue;
    counts.set(word, count - 1);
    common += 1;
  }
  return common;
}

function answerable(golds: readonly string[]): readonly string[] {
  const kept = golds.filter((gold) => normalizeAnswer(gold) !== '');
  return kept.length > 0 ? kept : [''];
}

function maximum(a: AnswerScore, b: AnswerScore): AnswerScore {
  return {
    em: Math.max(a.em, b.em),
    f1: Math.max(a.f1, b.f1),
    precision: Math.max(a.precision, b.precision),
    recall: Math.max(a.recall, b.recall),
  };
}
