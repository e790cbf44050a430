import { z } from 'zod';
import { normalizeAnswer } from '../scoring/normalize.ts';
import { givenAnswer, hasValidFormat, retrieved, type SearchState } from './task.ts';

const share = (value: number, what: string) =>
  z.number().min(0).max(1).default(value).describe(`${what}; 0 to 1, default ${value}.`);

const emFormatSchema = z
  .strictObject({
    kind: z.literal('em-format'),
    structure: share(
      0.2,
      'Reward of a valid format with a wrong answer; taken off where a right answer lacks it',
    ),
    final: share(0.1, 'Reward of a wrong answer in an invalid format'),
    retrieval: share(0, 'Added to `structure` where a gold answer occurs in what was retrieved'),
  })
  .refine(({ structure, retrieval }) => structure + retrieval <= 1, {
    message: 'structure + retrieval must be at most 1',
  });

/** What an episode is rewarded for: a name, or 'em-format' with its amounts. */
export const rewardSchema = z.union([z.enum(['f1', 'em', 'em-format']), emFormatSchema]);

/** What an episode is rewarded for. */
export type RewardRule = z.output<typeof rewardSchema>;

const EM_FORMAT = emFormatSchema.parse({ kind: 'em-format' });

/**
 * Rates an answer against the accepted golds.
 * @experimental
 */
export type AnswerScorer = (
  answer: string,
  golds: readonly string[],
) => { readonly em: number; readonly f1: number };

/**
 * The reward of an episode that has ended, 0 to 1; every step before gives 0.
 *
 * 'f1' and 'em' score the answer and give 0 without one. 'em-format' is Search-R1 v0.3 (qa_em_format.py): right
 * and valid 1, right and not valid 1 - structure, not right but valid structure (+ retrieval where a gold
 * occurs in the passages), wrong and not valid `final`, no answer 0. Its case 'no answer, valid format' cannot
 * come up here: the format is valid only when an answer ends it.
 */
export function rewardOf(rule: RewardRule, state: SearchState, score: AnswerScorer): number {
  const answer = givenAnswer(state);
  if (answer === undefined) return 0;
  const { em, f1 } = score(answer, state.task.answers);
  if (rule === 'f1') return f1;
  if (rule === 'em') return em;
  const { structure, final, retrieval } = rule === 'em-format' ? EM_FORMAT : rule;
  const isValid = hasValidFormat(state);
  if (em === 1) return isValid ? 1 : 1 - structure;
  if (!isValid) return final;
  return structure + (hasRetrievedGold(state) ? retrieval : 0);
}

/** True when a gold answer occurs in the titles and texts retrieved, both normalised, as in Search-R1. */
function hasRetrievedGold(state: SearchState): boolean {
  const read = normalizeAnswer(
    retrieved(state)
      .map(({ title, text }) => `${title} ${text}`)
      .join(' '),
  );
  return state.task.answers.map(normalizeAnswer).some((gold) => gold !== '' && read.includes(gold));
}
