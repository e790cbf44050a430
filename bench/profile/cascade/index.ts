import type { Experiment } from '../experiment.ts';
import { choice, leads, type ProcessState } from '../process.ts';

/** Probability of the open way at the start. */
const OPEN = 0.1;

/**
 * A first choice of low entropy, then k even ones. The reward is the share of those that went right, and half of it
 * when the first choice was the closed way. J at the start: 0.275; at best 1.
 */
export const cascade: Experiment = {
  id: 'cascade',
  question: 'Does a method credit an early choice that only changes what later ones are worth?',
  claim: 'early decisions act through later ones (the cascade of the bifurcation tasks, arXiv 2604.09459)',
  knob: { name: 'later choices', levels: [1, 2, 4, 8] },
  process: (later) => {
    const states: Record<string, ProcessState> = {
      fork: {
        text: 'fork',
        actions: choice(OPEN, ['open', leads('open 0 0')], ['closed', leads('closed 0 0')]),
      },
    };
    for (const way of ['open', 'closed'] as const) {
      for (let turn = 0; turn < later; turn++) {
        for (let right = 0; right <= turn; right++) {
          const on = (sum: number) =>
            turn + 1 < later
              ? leads(`${way} ${turn + 1} ${sum}`)
              : [
                  {
                    probability: 1,
                    reward: (way === 'open' ? 1 : 0.5) * (sum / later),
                    right: 2 * sum > later,
                  },
                ];
          const name = `${way} ${turn} ${right}`;
          // The way and the turn are read; how many went right before does not matter for what is best.
          const text = `${way}, turn ${turn + 1}`;
          states[name] = { text, actions: choice(0.5, ['good', on(right + 1)], ['bad', on(right)]) };
        }
      }
    }
    return { starts: ['fork'], states };
  },
};
