import type { Experiment } from '../experiment.ts';
import { choice, type Outcome, type ProcessState } from '../process.ts';

/** How often the better action is the right one. */
export const USUALLY = 0.65;

const pays = (chance: number): readonly Outcome[] =>
  [
    { probability: chance, reward: 1, right: true },
    { probability: 1 - chance, reward: 0, right: false },
  ].filter(({ probability }) => probability > 0);

/**
 * A first turn with nothing to decide, in which the world is drawn, unseen: usual (0.65) or not. Then a choice: the usual
 * action is right in the usual world, the other one in the other. With the level's probability that world decides, and
 * otherwise one that is drawn anew at the end. J = 0.35 + 0.3 P(usual), whatever the level.
 *
 * Rollouts from the start have draws of their own at every level. Those that fork behind the first turn share the world.
 */
export const dependentSiblings: Experiment = {
  id: 'dependent-siblings',
  question: 'What does a method lose where rollouts that it compares share a draw that nobody sees?',
  claim:
    'siblings of a fork are a sample of what an action is worth (CARL, arXiv 2512.04949; Tree-GRPO, arXiv 2509.21240)',
  knob: { name: 'probability that what was drawn before the fork decides', levels: [0, 0.5, 0.75, 0.9, 1] },
  process: (shared) => {
    const behind = (isUsual: boolean): ProcessState => ({
      text: 'choice',
      actions: choice(
        0.5,
        ['usual', pays(shared * Number(isUsual) + (1 - shared) * USUALLY)],
        ['unusual', pays(shared * Number(!isUsual) + (1 - shared) * (1 - USUALLY))],
      ),
    });
    const drawn = [
      { probability: USUALLY, reward: 0, next: 'usual world' },
      { probability: 1 - USUALLY, reward: 0, next: 'unusual world' },
    ];
    return {
      starts: ['start'],
      states: {
        start: { text: 'start', actions: [{ name: 'go', logit: 0, outcomes: drawn }] },
        'usual world': behind(true),
        'unusual world': behind(false),
      },
    };
  },
  optimum: () => USUALLY,
};
