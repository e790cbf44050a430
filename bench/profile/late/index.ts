import { corridor } from '../corridor.ts';
import type { Experiment } from '../experiment.ts';
import { choice, ends, leads } from '../process.ts';

/** What an idle turn pays or takes by the toss of a fair coin. */
const COIN = 1;

/** Turns that do not matter and pay by coin tosses, then one choice that decides. J = P(right). */
export const late: Experiment = {
  id: 'late',
  question: 'Does a method find the choice that matters when it comes last?',
  claim: 'credit by turn leaves out what was paid before it (reward to go); credit by outcome does not',
  knob: { name: 'idle turns before the choice', levels: [1, 8, 32, 64] },
  process: (turns) => {
    const before = corridor({ name: 'way', turns, coin: COIN, exit: leads('fork') });
    const fork = { text: 'fork', actions: choice(0.5, ['good', ends(true)], ['bad', ends(false)]) };
    return { starts: ['way, turn 1'], states: { ...before.states, fork } };
  },
};
