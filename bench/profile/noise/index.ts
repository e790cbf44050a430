import { corridor } from '../corridor.ts';
import type { Experiment } from '../experiment.ts';
import { choice, type Outcome, type ProcessState } from '../process.ts';

/** Turns after the choice, in which there is nothing to decide. */
const TURNS = 3;

/**
 * A coin is tossed and seen; then one choice, three turns without any, and at the end 1 or 0 and what the coin said: the
 * level more or less, whatever was done. J = mean P(right).
 */
export const noise: Experiment = {
  id: 'noise',
  question: 'How much noise in the reward, of no action, does a method bear if it could know it beforehand?',
  claim:
    'a critic (PPO) or anchor states (GiGPO, arXiv 2505.10978) take out what the state says and no action causes; the mean of a group that began before it (GRPO, arXiv 2402.03300) does not',
  knob: { name: 'size of the coin toss beside a reward of 1', levels: [0, 1, 2, 4, 8] },
  process: (size) => {
    const states: Record<string, ProcessState> = {};
    const tosses: Outcome[] = [];
    for (const [toss, paid] of Object.entries({ heads: size, tails: -size })) {
      const [good, bad] = [true, false].map((right) =>
        corridor({
          name: `${toss}, ${right ? 'right' : 'wrong'} way`,
          turns: TURNS,
          unlikely: 0,
          exit: [{ probability: 1, reward: (right ? 1 : 0) + paid, right }],
        }),
      );
      const name = `${toss}, fork`;
      states[name] = { text: name, actions: choice(0.5, ['good', good!.entry], ['bad', bad!.entry]) };
      Object.assign(states, good!.states, bad!.states);
      tosses.push({ probability: 1 / 2, reward: 0, next: name });
    }
    states.toss = { text: 'toss', actions: [{ name: 'wait', logit: 0, outcomes: tosses }] };
    return { starts: ['toss'], states };
  },
};
