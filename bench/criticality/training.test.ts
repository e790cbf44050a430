import { describe, expect, it } from 'vitest';
import { configured } from '../../algorithms/configured.ts';
import { findAlgorithm } from '../../algorithms/registry.ts';
import { sketchTree } from '../../algorithms/sketch.test-helper.ts';
import { createRandom } from '../../core/random.ts';
import { STOP_OR_SEARCH_TASK, stopOrSearch } from '../../envs/diagnostic/stop-or-search.ts';
import { createTabularPolicy } from '../../policies/tabular/index.ts';
import { trainingSchema } from '../training/options.ts';
import { type Arm, carlArm, earlyActionAblation } from './ablation.ts';
import { exactEnvironment } from './outcomes.ts';
import { ablationTables, tableCsv, trainingTables } from './tables.ts';
import { criticalityTrack, trainWith } from './training.ts';

const environment = exactEnvironment(stopOrSearch());
const tasks = [STOP_OR_SEARCH_TASK];
const loaded = { environment, tasks: { train: tasks, dev: tasks, test: tasks }, fingerprint: '' } as never;
const options = trainingSchema.parse({ iterations: 40, questions: 8, minibatches: 1, learningRate: 0.1 });

/** A table that has seen both states, so that its number of parameters stays. */
const freshPolicy = async () => {
  const policy = createTabularPolicy({
    initial: ({ text }, action) => (text === 'found' ? [-0.6, 0][action]! : 0),
  });
  const found = { text: 'found', actions: ['A', 'B'] };
  await policy.distributions([{ text: 'start', actions: ['stop', 'search'] }, found], { temperature: 1 });
  return policy;
};

describe('criticality along training', () => {
  it('follows a start that is low at first and becomes critical when the policy learns what comes after', async () => {
    const policy = await freshPolicy();
    const track = criticalityTrack({
      environment,
      policy,
      tasks,
      temperature: 1,
      threshold: 0.2,
      early: 1,
      every: 20,
      random: createRandom(0),
    });
    await trainWith({
      loaded,
      policy,
      algorithm: carlArm('filtered', 1, { initial: 4, forks: 4 }),
      options,
      seed: 0,
      onIteration: track.measure,
    });
    const fixed = track.points.filter(({ set }) => set === 'fixed');
    expect(fixed.map(({ iteration }) => iteration)).toEqual([0, 20, 40]);
    // Greedily B at first: searching leads to 0, stopping to 0.3, criticality 0.15. Later A: 0.35 at p = 1/2.
    expect(fixed[0]!.roseEarly).toBe(0);
    expect(fixed[1]!.roseEarly).toBe(1);
    const visited = track.points.filter(({ set }) => set === 'visited');
    expect(visited).toHaveLength(6);
    expect(visited[0]!.roseEarly).toBeNull();
    expect(tableCsv(trainingTables(track.points).training!).split('\n')).toHaveLength(11);
  });

  it('is the same for the same seed and another for another', async () => {
    const train = async (seed: number) => {
      const policy = await freshPolicy();
      const algorithm = carlArm('filtered', 1, { initial: 2, forks: 2 });
      await trainWith({
        loaded,
        policy,
        algorithm,
        options: { ...options, iterations: 2 },
        seed,
      });
      return [...policy.parameters()];
    };
    expect(await train(1)).toEqual(await train(1));
    expect(await train(1)).not.toEqual(await train(2));
  });
});

/** Two rollouts: a-b-c (return 1, forked at c) and d-e (return 0). Node ids in the order of the sketch. */
const tree = sketchTree([
  {
    name: 'a',
    next: [
      {
        name: 'b',
        next: [
          { name: 'c1', end: 1 },
          { name: 'c2', round: 1, start: true, end: 0.5 },
        ],
      },
    ],
  },
  { name: 'd', next: [{ name: 'e', end: 0 }] },
]);
const credited = (arm: Arm, early: number) =>
  Object.fromEntries(
    carlArm(arm, early)
      .credit([tree], createRandom(0))
      .actions.map(({ edge, advantage }) => [tree.edges[edge]!.action, advantage as number]),
  );

describe('a training of criticality', () => {
  /** What a method needs beyond rollouts and credit, and what shows that it was there. */
  const train = async (id: string, given: object, change: Partial<typeof options> = {}) => {
    const policy = await freshPolicy();
    await trainWith({
      loaded,
      policy,
      algorithm: configured(findAlgorithm(id), given),
      options: { ...options, iterations: 10, ...change },
      seed: 0,
    });
    return [...policy.parameters()];
  };
  const learned = ([stop, search]: readonly number[]): number => search! - stop!;

  it('trains the critic of PPO', async () => {
    expect(learned(await train('ppo', { groupSize: 8 }))).toBeGreaterThan(0.1);
    // Without its critic's learning it is another training.
    expect(await train('ppo', { groupSize: 8, criticLearningRate: 1e-9 })).not.toEqual(
      await train('ppo', { groupSize: 8 }),
    );
  });

  it('samples other questions for DAPO in place of those that teach nothing', async () => {
    const [few, many] = [
      { groupSize: 2, batches: 1 },
      { groupSize: 2, batches: 10 },
    ];
    const small = { questions: 2, iterations: 3 };
    expect(await train('dapo', few, small)).not.toEqual(await train('dapo', many, small));
  });

  it('holds on to the start with a KL penalty', async () => {
    const free = learned(await train('grpo', {}, { iterations: 40 }));
    const held = learned(await train('grpo', { kl: 20 }, { iterations: 40 }));
    expect(free).toBeGreaterThan(0.2);
    expect(Math.abs(held)).toBeLessThan(free / 2);
  });
});

describe('the ablation of early actions', () => {
  it('keeps what CARL keeps, and adds the early actions that were not forked', () => {
    expect(credited('filtered', 2)).toEqual({ c1: 0.25, c2: -0.25 });
    // V(root) = (0.75 + 0) / 2; a and d are siblings but not forked; b inherits from a, e from d.
    expect(credited('kept', 1)).toEqual({ c1: 0.25, c2: -0.25, a: 0.375, d: -0.375 });
    expect(credited('kept', 2)).toEqual({ ...credited('kept', 1), b: 0.375, e: -0.375 });
  });

  it('trains every arm from the same start and puts the start back', async () => {
    const policy = await freshPolicy();
    const before = [...policy.parameters()];
    const result = await earlyActionAblation({
      loaded,
      policy,
      options: { ...options, iterations: 30, evaluationDecoding: 'greedy' },
      seeds: [0, 1],
      early: 1,
      carl: { initial: 2, forks: 4 },
    });
    expect([...policy.parameters()]).toEqual(before);
    expect(result.runs).toHaveLength(4);
    // The start stops greedily (the first of equals); any arm learns to search and take A.
    for (const run of result.runs) expect([run.before, run.after]).toEqual([0.3, 1]);
    expect(result.difference).toEqual({ seeds: 2, difference: 0, halfWidth: 0 });
    expect(tableCsv(ablationTables(result).ablation!).split('\n')).toHaveLength(6);
  });
});
