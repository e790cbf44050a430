import { expect, it } from 'vitest';
import { z } from 'zod';
import { CATALOG } from '../../catalog.ts';
import { InputError } from '../../core/errors.ts';
import { createRandom } from '../../core/random.ts';
import { findEnvironment } from '../../envs/registry.ts';
import { isTrainable, type OwnedPolicy } from '../../policies/policy.ts';
import type { PolicySpec } from '../../policies/spec.ts';
import { createTabularPolicy } from '../../policies/tabular/index.ts';
import { createCatalog } from '../catalog/catalog.ts';
import { loadEnvironment } from '../catalog/load-environment.ts';
import { rollout } from '../rollout/engine.ts';
import { trainingSchema, warmStartSchema } from './options.ts';
import { runCell } from './train.ts';
import { startingPolicy, trainableStart } from './warm-start.ts';

let created = 0;
let disposed = 0;

/** Acts like a table, and has no parameters. */
const actor = (training: 'none' | 'server'): PolicySpec<object, null, OwnedPolicy> => ({
  id: `actor-${training}`,
  title: 'acts',
  training,
  schema: z.strictObject({}).prefault({}),
  actions: 'listed',
  restorable: false,
  assets: () => null,
  create: async () => {
    created++;
    const { act, distributions, logProbs, promptTokens } = createTabularPolicy();
    return { id: `actor-${training}`, act, distributions, logProbs, promptTokens, dispose: () => disposed++ };
  },
});
const catalog = createCatalog({ ...CATALOG, policies: [actor('none'), actor('server')] });
const context = { cacheDirectory: '.creditbench' };
const spec = findEnvironment('stop-or-search');
const cell = (policy: string) => ({
  environment: { id: 'stop-or-search/v1', options: spec.schema.parse({}) as object as never },
  policy: { id: policy, options: {} },
  algorithm: { id: 'grpo', options: CATALOG.algorithm('grpo').schema.parse({}) as never },
  training: trainingSchema.parse({ iterations: 1 }),
  warmStart: warmStartSchema.parse({ steps: 0 }),
  seed: 0,
  backend: 'wasm',
});
const load = () => loadEnvironment(spec, spec.schema.parse({}), context);

it('a policy that only acts starts, and samples rollouts', async () => {
  const loaded = await load();
  const { policy } = await startingPolicy(cell('actor-none'), catalog, loaded, context);
  expect(isTrainable(policy)).toBe(false);
  const [tree] = await rollout({
    environment: loaded.environment,
    policy,
    plan: ({ edges }) => (edges.length === 0 ? [{ node: 0 }] : []),
    tasks: loaded.tasks.dev.slice(0, 1),
    random: createRandom(0),
    sampling: { temperature: 1 },
  });
  expect(tree!.edges.length).toBeGreaterThan(0);
});

it('training refuses it before anything is loaded or made, and says what to use', async () => {
  created = 0;
  let loadings = 0;
  const counting = {
    ...spec,
    load: (...all: Parameters<typeof spec.load>) => {
      loadings++;
      return spec.load(...all);
    },
  };
  const watched = createCatalog({ ...CATALOG, environments: [counting], policies: catalog.policies });
  const running = runCell(cell('actor-none'), watched, context);
  await expect(running).rejects.toThrow(InputError);
  await expect(running).rejects.toThrow(
    /policy actor-none acts and does not learn.*text-transformer.*tinker/,
  );
  expect([loadings, created]).toEqual([0, 0]);
});

it('one that has no parameters here is freed again', async () => {
  disposed = 0;
  const starting = trainableStart(cell('actor-server'), catalog, await load(), context);
  await expect(starting).rejects.toThrow(/policy actor-server has no parameters in this process/);
  expect(disposed).toBe(1);
});
