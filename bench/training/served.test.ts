import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { configured } from '../../algorithms/configured.ts';
import { ALGORITHMS, findAlgorithm } from '../../algorithms/registry.ts';
import { returnsOf } from '../../algorithms/tree.ts';
import { CATALOG } from '../../catalog.ts';
import { InputError, MachineError } from '../../core/errors.ts';
import { createRandom } from '../../core/random.ts';
import { mean } from '../../core/statistics.ts';
import type { Environment } from '../../envs/environment.ts';
import { findEnvironment } from '../../envs/registry.ts';
import {
  type FakeOptions,
  type FakeServer,
  freshDisk,
  startFake,
} from '../../policies/tinker/fake-server.test-helper.ts';
import { tinkerSpec } from '../../policies/tinker/spec.ts';
import { type Codec, createCodec } from '../../policies/tokenizer/load.ts';
import { trainTokenizer } from '../../policies/tokenizer/train.ts';
import { loadEnvironment } from '../catalog/load-environment.ts';
import type { Cell, CellContext } from '../cell.ts';
import { textTask } from '../text.test-helper.ts';
import { servedState, type TrainingSetup, trainIteration } from './iteration.ts';
import { trainingSchema, warmStartSchema } from './options.ts';
import { runCell } from './train.ts';

/** What every action of the fake model is made of, so that some answers are right. */
let codec: Codec;
let answers: readonly number[];
let folder: string;
let server: FakeServer | undefined;
const environment = findEnvironment('search');
const environmentOptions = environment.schema.parse({
  maxActionTokens: 8,
  maxTurns: 2,
  maxObservationTokens: 8,
});

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'served-'));
  const { tasks } = await loadEnvironment(environment, environmentOptions, { cacheDirectory: folder });
  const words = [...new Set(tasks.train.flatMap((task) => task.answers))]
    .filter((word) => /^[A-Z][a-z]+$/.test(word))
    .slice(0, 12);
  const json = trainTokenizer([words.join('\n').concat('\n').repeat(20)], {
    vocabularySize: 340,
    specialTokens: ['<|begin|>', '<search>', '</search>', '<answer>', '</answer>'],
  });
  await writeFile(join(folder, 'tokenizer.json'), JSON.stringify(json));
  codec = createCodec(json);
  answers = words.flatMap((word) => codec.idOf(word) ?? []);
});
afterEach(async () => {
  await server?.close();
});
afterAll(() => rm(folder, { recursive: true }));

/** Answers at once, with any of the words that it knows. */
function start(previous: number, next: number): number {
  const [open, close] = [codec.idOf('<answer>'), codec.idOf('</answer>')];
  const likely =
    previous === open ? answers.includes(next) : next === (answers.includes(previous) ? close : open);
  return likely ? 9 : 0;
}

async function startServer(options: Partial<FakeOptions> = {}): Promise<FakeServer> {
  server = await startFake({ vocabularySize: codec.size, start, ...options });
  return server;
}

/** One action, rewarded if it says the word. */
const saying = (word: string): Environment<string | undefined> => ({
  id: 'saying/v1',
  markov: false,
  rewardRange: [0, 1],
  text: { stops: ['</answer>'], maxActionTokens: 4, maxObservationTokens: 4 },
  reset: () => undefined,
  observe: () => ({ text: '<|begin|>' }),
  step: (_, action) => ({
    state: action,
    reward: action.includes(word) ? 1 : 0,
    terminated: true,
    truncated: false,
  }),
  answer: (state) => state,
});

/** Options that make a method small. */
const SMALL: Readonly<Record<string, object>> = { carl: { initial: 2, forks: 2 } };

function cell(algorithm: string, options: object = {}, training: object = {}): Cell {
  const spec = findAlgorithm(algorithm);
  return {
    environment: { id: 'search/v1', options: environmentOptions as never },
    policy: {
      id: 'tinker',
      options: tinkerSpec.schema.parse({
        server: server!.url,
        tokenizer: folder,
        loraRank: 8,
        retries: 0,
        ...options,
      }) as never,
    },
    algorithm: { id: algorithm, options: spec.schema.parse(SMALL[algorithm] ?? {}) as never },
    training: trainingSchema.parse({
      iterations: 5,
      questions: 2,
      minibatches: 1,
      learningRate: 0.05,
      warmupSteps: 0,
      evaluateEvery: 5,
      evaluationQuestions: 2,
      evaluationEpisodes: 1,
      ...training,
    }),
    warmStart: warmStartSchema.parse({ steps: 0 }),
    seed: 1,
    backend: 'wasm',
  };
}

const context = (more: Partial<CellContext> = {}): CellContext => ({ cacheDirectory: folder, ...more });
const hasHeads = (id: string): boolean => configured(findAlgorithm(id), {}).heads.length > 0;

describe('training on a server', () => {
  it.each(ALGORITHMS.map(({ id }) => id).filter((id) => !hasHeads(id)))('%s trains', async (id) => {
    await startServer();
    const { metrics } = await runCell(cell(id, {}, { iterations: 2 }), CATALOG, context());
    expect(metrics).toHaveLength(3);
    for (const row of metrics.slice(1)) {
      expect(row.generated_tokens).toBeGreaterThan(0);
      expect(Number.isFinite(row.loss)).toBe(true);
      if (row.optimizer_steps !== 0) expect(Number.isFinite(row.gradient_norm)).toBe(true);
    }
    // All that was made on the server is freed again.
    expect(server!.tables().size).toBe(0);
  });

  it('learns what is rewarded, by the gradient that the server takes', async () => {
    await startServer({ scaling: 'sequence-mean' });
    const { options } = cell('grpo').policy;
    const policy = await tinkerSpec.create({
      options: options as never,
      assets: null,
      backend: 'wasm',
      random: createRandom(0),
    });
    const word = codec.decode(answers.slice(0, 1));
    const setup: TrainingSetup<'server'> = {
      environment: saying(word),
      tasks: [textTask('a'), textTask('b')],
      policy,
      algorithm: configured(findAlgorithm('grpo'), {}),
      options: trainingSchema.parse({ questions: 2, minibatches: 1, learningRate: 0.3, warmupSteps: 0 }),
      sampling: { temperature: 1 },
      reference: policy.start,
      random: createRandom(3),
    };
    const returns: number[] = [];
    for (let state = servedState(policy); state.iteration < 10; ) {
      const trained = await trainIteration(state, setup);
      state = trained.state;
      returns.push(mean(trained.trees.flatMap((tree) => returnsOf(tree))));
    }
    expect(returns[0]).toBeLessThan(0.4);
    expect(returns.at(-1)).toBeGreaterThan(0.9);
    await policy.close();
  });

  it.each(ALGORITHMS.map(({ id }) => id).filter(hasHeads))(
    '%s has a head, which a server cannot serve: refused before the server is asked anything',
    async (id) => {
      await startServer();
      const running = runCell(cell(id), CATALOG, context());
      await expect(running).rejects.toThrow(InputError);
      await expect(running).rejects.toThrow(
        new RegExp(
          `algorithm ${id}: its .* reads the policy's features, and policy tinker has none: .* such as grpo, rloo`,
        ),
      );
      expect(server!.seen).toEqual([]);
    },
  );

  it('refuses another temperature before anything is trained', async () => {
    await startServer();
    await expect(runCell(cell('grpo', {}, { temperature: 0.7 }), CATALOG, context())).rejects.toThrow(
      'training.temperature is 0.7, and policy tinker trains at 1 only',
    );
    expect(server!.seen.some(({ call }) => call === 'asample')).toBe(false);
  });

  it('says how the server scales, what entropies are, and that numbers may differ', async () => {
    await startServer();
    const notices: string[] = [];
    await runCell(
      cell('grpo', {}, { iterations: 1 }),
      CATALOG,
      context({ onNotice: (notice) => notices.push(notice) }),
    );
    expect(notices.join()).toMatch(/scaled by sequence-mean.*surprisals.*need not give equal numbers/);
  });
});

describe('a server that dies', () => {
  /** Runs a cell that keeps its checkpoint, as the runner does. */
  async function attempt(one: Cell, kept: { checkpoint?: Uint8Array }, notices: string[] = []) {
    return runCell(
      one,
      CATALOG,
      context({
        ...kept,
        onNotice: (notice) => notices.push(notice),
        onCheckpoint: (bytes) => {
          kept.checkpoint = bytes;
        },
      }),
    );
  }

  it('costs the iteration; the same cell goes on from the saved weights, to the same numbers', async () => {
    const { port } = await startServer();
    const whole = await attempt(cell('carl'), {});
    await server!.close();
    const disk = freshDisk();
    // It is killed at the fourth step of the cell: two steps of the probe come before.
    await startServer({
      port,
      disk,
      fault: (call, count) => (call === 'optim_step' && count === 5 ? { status: 500 } : undefined),
    });
    const kept: { checkpoint?: Uint8Array } = {};
    await expect(attempt(cell('carl'), kept)).rejects.toBeInstanceOf(MachineError);
    await server!.close();
    await startServer({ port, disk });
    const notices: string[] = [];
    const resumed = await attempt(cell('carl'), kept, notices);
    expect(notices.join()).toContain('goes on after iteration 3 of 5');
    expect(
      server!.seen.filter(({ call }) => call === 'load_weights').map(({ body }) => body.path),
    ).toHaveLength(1);
    expect(resumed.metrics).toEqual(whole.metrics);
  });

  it('and has lost its weights as well: the cell starts again, and says so', async () => {
    const { port } = await startServer();
    const kept: { checkpoint?: Uint8Array } = {};
    const whole = await attempt(cell('grpo'), kept);
    await server!.close();
    await startServer({ port });
    const notices: string[] = [];
    const again = await attempt(cell('grpo'), kept, notices);
    expect(notices.join()).toMatch(
      /its checkpoint cannot be used \(the server .* has no weights .*\); it starts again/,
    );
    expect(again.metrics).toEqual(whole.metrics);
  });

  it('is not met with the checkpoint of a policy that is trained here', async () => {
    await startServer();
    const kept: { checkpoint?: Uint8Array } = {};
    await attempt(cell('grpo', {}, { iterations: 2 }), kept);
    const here: Cell = {
      ...cell('grpo', {}, { iterations: 2 }),
      environment: {
        id: 'stop-or-search/v1',
        options: findEnvironment('stop-or-search').schema.parse({}) as never,
      },
      policy: { id: 'tabular', options: {} },
    };
    const notices: string[] = [];
    await attempt(here, kept, notices);
    expect(notices.join()).toContain('its checkpoint cannot be used (it is of another cell)');
  });
});
