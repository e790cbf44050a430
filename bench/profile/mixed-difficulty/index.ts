import type { Experiment } from '../experiment.ts';
import { choice, type Outcome } from '../process.ts';

const answered = (chance: number): readonly Outcome[] =>
  [
    { probability: chance, reward: 1, right: true },
    { probability: 1 - chance, reward: 0, right: false },
  ].filter(({ probability }) => probability > 0);

/**
 * One way of working for two questions, which the policy cannot tell apart. Working carefully (right) loses e on the easy
 * question, which succeeds always when done quickly, and gains 2 e on the hard one, from 0.5 - e to 0.5 + e; e = 1 - level.
 * J(quick) = 0.75 - e / 2, J(careful) = 0.75. A group's std is small where a question is easy: dividing by it weighs
 * what the easy question loses more. J at the start is half way between.
 */
export const mixedDifficulty: Experiment = {
  id: 'mixed-difficulty',
  question: 'Does a method trade easy against hard questions as the return does?',
  claim: "division by a group's std favours questions that are nearly solved (Dr. GRPO, arXiv 2503.20783)",
  knob: { name: 'success on the easy question with the wrong way', levels: [0.5, 0.8, 0.9, 0.95] },
  process: (easy) => {
    const gain = 1 - easy;
    const question = (careful: number, quick: number) => ({
      text: 'how to work',
      actions: choice(0.5, ['carefully', answered(careful)], ['quickly', answered(quick)]),
    });
    return {
      starts: ['easy question', 'hard question'],
      states: {
        'easy question': question(easy, 1),
        'hard question': question(0.5 + gain, 0.5 - gain),
      },
    };
  },
  // An episode is one action.
  episodes: 6400,
  optimum: () => 0.75,
};
