import { corridor } from '../corridor.ts';
import type { Experiment } from '../experiment.ts';
import { choice, ends } from '../process.ts';

/** Probability of the right turn at the start. */
export const RIGHT = 0.25;

/**
 * A turn that starts wrong with 0.75, and can then be undone at a price; four idle turns after it. J at the start:
 * 0.25 + 0.375 (1 - price); at best 1.
 */
export const recovery: Experiment = {
  id: 'recovery',
  question: 'Does a method blame the mistake and praise its repair, though both end in the same reward?',
  claim:
    'credit by outcome praises mistakes that were repaired (agent-credit-bench: A(bad) = -0.25, credit 0.25)',
  knob: { name: 'price of undoing the mistake', levels: [0.1, 0.3, 0.5, 0.7, 0.9] },
  process: (price) => {
    const way = (name: string, right: boolean, reward: number) =>
      corridor({ name, turns: 4, exit: ends(right, reward) });
    const [good, repaired, bad] = [
      way('right way', true, 1),
      way('repaired', true, 1 - price),
      way('wrong way', false, 0),
    ];
    const states = {
      fork: {
        text: 'fork',
        actions: choice(
          RIGHT,
          ['good', good.entry],
          ['bad', [{ probability: 1, reward: 0, next: 'mistake' }]],
        ),
      },
      mistake: { text: 'mistake', actions: choice(0.5, ['undo', repaired.entry], ['go on', bad.entry]) },
    };
    return { starts: ['fork'], states: { ...states, ...good.states, ...repaired.states, ...bad.states } };
  },
};
