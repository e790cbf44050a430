import { corridor } from '../corridor.ts';
import type { Experiment } from '../experiment.ts';
import { choice, type Outcome } from '../process.ts';

/** How often each way succeeds. */
const CAREFUL = 0.6;
const RASH = 0.4;
/** Actions of an episode, but for the rash way's wrong ones. */
const USUAL = 2;

/**
 * A careful way that succeeds with 0.6 and a rash one with 0.4, drawn at once; then turns in which there is nothing to
 * decide, up to the end with 1 or 0. Episodes have two actions, but for the rash way's wrong ones, which have as many times
 * two as the level says. J = 0.4 + 0.2 P(careful).
 *
 * A loss that divides every episode by its length weighs the rash way's failures by 1 / level. At an even start it prefers
 * that way from level 3 on: 0.6 x 0.5 - 0.4 x 0.5 < 0.4 x 0.5 - 0.6 x 0.5 / level.
 */
export const length: Experiment = {
  id: 'length',
  question: 'Does a method blame a long failure as much as a short one?',
  claim:
    "dividing an episode's loss by its length spares long wrong episodes (Dr. GRPO, arXiv 2503.20783, on GRPO, arXiv 2402.03300)",
  knob: {
    name: "length of the worse way's wrong episodes, of the others' is 1",
    levels: [0.5, 1, 2, 4, 8, 16],
  },
  process: (level) => {
    const track = (name: string, actions: number, right: boolean) =>
      corridor({
        name,
        turns: actions - 1,
        unlikely: 0,
        exit: [{ probability: 1, reward: right ? 1 : 0, right }],
      });
    const solved = track('solved', USUAL, true);
    const failed = track('failed', USUAL, false);
    const astray = track('astray', USUAL * level, false);
    const way = (success: number, failure: readonly Outcome[]): readonly Outcome[] => [
      ...solved.entry.map((one) => ({ ...one, probability: success })),
      ...failure.map((one) => ({ ...one, probability: 1 - success })),
    ];
    return {
      starts: ['fork'],
      states: {
        fork: {
          text: 'fork',
          actions: choice(
            0.5,
            ['carefully', way(CAREFUL, failed.entry)],
            ['rashly', way(RASH, astray.entry)],
          ),
        },
        ...solved.states,
        ...failed.states,
        ...astray.states,
      },
    };
  },
};
