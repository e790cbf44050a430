import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { CATALOG } from '../../catalog.ts';
import { createRandom } from '../../core/random.ts';
import { findEnvironment } from '../../envs/registry.ts';
import { trainable } from '../../policies/policy.ts';
import { findPolicy } from '../../policies/registry.ts';
import type { Choice } from '../cell.ts';
import { evaluate } from '../rollout/evaluate.ts';
import { readSuite } from '../suites/file.ts';
import { resolveSuite, suiteCells } from '../suites/suite.ts';
import { checkpointFiles, readCheckpoint, writeCheckpoint } from './checkpoint.ts';
import { warmStartSchema } from './options.ts';
import { startingPolicy } from './warm-start.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'creditbench-'));
});
afterAll(() => rm(folder, { recursive: true }));

const spec = findPolicy('text-transformer');
const policyOf = (options: object): Choice => ({
  id: 'text-transformer',
  options: spec.schema.parse(options) as Choice['options'],
});
const recipe = warmStartSchema.parse({ steps: 3 });
const small = policyOf({
  modelSize: 16,
  layers: 1,
  heads: 2,
  kvHeads: 1,
  headSize: 8,
  ffnSize: 16,
  vocabularySize: 300,
});

it('keeps a policy to the bit, and refuses another size, policy or a damaged file', async () => {
  const texts = ['the capital of France is Paris', 'the capital of Spain is Madrid'];
  const assets = await spec.assets(texts, small.options);
  const policy = trainable(
    await spec.create({ options: small.options, assets, backend: 'wasm', random: createRandom(1) }),
  );
  const parameters = policy.parameters();
  policy.dispose();
  await writeCheckpoint(
    folder,
    spec,
    small,
    { assets, parameters },
    { made: 'by a test', warmStart: recipe },
  );
  const read = await readCheckpoint(folder, spec, small, recipe);
  expect(read.assets).toEqual(assets);
  expect([...(read.parameters as Float32Array)]).toEqual([...parameters]);
  const config = JSON.parse(await readFile(join(folder, 'config.json'), 'utf8'));
  expect(config).toMatchObject({ policy: small, origin: { made: 'by a test' } });

  await expect(
    readCheckpoint(folder, spec, policyOf({ ...small.options, layers: 2 }), recipe),
  ).rejects.toThrow(
    "its layers is 1, and the suite's policy.options.layers is 2; valid: search-facts, or the folder",
  );
  await expect(
    readCheckpoint(
      folder,
      findPolicy('transformer'),
      {
        id: 'transformer',
        options: findPolicy('transformer').schema.parse({}) as Choice['options'],
      },
      recipe,
    ),
  ).rejects.toThrow("it is of policy text-transformer, and the suite's policy is transformer");
  await expect(readCheckpoint(folder, spec, small, { ...recipe, noise: 0.5 })).rejects.toThrow(
    "it was made with noise 0.05, and the suite's warmStart.noise is 0.5",
  );
  await expect(readCheckpoint(join(folder, 'no'), spec, small, recipe)).rejects.toThrow(
    'config.json cannot be read (ENOENT)',
  );
  const weights = await readFile(join(folder, 'model.safetensors'));
  await writeFile(join(folder, 'model.safetensors'), weights.subarray(0, weights.length - 4));
  await expect(readCheckpoint(folder, spec, small, recipe)).rejects.toThrow(/safetensors/);
});

it('ships a checkpoint of at most 5 MB that keeps to the protocol and answers some of the questions', async () => {
  const sizes = await Promise.all(
    checkpointFiles('search-facts').map(async (file) => (await stat(file)).size),
  );
  expect(sizes.reduce((a, b) => a + b)).toBeLessThan(5e6);
  const suite = resolveSuite(await readSuite('search'), CATALOG);
  const { environment, policy: choice, warmStart } = suiteCells(suite)[0]!.cell;
  const context = { cacheDirectory: folder };
  const loaded = await findEnvironment(environment.id).load(environment.options, context);
  const notices: string[] = [];
  const { policy } = await startingPolicy(
    { environment, policy: choice, warmStart, backend: 'wasm' },
    CATALOG,
    loaded,
    {
      ...context,
      onNotice: (message) => notices.push(message),
    },
  );
  // Made on exactly this environment: its fingerprint has not moved since.
  expect(notices).toEqual([]);
  const scores = await evaluate({
    loaded,
    policy,
    tasks: loaded.tasks.dev.slice(0, 150),
    episodes: 1,
    decoding: 'sample',
    sampling: { temperature: 1 },
    random: createRandom(0),
  });
  policy.dispose();
  // 0.232 on 1,000 episodes; the standard error of 150 is about 0.034.
  expect(scores.f1).toBeGreaterThan(0.1);
  expect(scores.f1).toBeLessThan(0.5);
  expect(scores.metrics.valid_format).toBeGreaterThan(0.75);
  expect(scores.metrics.answered).toBeGreaterThan(0.9);
});
