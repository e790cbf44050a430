import type { Experiment } from '../experiment.ts';
import { choice, ends, leads, type ProcessState } from '../process.ts';

/** What the second half may say: a question each. */
const HALVES = ['left', 'right'] as const;

/**
 * Two agents in turn, each seeing its half of the question, paid together at the end. The first sees nothing that helps: it
 * guesses what the second half says, and the pair is paid the level if it hits. The second sees its half, not the guess, and
 * earns the pair 1 by doing what its half says. J = P(second right) + level / 2, whatever the first does.
 */
export const team: Experiment = {
  id: 'team',
  question:
    "Does a method judge an agent by its own choice, not by its partner's, when both are paid together?",
  claim:
    "with the partner's action held fixed, an agent's credit is its own (counterfactual baselines: COMA, arXiv 1705.08926)",
  knob: { name: "partner's stake beside 1 of one's own", levels: [0, 2, 4, 8, 16, 32] },
  process: (stake) => {
    const states: Record<string, ProcessState> = {};
    const nameOf = (half: string, guess: string): string => `${half}, after guessing ${guess}`;
    for (const half of HALVES) {
      const [left, right] = HALVES.map((guess) => leads(nameOf(half, guess)));
      states[half] = { text: 'first agent', actions: choice(0.5, ['left', left!], ['right', right!]) };
      for (const guess of HALVES) {
        const pays = (done: string) =>
          ends(done === half, (done === half ? 1 : 0) + (guess === half ? stake : 0));
        states[nameOf(half, guess)] = {
          text: `second agent, ${half}`,
          actions: choice(0.5, ['left', pays('left')], ['right', pays('right')]),
        };
      }
    }
    return { starts: HALVES, states };
  },
  batch: () => ({ rollouts: 16, questions: 2 }),
  // An episode is two actions.
  episodes: 1600,
  optimum: (stake) => 1 + stake / 2,
};
