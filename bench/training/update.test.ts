import { describe, expect, it } from 'vitest';
import type { Objective } from '../../algorithms/objective.ts';
import { createTabularPolicy } from '../../policies/tabular/index.ts';
import { adamState } from './learners/adam.ts';
import { localOptimizer } from './learners/local.ts';
import { trainingSchema } from './options.ts';
import { type TrainingRow, update } from './update.ts';

const objective: Objective = { clip: { low: 0.2, high: 0.2 }, aggregation: 'sequence-mean-token-sum' };
const row = (tree: number, change: Partial<TrainingRow>): TrainingRow => ({
  tree,
  edge: 0,
  sequence: String(tree),
  advantages: [0],
  oldLogProbs: [-Math.LN2],
  record: { prompt: { text: `state ${tree}`, actions: ['a', 'b'] }, tokens: [0] },
  ...change,
});
const lossWith = async (rows: readonly TrainingRow[], minibatches: number, questions: number) =>
  update({
    optimizer: localOptimizer(createTabularPolicy(), adamState(0)),
    objective,
    rows,
    questions,
    // So small a rate that the second step stands where the first did.
    options: trainingSchema.parse({ minibatches, learningRate: 1e-12 }),
    sampling: { temperature: 1 },
  });

describe('update', () => {
  it('weighs imitation by questions, as the means of the loss are, however they are split into steps', async () => {
    const imitated = [0, 1, 2].map((tree) => row(tree, { nllWeight: 0.5 / 4 }));
    const credited = [0, 1, 2, 3].map((tree) => row(tree, { advantages: [1] }));
    for (const minibatches of [1, 2, 4]) {
      const { loss, steps } = await lossWith([...imitated, ...credited], minibatches, 4);
      expect(steps).toBe(minibatches);
      // The mean over questions: lambda ln 2 for three of four, and -1 for all.
      expect(loss).toBeCloseTo((0.5 * 3 * Math.LN2) / 4 - 1, 9);
    }
  });

  it('skips steps without rows', async () => {
    expect((await lossWith([], 2, 4)).steps).toBe(0);
    expect((await lossWith([row(3, { advantages: [1] })], 2, 4)).steps).toBe(1);
  });
});
