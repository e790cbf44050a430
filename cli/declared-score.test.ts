import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findAlgorithm } from '../algorithms/registry.ts';
import { declarationOf } from '../bench/declaration.ts';
import { cellHash } from '../bench/identity.ts';
import { evaluate } from '../bench/rollout/evaluate.ts';
import { type CellOutcome, writeResultFiles } from '../bench/runs/result-files.ts';
import { openOutput, writeCell } from '../bench/runs/storage.ts';
import { type Suite, suiteCells } from '../bench/suites/suite.ts';
import { describeEvaluation } from '../bench/training/describe.ts';
import { trainingSchema, warmStartSchema } from '../bench/training/options.ts';
import { createRandom } from '../core/random.ts';
import type { Environment, LoadedEnvironment, Task } from '../envs/environment.ts';
import { createTabularPolicy } from '../policies/tabular/index.ts';
import { callCreditbench } from './call.test-helper.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'creditbench-declared-'));
});
afterAll(() => rm(folder, { recursive: true }));
const creditbench = (...args: string[]) => callCreditbench(folder, args);

const KEY_DOOR = `name: doors
environments: [key-door]
policy: tabular
algorithms: [{ id: rloo, options: { groupSize: 4 } }, { id: grpo, options: { groupSize: 4 } }]
seeds: 2
training: { iterations: 4, questions: 1, evaluateEvery: 2, evaluationQuestions: 1, learningRate: 0.2 }
warmStart: { steps: 0 }
`;

describe('on key-door', () => {
  it('table, files, page, compare and power speak of the return', async () => {
    await writeFile(join(folder, 'doors.yaml'), KEY_DOOR);
    const run = await creditbench('run', 'doors.yaml', '--out', 'doors', '--wide');
    expect(run.code).toBe(0);
    expect(run.stdout).toContain('dev return after');
    expect(run.stdout).not.toContain('F1');
    const page = await readFile(join(folder, 'doors', 'report.html'), 'utf8');
    expect(page).toContain('Final dev return in key-door/v1');
    expect(page).toContain('mean return (sum of rewards) on dev questions');
    expect(page).toMatch(/<b>key-door\/v1<\/b>: (dev return goes|all 2 algorithms end at dev return)/);
    const { declarations } = JSON.parse(await readFile(join(folder, 'doors', 'suite.json'), 'utf8'));
    expect(declarations).toEqual({
      'key-door/v1': { score: { name: 'return', range: [0, 1] }, metrics: [] },
    });
    const compare = await creditbench('compare', 'doors', '--threshold', '0.5', '--wide');
    expect(compare.stdout).toContain('difference in dev return');
    expect(compare.stdout).not.toContain('F1');
    const beyond = await creditbench('compare', 'doors', '--threshold', '1.5');
    expect(beyond.stderr).toContain('threshold: 1.5 is not valid; valid: dev return from 0 to 1');
  });

  it('cells of another suite in the folder are told, not compared', async () => {
    await writeFile(join(folder, 'other.yaml'), KEY_DOOR.replace('learningRate: 0.2', 'learningRate: 0.1'));
    expect((await creditbench('run', 'other.yaml', '--out', 'doors')).code).toBe(0);
    const notice =
      'note: doors: 4 finished cells are not listed in suite.json (other seeds, settings or code) and left out';
    expect((await creditbench('status', 'doors', '--wide')).stdout).toContain(notice);
    expect((await creditbench('compare', 'doors')).stderr).toContain(notice);
    expect((await creditbench('report', 'doors')).stderr).toContain(notice);
  });
});

/** A user's: dig as often as one likes, each time for a coin or for damage; there is no question and no answer. */
const mine: Environment<{ readonly turn: number; readonly coins: number }> = {
  id: 'mine/v1',
  markov: true,
  rewardRange: [-10, 10],
  reset: () => ({ turn: 0, coins: 0 }),
  observe: ({ turn }) => ({ text: `turn ${turn}` }),
  actions: ({ turn }) => (turn === 4 ? [] : ['left', 'right']),
  step: ({ turn, coins }, action, random) => {
    const reward = action === 'right' || random.categorical([0.25, 0.75]) === 0 ? 2 : -2;
    const state = { turn: turn + 1, coins: coins + Math.max(0, reward) };
    return { state, reward, terminated: turn === 3, truncated: false };
  },
  metrics: [{ name: 'coins', unit: 'coins', description: 'coins found', of: ({ coins }) => coins }],
};
const TASK: Task = { id: 'dig', question: 'dig', answers: [], kind: 'dig', hops: 0 };
const LOADED = {
  environment: mine,
  tasks: { train: [TASK], dev: [TASK], test: [TASK] },
  fingerprint: 'mine',
} as unknown as LoadedEnvironment;

const SUITE: Suite = {
  name: 'mine',
  description: '',
  environments: [
    {
      id: mine.id,
      options: {},
      policy: { id: 'tabular', options: {} },
      training: trainingSchema.parse({}),
      warmStart: warmStartSchema.parse({}),
    },
  ],
  policy: { id: 'tabular', options: {} },
  algorithms: ['grpo', 'rloo'].map((id) => ({
    name: id,
    id,
    options: findAlgorithm(id).schema.parse({}) as never,
    ownRate: undefined,
  })),
  seeds: 3,
  rates: 'common',
  training: trainingSchema.parse({}),
  warmStart: warmStartSchema.parse({}),
  backend: 'wasm',
};

describe("on a user's environment that declares nothing but a metric", () => {
  beforeAll(async () => {
    const out = join(folder, 'mine');
    await openOutput(out);
    const outcomes: CellOutcome[] = [];
    for (const named of suiteCells(SUITE)) {
      const skill = (iteration: number): number =>
        iteration * (named.name === 'rloo' ? 2 : 1) * (1 + named.cell.seed / 4);
      const metrics = [0, 1].map(async (iteration) => ({
        iteration,
        ...describeEvaluation(
          await evaluate({
            loaded: LOADED,
            policy: createTabularPolicy({ initial: (_, action) => action * skill(iteration) }),
            tasks: [TASK],
            episodes: 20,
            decoding: 'sample',
            sampling: { temperature: 1 },
            random: createRandom(named.cell.seed),
          }),
        ),
      }));
      const result = {
        metrics: await Promise.all(metrics),
        timings: [{ iteration: 0 }, { iteration: 1 }],
        fingerprint: 'mine',
        declaration: declarationOf(mine),
      };
      await writeCell(out, named.cell, result);
      outcomes.push({ ...named, hash: cellHash(named.cell), status: 'finished', result });
    }
    await writeResultFiles(out, SUITE, outcomes);
  });

  it('compare, power, report and status need none of its code', async () => {
    const flags = ['--threshold', '-1', '--anchor', 'mine/v1=-4,8', '--wide'];
    const compare = await creditbench('compare', 'mine', ...flags);
    expect(compare).toMatchObject({ code: 0, stderr: '' });
    expect(compare.stdout).toContain('difference in dev return');
    expect(compare.stdout).toContain('reached -1');
    expect(compare.stdout).not.toMatch(/F1|EM/);
    const outside = await creditbench('compare', 'mine', '--threshold', '11');
    expect(outside.stderr).toContain('valid: dev return from -10 to 10');
    expect((await creditbench('power', 'mine', '--difference', '5', '--wide')).stdout).toContain(
      'of 5 in dev return',
    );
    const most = await creditbench('power', 'mine', '--difference', '21');
    expect(most.stderr).toContain(
      '--difference: 21 is not valid; valid: at most 20, the range of dev return',
    );
    expect(await creditbench('report', 'mine')).toMatchObject({ code: 0 });
    const page = await readFile(join(folder, 'mine', 'report.html'), 'utf8');
    expect(page).toContain('dev return after training, -10..10');
    expect(page).not.toContain('dev EM');
    expect((await creditbench('status', 'mine')).code).toBe(0);
  });

  it('its metric is a column of metrics.csv, and F1 and exact match are empty', async () => {
    const [head, first] = (await readFile(join(folder, 'mine', 'metrics.csv'), 'utf8')).split('\n');
    const row = Object.fromEntries(head!.split(',').map((name, at) => [name, first!.split(',')[at]]));
    expect(row).toMatchObject({ dev_f1: '', dev_em: '' });
    expect(Number(row.dev_coins)).toBeGreaterThan(0);
    expect(head).toContain(',dev_actions,dev_coins,coins,questions,');
  });
});
