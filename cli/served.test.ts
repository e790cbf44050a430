import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import {
  type FakeOptions,
  type FakeServer,
  freshDisk,
  startFake,
} from '../policies/tinker/fake-server.test-helper.ts';
import { createCodec } from '../policies/tokenizer/load.ts';
import { trainTokenizer } from '../policies/tokenizer/train.ts';
import { spawnCreditbench } from './spawn.test-helper.ts';

const KEY = 'tml-a-secret';
let folder = '';
let size = 0;
let server: FakeServer | undefined;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'creditbench-served-'));
  const specialTokens = ['<|begin|>', '<search>', '</search>', '<answer>', '</answer>'];
  const json = trainTokenizer(['Peru Brazil'], { vocabularySize: 280, specialTokens });
  size = createCodec(json).size;
  await writeFile(join(folder, 'tokenizer.json'), JSON.stringify(json));
});
afterEach(() => server?.close());
afterAll(() => rm(folder, { recursive: true, force: true }));

async function start(options: Partial<FakeOptions> = {}): Promise<FakeServer> {
  server = await startFake({ vocabularySize: size, ...options });
  return server;
}

/** Runs a suite of the methods, and returns what it said. */
async function run(
  algorithms: readonly string[],
  out: string,
): Promise<{ readonly code: number | null; readonly said: string }> {
  const suite = {
    name: 'served',
    description: 'a server trains',
    environments: [{ id: 'search', options: { maxActionTokens: 8, maxTurns: 2, maxObservationTokens: 8 } }],
    policy: {
      id: 'tinker',
      options: {
        server: server!.url,
        tokenizer: folder,
        loraRank: 8,
        retries: 0,
        keyVariable: 'TINKER_TEST_KEY',
      },
    },
    algorithms,
    seeds: 1,
    training: {
      iterations: 4,
      questions: 2,
      minibatches: 1,
      evaluateEvery: 4,
      evaluationQuestions: 1,
      evaluationEpisodes: 1,
    },
    warmStart: { steps: 0 },
  };
  const file = join(folder, 'suite.json');
  await writeFile(file, JSON.stringify(suite));
  const args = ['run', file, '--out', join(folder, out), '--cache', join(folder, 'cache')];
  const { code, stdout, stderr } = await spawnCreditbench(folder, args, () => {}, { TINKER_TEST_KEY: KEY });
  return { code, said: stdout + stderr };
}

it('run trains a policy on a server; killed in the middle, the same command goes on from the saved weights', async () => {
  const disk = freshDisk();
  // Two steps of each probe (of the estimate, the preparation, the cell), two of the estimate, then two iterations.
  const dying: FakeOptions['fault'] = (call, count) =>
    call === 'optim_step' && count >= 10 ? 'lost-reply' : undefined;
  const { port } = await start({ disk, fault: dying });
  const first = await run(['grpo'], 'out');
  expect(first.said).toMatch(/In all [\d.e-]+ hours, one cell after another/);
  expect(first.said).toMatch(/optim_step of model_\d+: the connection broke/);
  expect(first.code).toBe(1);
  await server!.close();
  await start({ disk, port });
  const second = await run(['grpo'], 'out');
  expect(second.said).toContain('goes on after iteration 2 of 4');
  expect(second.said).toContain('it scales losses as sequence-mean');
  expect(second.code).toBe(0);
  // The key is sent, and kept nowhere.
  expect(server!.seen.every(({ headers }) => headers['x-api-key'] === KEY)).toBe(true);
  const files = await readdir(join(folder, 'out'), { recursive: true, withFileTypes: true });
  for (const file of files.filter((one) => one.isFile())) {
    expect((await readFile(join(file.parentPath, file.name))).includes(KEY)).toBe(false);
  }
  expect(first.said + second.said).not.toContain(KEY);
});

it('run refuses a method with a critic before the server is asked', async () => {
  await start();
  const { code, said } = await run(['grpo', 'ppo'], 'refused');
  expect(said).toMatch(/algorithm ppo: its critic reads the policy's features, and policy tinker has none/);
  expect(code).toBe(2);
  expect(server!.seen).toEqual([]);
});
