import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { packageInfo } from '../../core/package.ts';
import type { NamedCell } from '../cell.ts';
import { cellHash } from '../identity.ts';
import { type Suite, suiteCells } from '../suites/suite.ts';
import { trainingSchema, warmStartSchema } from '../training/options.ts';
import type { RunEvent } from './events.ts';
import { type RunOptions, runSuite } from './runner.ts';

/** Does what the options of a cell's algorithm say. Each task leaves a line in the log of the cache folder. */
const FAKE_WORKER = `
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { InputError } from ${JSON.stringify(pathToFileURL(join(packageInfo().root, 'dist/core/errors.js')).href)};
import { serveWorker } from ${JSON.stringify(pathToFileURL(join(packageInfo().root, 'dist/bench/runs/protocol.js')).href)};
const log = (cell, context, what) => appendFileSync(join(context.cacheDirectory, 'log'), what + ' ' + cell.algorithm.options.label + ' ' + cell.seed + '\\n');
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
serveWorker({
  async prepareCell(cell, code, context) {
    log(cell, context, 'prepare');
    if (cell.policy.options.broken) throw new Error('no starting weights');
    if (cell.policy.options.wrong) throw new InputError('walk/v1 has no demonstrations; valid: 0');
    await sleep(30);
    log(cell, context, 'prepared');
  },
  async runCell(cell, code, context) {
    log(cell, context, 'run');
    const declaration = { score: { name: 'f1', range: [0, 1] }, metrics: [] };
    const { behave, label } = cell.algorithm.options;
    context.onProgress({ stage: 'half', fraction: 0.5 });
    if (context.checkpoint) context.onNotice('goes on from ' + Buffer.from(context.checkpoint));
    await context.onCheckpoint(Buffer.from('earlier'));
    if (behave !== 'ok') await sleep(20);
    await context.onCheckpoint(Buffer.from('point'));
    if (behave === 'once' && !context.checkpoint) { process.kill(process.pid, 'SIGKILL'); await sleep(10000); }
    if (behave === 'full' && !context.checkpoint) throw Object.assign(new Error('EMFILE: too many open files'), { code: 'EMFILE' });
    if (behave === 'throw') throw new RangeError('cannot go on');
    if (behave === 'kill') { process.kill(process.pid, 'SIGKILL'); await sleep(10000); }
    if (behave === 'exit') { console.error('out of memory'); process.exit(7); }
    if (behave === 'hang') await sleep(600000);
    if (behave === 'notice') context.onNotice('careful');
    // 'last' ends after another cell where there are several workers, however long that takes.
    const ended = join(context.cacheDirectory, 'ended');
    const alone = readFileSync(join(context.cacheDirectory, 'workers'), 'utf8') === '1';
    while (behave === 'last' && !alone && !existsSync(ended)) await sleep(10);
    await sleep(behave === 'slow' || behave === 'last' ? 120 : 1);
    if (behave !== 'last') appendFileSync(ended, label);
    if (behave === 'odd') return { metrics: [{ iteration: 0, f2: 1 }], timings: [], fingerprint: 'f', declaration };
    const value = Math.sqrt(cell.seed + label.length);
    return {
      metrics: [{ iteration: 0, dev_f1: 0.25 }, { iteration: 1, dev_f1: value, loss: NaN, questions: 2, update_actions: 6 }],
      timings: [{ iteration: 0 }, { iteration: 1, rollout_seconds: Math.random() }],
      fingerprint: 'f',
      declaration,
    };
  },
});
`;

/** A suite of a cell per seed and entry: its name and what the worker does with it. */
export function suite(
  behaviours: Record<string, string>,
  seeds = 1,
  policy: Record<string, unknown> = {},
): Suite {
  return {
    name: 'fake',
    description: '',
    environments: [
      {
        id: 'walk/v1',
        options: {},
        policy: { id: 'small', options: policy },
        training: trainingSchema.parse({}),
        warmStart: warmStartSchema.parse({}),
      },
    ],
    policy: { id: 'small', options: policy },
    algorithms: Object.entries(behaviours).map(([label, behave]) => ({
      name: label,
      id: 'grpo',
      options: { label, behave },
      ownRate: undefined,
    })),
    seeds,
    rates: 'common',
    training: trainingSchema.parse({}),
    warmStart: warmStartSchema.parse({}),
    backend: 'wasm',
  };
}

/** A folder for runs of the fake worker. */
export async function createRuns() {
  const folder = await mkdtemp(join(tmpdir(), 'creditbench-'));
  const worker = join(folder, 'worker.mjs');
  await writeFile(worker, FAKE_WORKER);
  let count = 0;
  const newFolder = (): string => join(folder, `out${count++}`);

  /** Runs a suite into a new folder, or the given one. */
  const run = async (suite: Suite, options: Partial<RunOptions> = {}, out = newFolder()) => {
    const cacheDirectory = join(folder, `cache${count++}`);
    await mkdir(cacheDirectory);
    await writeFile(join(cacheDirectory, 'log'), '');
    await writeFile(join(cacheDirectory, 'workers'), String(options.workers ?? 2));
    const events: RunEvent[] = [];
    const summary = await runSuite({
      cells: suiteCells(suite),
      out,
      workers: 2,
      cacheDirectory,
      worker,
      ...options,
      onEvent: (event) => {
        events.push(event);
        options.onEvent?.(event);
      },
    });
    const log = (await readFile(join(cacheDirectory, 'log'), 'utf8'))
      .split('\n')
      .filter((line) => line !== '');
    return {
      out,
      events,
      notices: events.flatMap((event) => (event.type === 'notice' ? [event.message] : [])),
      summary,
      log,
      statuses: summary.outcomes.map(({ name, status }) => `${name} ${status}`),
    };
  };
  return { folder, worker, newFolder, run, remove: () => rm(folder, { recursive: true }) };
}

/** Every file of a folder as text, but timings and checkpoints: they depend on the clock. */
export async function contents(root: string): Promise<Record<string, string>> {
  const files = await readdir(root, { recursive: true, withFileTypes: true });
  const entries = files
    .filter((file) => file.isFile() && !/^timings\.csv$|\.checkpoint/.test(file.name))
    .map(async (file) => {
      const path = join(file.parentPath, file.name);
      return [path.slice(root.length), await readFile(path, 'utf8')] as const;
    });
  return Object.fromEntries((await Promise.all(entries)).sort(([a], [b]) => (a < b ? -1 : 1)));
}

export const hashOf = ({ cell }: NamedCell) => cellHash(cell);
