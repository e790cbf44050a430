import { expect, it } from 'vitest';
import { createRandom } from '../../core/random.ts';
import { STOP_OR_SEARCH_TASK, stopOrSearch } from '../../envs/diagnostic/stop-or-search.ts';
import { createTabularPolicy } from '../../policies/tabular/index.ts';
import { measureStates, visitedStates } from './measure.ts';
import { exactEnvironment } from './outcomes.ts';
import { sampledStates } from './sampled.ts';
import { sampledTables } from './sampled-tables.ts';

const environment = exactEnvironment(stopOrSearch());
// Likely to search at first and to answer B then: neither action is sure.
const policy = createTabularPolicy({
  initial: ({ text }, action) => (text === 'start' ? [0, 0.4] : [-0.6, 0])[action]!,
});
const request = { environment, policy, sampling: { temperature: 1 } };
const tasks = Array.from({ length: 12 }, (_, index) => ({ ...STOP_OR_SEARCH_TASK, id: `q${index}` }));

it('comes to the exact standard deviation of the outcome with many samples', async () => {
  const states = await sampledStates({ ...request, tasks, samples: 800, random: createRandom(4) });
  expect(states.length).toBeGreaterThan(tasks.length);
  const visited = await visitedStates({
    ...request,
    tasks,
    trajectories: 1,
    random: createRandom(4).split('visited'),
  });
  const exact = await measureStates({ ...request, states: visited, samples: 0, random: createRandom(0) });
  expect(states.map(({ depth, action, surprisal }) => ({ depth, action, surprisal }))).toEqual(
    exact.map(({ depth, action, surprisal }) => ({ depth, action, surprisal })),
  );
  for (const [index, { criticality, returns, entropy }] of states.entries()) {
    const { outcomeDeviation } = exact[index]!;
    // Returns are 0 or 1: the standard error of the deviation is below 1 / sqrt(8 K).
    expect(Math.abs(criticality - outcomeDeviation)).toBeLessThan(4 / Math.sqrt(8 * 800));
    expect(returns.length).toBe(800);
    expect(entropy).toBeCloseTo(exact[index]!.entropy, 9);
  }
  // Something to measure at all.
  expect(Math.max(...exact.map(({ outcomeDeviation }) => outcomeDeviation))).toBeGreaterThan(0.3);
});

it('repeats with the seed, and a question is measured alike whatever is measured beside it', async () => {
  const of = (few: number) =>
    sampledStates({ ...request, tasks: tasks.slice(0, few), samples: 5, random: createRandom(4) });
  const all = await of(12);
  expect(await of(12)).toEqual(all);
  expect(await of(1)).toEqual(all.filter(({ task }) => task.id === 'q0'));
});

it('makes the tables of Fig. 2 without exact columns', async () => {
  const states = await sampledStates({ ...request, tasks, samples: 6, random: createRandom(4) });
  const tables = sampledTables({
    states,
    entropies: 'upper',
    threshold: 0.4,
    rewardRange: environment.rewardRange,
    random: createRandom(1),
  });
  expect(Object.keys(tables)).toEqual(['states', 'histogram', 'entropy-histogram', 'prediction', 'groups']);
  for (const { columns, rows } of Object.values(tables)) {
    const names = columns.map(({ name }) => name);
    for (const row of rows) expect(Object.keys(row)).toEqual(names);
  }
  expect(tables.states!.rows.every((row) => row.entropy_is === 'upper' && row.samples === 6)).toBe(true);
  const counted = tables.histogram!.rows.reduce((sum, row) => sum + Number(row.count), 0);
  expect(counted).toBe(states.length);
});
