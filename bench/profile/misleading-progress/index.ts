import type { Experiment } from '../experiment.ts';
import { choice, ends, leads } from '../process.ts';

/** Probability of the gold answer after working it out, at the start. */
export const WORKED = 0.1;

/**
 * After a search with nothing to decide: work it out, or read a hint. Having worked it out, the policy gives the gold answer
 * with 0.1 and is paid 1 for it. The hint makes it give that answer with the level's probability, and is worth nothing: an
 * answer that was not worked out is not paid. J = P(work) P(gold after work).
 */
export const misleadingProgress: Experiment = {
  id: 'misleading-progress',
  question: 'Does a method take evidence that makes the gold answer more likely for progress, if it is not?',
  claim:
    "a turn is worth what it adds to the gold answer's probability (IGPO, arXiv 2510.14967; A2TGPO, arXiv 2605.06200; GRPO-VPS, arXiv 2604.20659)",
  knob: {
    name: 'probability of the gold answer after a hint that is worth nothing',
    levels: [0.05, 0.25, 0.5, 0.75, 0.95],
  },
  process: (hinted) => ({
    starts: ['start'],
    states: {
      // Some methods measure the first gain from the end of the first turn.
      start: { text: 'start', actions: [{ name: 'search', logit: 0, outcomes: leads('found') }] },
      found: {
        text: 'found',
        actions: choice(0.5, ['work it out', leads('worked out')], ['read the hint', leads('hinted')]),
      },
      'worked out': {
        text: 'worked out',
        actions: choice(WORKED, ['gold', ends(true)], ['other', ends(false)]),
      },
      hinted: { text: 'hinted', actions: choice(hinted, ['gold', ends(true, 0)], ['other', ends(false)]) },
    },
  }),
};
