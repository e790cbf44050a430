import { mkdtemp, readdir, readFile, rm, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ALGORITHMS, findAlgorithm } from '../../algorithms/registry.ts';
import { CATALOG } from '../../catalog.ts';
import { STOP_OR_SEARCH_TASK, stopOrSearch } from '../../envs/diagnostic/stop-or-search.ts';
import { findEnvironment } from '../../envs/registry.ts';
import type { EnvironmentSpec } from '../../envs/spec.ts';
import { findPolicy } from '../../policies/registry.ts';
import { createCatalog } from '../catalog/catalog.ts';
import type { Cell, Choice } from '../cell.ts';
import { METRIC_COLUMNS } from '../columns.ts';
import { metricColumns } from '../declaration.ts';
import { trainingSchema, warmStartSchema } from './options.ts';
import { runCell } from './train.ts';

let cacheDirectory: string;
beforeAll(async () => {
  cacheDirectory = await mkdtemp(join(tmpdir(), 'creditbench-'));
});
afterAll(() => rm(cacheDirectory, { recursive: true }));

const cell = (algorithm: string, change: Partial<Cell> = {}, options: object = {}): Cell => ({
  environment: {
    id: 'stop-or-search/v1',
    options: findEnvironment('stop-or-search').schema.parse({}) as object as never,
  },
  policy: { id: 'tabular', options: {} },
  algorithm: { id: algorithm, options: findAlgorithm(algorithm).schema.parse(options) as never },
  training: trainingSchema.parse({
    iterations: 40,
    questions: 1,
    minibatches: 1,
    learningRate: 0.1,
    evaluateEvery: 40,
    evaluationEpisodes: 400,
  }),
  warmStart: warmStartSchema.parse({ steps: 0 }),
  seed: 1,
  backend: 'wasm',
  ...change,
});

const searchOptions = (options: object): Cell['environment']['options'] =>
  findEnvironment('search').schema.parse(options) as Cell['environment']['options'];

describe('runCell', () => {
  const controls = ['random-credit', 'shuffled-credit'];
  it.each(controls)('%s does not learn: a negative control', async (id) => {
    const { metrics } = await runCell(cell(id), CATALOG, { cacheDirectory });
    expect(metrics.at(-1)!.dev_return).toBeLessThan(0.6);
  });

  it.each(ALGORITHMS.map(({ id }) => id).filter((id) => !controls.includes(id)))(
    '%s learns to search and to take A',
    async (id) => {
      const { metrics } = await runCell(cell(id), CATALOG, { cacheDirectory });
      // Untrained: 0.4 on average. A always: 1.
      expect(metrics[0]!.dev_return).toBeLessThan(0.5);
      expect(metrics.at(-1)!.dev_return).toBeGreaterThan(0.8);
    },
  );

  it('scores labels as labels: the accepted answer A is right, though as prose nothing is left of it', async () => {
    const { metrics } = await runCell(cell('grpo', {}, { groupSize: 16 }), CATALOG, { cacheDirectory });
    const last = metrics.at(-1)!;
    expect(last.dev_em).toBeGreaterThan(0.8);
    for (const row of metrics) {
      expect(row.dev_f1 ?? null).toBe(row.dev_em ?? null);
      expect(row.train_f1 ?? null).toBe(row.train_em ?? null);
    }
  });

  it('counts: GRPO trains all it rolls out, CARL between N + 1 and 2 N of it', async () => {
    const grpo = await runCell(cell('grpo', {}, { groupSize: 4 }), CATALOG, { cacheDirectory });
    for (const row of grpo.metrics.slice(1)) {
      expect(row.update_actions).toBe(row.rollout_actions);
      expect(row.dropped_actions).toBe(0);
      expect(row.trajectories).toBe(4);
    }
    const carl = await runCell(cell('carl-lite', {}, { forks: 8 }), CATALOG, { cacheDirectory });
    for (const row of carl.metrics.slice(1)) {
      expect(row.trajectories).toBe(9);
      expect(row.update_actions).toBeGreaterThanOrEqual(9);
      expect(row.update_actions).toBeLessThanOrEqual(16);
      expect(Number(row.update_actions) + Number(row.dropped_actions)).toBe(row.rollout_actions);
    }
  });

  it('completes options by the schemas of what a cell names', async () => {
    const world: EnvironmentSpec<{ readonly scale: number }> = {
      id: 'world/v1',
      title: 'stop or search, with a reward for searching',
      schema: z.strictObject({ scale: z.number().default(2) }).prefault({}),
      load: async ({ scale }) => ({
        environment: stopOrSearch(0.1 * scale),
        tasks: { train: [STOP_OR_SEARCH_TASK], dev: [STOP_OR_SEARCH_TASK], test: [] },
        fingerprint: `world/v1 ${scale}`,
      }),
    };
    const catalog = createCatalog({ ...CATALOG, environments: [world] });
    const training = trainingSchema.parse({ iterations: 2, questions: 1, minibatches: 1 });
    const run = (options: Choice['options'], groupSize: Choice['options']) => {
      const environment = { id: 'world/v1', options };
      const algorithm = { id: 'grpo', options: groupSize };
      return runCell(cell('grpo', { environment, algorithm, training }), catalog, { cacheDirectory });
    };
    const complete = findAlgorithm('grpo').schema.parse({ groupSize: 4 }) as Choice['options'];
    const [few, all] = [await run({}, { groupSize: 4 }), await run({ scale: 2 }, complete)];
    expect(few.fingerprint).toBe('world/v1 2');
    expect(few.metrics).toEqual(all.metrics);
    await expect(run({ skale: 2 }, {})).rejects.toThrow('skale');
  });

  it('has the hash of a user’s own world in its fingerprint: results of an edited one are not mixed with others', async () => {
    const spec: EnvironmentSpec<object> = {
      id: 'world/v1',
      title: 'stop or search',
      schema: z.strictObject({}).prefault({}),
      load: async () => ({
        environment: stopOrSearch(),
        tasks: { train: [STOP_OR_SEARCH_TASK], dev: [STOP_OR_SEARCH_TASK], test: [] },
        fingerprint: 'data',
      }),
    };
    const training = trainingSchema.parse({ iterations: 1, questions: 1, minibatches: 1 });
    const fingerprint = async (code: Choice['code']) => {
      const own =
        code === undefined ? [] : [{ kind: 'environment' as const, item: spec, code, file: '/x.ts' }];
      const catalog = createCatalog({ ...CATALOG, environments: [spec] }, own);
      const environment: Choice = { id: 'world/v1', options: {}, ...(code === undefined ? {} : { code }) };
      return (await runCell(cell('grpo', { environment, training }), catalog, { cacheDirectory }))
        .fingerprint;
    };
    expect(await fingerprint(undefined)).toBe('data');
    expect(await fingerprint({ source: './x.ts', sha256: 'one' })).toBe('data one');
    expect(await fingerprint({ source: './x.ts', sha256: 'two' })).toBe('data two');
  });

  it('names no column that is not documented, and fills all but evaluations in every trained iteration', async () => {
    const { metrics, declaration } = await runCell(cell('grpo'), CATALOG, { cacheDirectory });
    expect(declaration).toEqual({ score: { name: 'return', range: [0, 1] }, metrics: [] });
    const names = METRIC_COLUMNS.map(({ name }) => name);
    for (const row of metrics) expect(names).toEqual(expect.arrayContaining(Object.keys(row)));
    expect(Object.keys(metrics.at(-1)!).sort()).toEqual(names.toSorted());
  });

  it('spends nothing in iteration 0: counts and seconds are 0, what only training has is empty', async () => {
    const { metrics, timings } = await runCell(
      cell('grpo', { training: trainingSchema.parse({ iterations: 1, questions: 1 }) }),
      CATALOG,
      { cacheDirectory },
    );
    const [before, after] = metrics;
    const spent = Object.keys(after!).filter((name) => /_(actions|tokens|calls|steps)$/.test(name));
    expect(spent).toEqual(expect.arrayContaining(['rollout_actions', 'generated_tokens', 'optimizer_steps']));
    for (const name of spent.filter((name) => name !== 'dev_actions'))
      expect(before, name).toHaveProperty(name, 0);
    expect(before).toMatchObject({ iteration: 0, questions: 0, trajectories: 0, truncated: 0 });
    for (const name of ['action_entropy', 'loss', 'advantage_mean', 'train_return'])
      expect(before).not.toHaveProperty(name);
    expect(timings[0]).toMatchObject({ rollout_seconds: 0, credit_seconds: 0, update_seconds: 0 });
    expect(timings[0]!.evaluation_seconds).toBeGreaterThan(0);
  });

  it('trains a policy that writes text, counts its tokens and measures its searches', async () => {
    const spec = findPolicy('text-transformer');
    const small = {
      modelSize: 16,
      layers: 1,
      heads: 2,
      kvHeads: 1,
      headSize: 8,
      ffnSize: 16,
      vocabularySize: 512,
    };
    const text = (changes: object): Cell =>
      cell('carl', {
        environment: {
          id: 'search/v1',
          options: searchOptions({ maxActionTokens: 40 }),
        },
        policy: { id: spec.id, options: spec.schema.parse(small) as never },
        algorithm: {
          id: 'carl',
          options: findAlgorithm('carl').schema.parse({ initial: 2, forks: 2 }) as never,
        },
        training: trainingSchema.parse({
          iterations: 1,
          questions: 2,
          evaluateEvery: 1,
          evaluationQuestions: 2,
          evaluationEpisodes: 1,
          ...changes,
        }),
        warmStart: warmStartSchema.parse({ steps: 2, episodes: 2 }),
      });
    const { metrics, declaration } = await runCell(text({ topP: 0.9 }), CATALOG, { cacheDirectory });
    const row = metrics.at(-1)!;
    expect(declaration.score).toEqual({ name: 'f1', range: [0, 1] });
    const names = metricColumns([declaration]).map(({ name }) => name);
    expect(Object.keys(row).sort()).toEqual(names.toSorted());
    expect(Number(row.generated_tokens)).toBeGreaterThan(Number(row.rollout_actions));
    expect(row.trajectories).toBe(8);
    // A model that has learnt nothing writes until it is cut.
    expect(Number(row.cut_actions)).toBeGreaterThan(0);
    expect(Number(row.malformed_actions)).toBeGreaterThan(0);
    expect(Number(row.kl_k1)).toBeCloseTo(0, 4);
    await expect(
      runCell(
        { ...text({}), environment: { id: 'search/v1', options: searchOptions({ maxActionTokens: 9 }) } },
        CATALOG,
        { cacheDirectory },
      ),
    ).rejects.toThrow(/a demonstrated action has \d+ tokens, and maxActionTokens is 9/);
    await expect(
      runCell(cell('grpo', { training: trainingSchema.parse({ topP: 0.9 }) }), CATALOG, { cacheDirectory }),
    ).rejects.toThrow('training.topP is 0.9, but policy tabular chooses from lists of actions; valid: 1');
  });

  it('keeps near its start under a strong KL', async () => {
    const free = await runCell(cell('grpo'), CATALOG, { cacheDirectory });
    const held = await runCell(cell('grpo', {}, { kl: 20 }), CATALOG, { cacheDirectory });
    expect(free.metrics.at(-1)!.dev_return).toBeGreaterThan(0.8);
    expect(held.metrics.at(-1)!.dev_return).toBeLessThan(0.6);
  });

  it('says so when a warm start is not possible', async () => {
    const warm = warmStartSchema.parse({ steps: 1 });
    await expect(runCell(cell('grpo', { warmStart: warm }), CATALOG, { cacheDirectory })).rejects.toThrow(
      'policy tabular starts untrained; valid: 0',
    );
    const policy = { id: 'transformer', options: findPolicy('transformer').schema.parse({}) as never };
    await expect(
      runCell(cell('grpo', { warmStart: warm, policy }), CATALOG, { cacheDirectory }),
    ).rejects.toThrow('stop-or-search/v1 has no demonstrations');
  });

  it('gives the same numbers from a fresh, a kept and a damaged cache, and reports the damage', async () => {
    const multihop = cell('carl', {
      environment: { id: 'multihop/v1', options: findEnvironment('multihop').schema.parse({}) as never },
      policy: { id: 'transformer', options: findPolicy('transformer').schema.parse({}) as never },
      training: trainingSchema.parse({ iterations: 1, questions: 2, evaluationQuestions: 4 }),
      warmStart: warmStartSchema.parse({ steps: 2, episodes: 2 }),
    });
    const first = await runCell(multihop, CATALOG, { cacheDirectory });
    const second = await runCell(multihop, CATALOG, { cacheDirectory });
    expect(second.metrics).toEqual(first.metrics);
    for (const file of await readdir(cacheDirectory)) {
      const path = join(cacheDirectory, file);
      await truncate(path, (await readFile(path)).length - 100);
    }
    const notices: string[] = [];
    const third = await runCell(multihop, CATALOG, {
      cacheDirectory,
      onNotice: (text) => notices.push(text),
    });
    expect(third.metrics).toEqual(first.metrics);
    expect(notices).toHaveLength(2);
    expect(notices.join('\n')).toMatch(/damaged/);
  });
});
