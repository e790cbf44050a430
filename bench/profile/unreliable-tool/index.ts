import type { Experiment } from '../experiment.ts';
import { choice, ends, type ProcessState } from '../process.ts';

/** Calls that an episode may make. */
export const CALLS = 4;
/** Chance that a guess is right. */
export const GUESS = 0.25;

/**
 * Guess (right in 1 of 4), or call a tool that fails with the level's probability and may be called four times; its
 * result has then to be used. J at best: 1 - 0.75 failure^4.
 */
export const unreliableTool: Experiment = {
  id: 'unreliable-tool',
  question: 'Does a method keep crediting a call that was right and failed by chance?',
  claim:
    'turn-level credit takes the chance of tools out of the signal (GiGPO, arXiv 2505.10978; ARPO, arXiv 2507.19849)',
  knob: { name: 'probability that a call fails', levels: [0, 0.25, 0.5, 0.75, 0.9] },
  process: (failure) => {
    const guess = [
      { probability: GUESS, reward: 1, right: true },
      { probability: 1 - GUESS, reward: 0, right: false },
    ];
    const states: Record<string, ProcessState> = {
      result: { text: 'result', actions: choice(0.5, ['use it', ends(true)], ['ignore it', ends(false)]) },
      'no calls left': { text: 'no calls left', actions: [{ name: 'guess', logit: 0, outcomes: guess }] },
    };
    const at = (left: number): string => (left === 0 ? 'no calls left' : `${left} calls left`);
    for (let left = 1; left <= CALLS; left++) {
      const called = [
        { probability: 1 - failure, reward: 0, next: 'result' },
        { probability: failure, reward: 0, next: at(left - 1) },
      ].filter(({ probability }) => probability > 0);
      states[at(left)] = { text: at(left), actions: choice(0.5, ['call', called], ['guess', guess]) };
    }
    return { starts: [at(CALLS)], states };
  },
};
