import { describe, expect, it } from 'vitest';
import { configured } from '../../algorithms/configured.ts';
import { ALGORITHMS, findAlgorithm } from '../../algorithms/registry.ts';
import { createRandom } from '../../core/random.ts';
import { STOP_OR_SEARCH_TASK, stopOrSearch } from '../../envs/diagnostic/stop-or-search.ts';
import { lookAhead } from '../../envs/look-ahead.ts';
import { createTabularPolicy } from '../../policies/tabular/index.ts';
import { initialState, type TrainingSetup, type TrainingState, trainIteration } from './iteration.ts';
import { trainingSchema } from './options.ts';

const tasks = ['a', 'b', 'c'].map((id) => ({ ...STOP_OR_SEARCH_TASK, id }));

/** A training from its beginning, of a policy of its own. */
function training(id: string, options: object = {}): { setup: TrainingSetup; start: TrainingState } {
  const policy = createTabularPolicy();
  const algorithm = configured(findAlgorithm(id), options);
  const environment = stopOrSearch();
  const setup: TrainingSetup = {
    environment,
    expert: lookAhead(environment),
    tasks,
    policy,
    algorithm,
    options: trainingSchema.parse({ questions: 2, minibatches: 1, learningRate: 0.1 }),
    sampling: { temperature: 1 },
    reference: policy.parameters(),
    random: createRandom(3).split('train'),
  };
  return { setup, start: initialState(policy, algorithm) };
}

/** So many iterations on from a state. */
async function go(setup: TrainingSetup, from: TrainingState, iterations: number): Promise<TrainingState> {
  let state = from;
  for (let i = 0; i < iterations; i++) ({ state } = await trainIteration(state, setup));
  return state;
}

describe('trainIteration', () => {
  it.each(ALGORITHMS.map(({ id }) => id))(
    '%s: equal states and setups give equal results, whatever was done with the policy between',
    async (id) => {
      const { setup, start } = training(id);
      const third = await go(setup, start, 3);
      const fifth = await go(setup, third, 2);
      // Back to the beginning with the same policy, and on from the middle with a fresh one.
      expect(await go(setup, start, 3)).toEqual(third);
      const { setup: fresh } = training(id);
      expect(await go({ ...fresh, reference: setup.reference }, third, 2)).toEqual(fifth);
      expect(fifth).not.toEqual(third);
    },
  );

  it('refuses a method whose plan asks for nothing', async () => {
    const { setup, start } = training('grpo');
    const idle = { ...setup, algorithm: { ...setup.algorithm, next: () => [] } };
    await expect(trainIteration(start, idle)).rejects.toThrow(
      "rollout plan: next answers [] for every question's empty tree, so that nothing is sampled in iteration 1; valid: at least one rollout",
    );
  });

  it('asks every question once before it asks any again', async () => {
    const { setup, start } = training('grpo', { groupSize: 2 });
    const asked: string[] = [];
    let state = start;
    for (let i = 0; i < 6; i++) {
      const done = await trainIteration(state, setup);
      asked.push(...done.trees.map(({ task }) => task.id));
      state = done.state;
    }
    expect(state.asked).toBe(12);
    for (let epoch = 0; epoch < 4; epoch++) {
      expect(asked.slice(3 * epoch, 3 * epoch + 3).sort()).toEqual(['a', 'b', 'c']);
    }
    // In a new order.
    expect(
      new Set([0, 1, 2, 3].map((epoch) => asked.slice(3 * epoch, 3 * epoch + 3).join())).size,
    ).toBeGreaterThan(1);
  });

  it('counts what a KL penalty reads under the starting weights', async () => {
    const free = await trainIteration(training('grpo').start, training('grpo').setup);
    const { setup, start } = training('grpo', { kl: 0.1 });
    const held = await trainIteration(start, setup);
    expect(free.referenceTokens).toBe(0);
    // A table reads one symbol per action, and every action is one token.
    expect(held.referenceTokens).toBe(2 * held.rows.length);
  });

  it('tells its stages in their order', async () => {
    const { setup, start } = training('ppo');
    const stages: string[] = [];
    await trainIteration(start, setup, (stage) => stages.push(stage));
    expect(stages).toEqual(['rollout', 'credit', 'update']);
  });

  it('ends with the reason of its signal', async () => {
    const { setup, start } = training('grpo');
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(trainIteration(start, { ...setup, signal })).rejects.toThrow('enough');
  });
});
