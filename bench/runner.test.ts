import { cp, mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packageInfo } from './package.ts';
import { type CellOutcome, type NamedCell, type RunEvent, type RunOptions, runSuite } from './runner.ts';
import { cellFolder, cellHash, readCell } from './storage.ts';
import { type Suite, suiteCells } from './suite.ts';
import { trainingSchema, warmStartSchema } from './training.ts';

/** Does what the options of a cell's algorithm say. Each task leaves a line in the log of the cache folder. */
const FAKE_WORKER = `
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { serveWorker } from ${JSON.stringify(pathToFileURL(join(packageInfo().root, 'dist/bench/protocol.js')).href)};
const log = (cell, context, what) => appendFileSync(join(context.cacheDirectory, 'log'), what + ' ' + cell.algorithm.options.label + ' ' + cell.seed + '\\n');
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
serveWorker({
  async prepareCell(cell, context) {
    log(cell, context, 'prepare');
    if (cell.policy.options.broken) throw new Error('no starting weights');
    await sleep(30);
    log(cell, context, 'prepared');
  },
  async runCell(cell, context) {
    log(cell, context, 'run');
    const { behave, label } = cell.algorithm.options;
    context.onProgress({ stage: 'half', fraction: 0.5 });
    if (behave === 'throw') throw new RangeError('cannot go on');
    if (behave === 'kill') { process.kill(process.pid, 'SIGKILL'); await sleep(10000); }
    if (behave === 'exit') { console.error('out of memory'); process.exit(7); }
    if (behave === 'hang') await sleep(600000);
    if (behave === 'notice') context.onNotice('careful');
    // The first cells take longest, so that they end in another order than they began.
    await sleep(behave === 'slow' ? 120 : 1);
    if (behave === 'odd') return { metrics: [{ iteration: 0, f2: 1 }], timings: [], fingerprint: 'f' };
    const value = Math.sqrt(cell.seed + label.length);
    return {
      metrics: [{ iteration: 0, dev_f1: 0.25 }, { iteration: 1, dev_f1: value, loss: NaN, questions: 2, update_actions: 6 }],
      timings: [{ iteration: 0 }, { iteration: 1, rollout_seconds: Math.random() }],
      fingerprint: 'f',
    };
  },
});
`;

let folder: string;
let worker: string;
let count = 0;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'creditbench-'));
  worker = join(folder, 'worker.mjs');
  await writeFile(worker, FAKE_WORKER);
});
afterAll(() => rm(folder, { recursive: true }));

function suite(behaviours: Record<string, string>, seeds = 1, policy: Record<string, unknown> = {}): Suite {
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

/** Runs a suite into a new folder, or the given one. */
async function run(suite: Suite, options: Partial<RunOptions> = {}, out = join(folder, `out${count++}`)) {
  const cacheDirectory = join(folder, `cache${count++}`);
  await mkdir(cacheDirectory);
  await writeFile(join(cacheDirectory, 'log'), '');
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
  const log = (await readFile(join(cacheDirectory, 'log'), 'utf8')).split('\n').filter((line) => line !== '');
  return {
    out,
    events,
    summary,
    log,
    statuses: summary.outcomes.map(({ name, status }) => `${name} ${status}`),
  };
}

/** Every file of a folder but timings.csv, as text. */
async function contents(root: string): Promise<Record<string, string>> {
  const files = await readdir(root, { recursive: true, withFileTypes: true });
  const entries = files
    .filter((file) => file.isFile() && file.name !== 'timings.csv')
    .map(async (file) => {
      const path = join(file.parentPath, file.name);
      return [path.slice(root.length), await readFile(path, 'utf8')] as const;
    });
  return Object.fromEntries((await Promise.all(entries)).sort(([a], [b]) => (a < b ? -1 : 1)));
}

const withoutTimings = (outcome: CellOutcome) =>
  outcome.status === 'finished' ? { ...outcome, result: outcome.result.metrics } : outcome;

const hashOf = ({ cell }: NamedCell) => cellHash(cell);

describe('runSuite', () => {
  it('writes the same bytes with 1 and 3 workers, whatever ends first', async () => {
    const three = suite({ first: 'slow', second: 'ok', third: 'throw' }, 2);
    const one = await run(three, { workers: 1 });
    const many = await run(three, { workers: 3 });
    const doneFirst = (events: readonly RunEvent[]) =>
      events.find(({ type }) => type === 'cell-done')?.cell.name;
    expect(doneFirst(one.events)).toBe('first');
    expect(doneFirst(many.events)).toBe('second');
    const files = await contents(one.out);
    // Four folders of three files, two failures.
    expect(Object.keys(files)).toHaveLength(4 * 3 + 2);
    expect(await contents(many.out)).toEqual(files);
    expect(one.summary.outcomes.map(withoutTimings)).toEqual(many.summary.outcomes.map(withoutTimings));
    const [first] = suiteCells(three);
    const metrics = files[`${cellFolder('', hashOf(first!))}/metrics.csv`.replace(/^(?!\/)/, '/')];
    expect(metrics?.split('\n')[2]).toContain(`,${Math.sqrt(5)},`);
    expect(metrics).toContain(',NaN,');
  });

  it('prepares once per starting point, before its cells', async () => {
    const { log } = await run(suite({ a: 'ok', b: 'ok' }, 2), { workers: 4 });
    expect(log.slice(0, 2)).toEqual(['prepare a 0', 'prepared a 0']);
    expect(log.slice(2).sort()).toEqual(['run a 0', 'run a 1', 'run b 0', 'run b 1']);
  });

  it('fails all cells of a starting point that cannot be made', async () => {
    const { statuses, log } = await run(suite({ a: 'ok', b: 'ok' }, 1, { broken: true }));
    expect(statuses).toEqual(['a failed', 'b failed']);
    expect(log).toEqual(['prepare a 0']);
  });

  it('records failures, reports how a worker died, and goes on', async () => {
    const { out, statuses, summary, events } = await run(
      suite({ bad: 'throw', killed: 'kill', gone: 'exit', fine: 'notice' }),
    );
    expect(statuses).toEqual(['bad failed', 'killed failed', 'gone failed', 'fine finished']);
    const messages = summary.outcomes.map((outcome) =>
      outcome.status === 'failed' ? outcome.error.message : '',
    );
    expect(messages).toEqual([
      'cannot go on',
      'the worker process was killed by SIGKILL',
      'the worker process ended with exit code 7 and no result:\nout of memory',
      '',
    ]);
    const record = JSON.parse(
      await readFile(`${cellFolder(out, summary.outcomes[0]!.hash)}.failed.json`, 'utf8'),
    );
    expect(record.cell.algorithm.options).toEqual({ behave: 'throw', label: 'bad' });
    expect(record.error.stack).toContain('RangeError: cannot go on');
    expect(events.filter(({ type }) => type === 'notice')).toMatchObject([{ message: 'careful' }]);
    expect(events.some((event) => event.type === 'cell-progress' && event.progress.fraction === 0.5)).toBe(
      true,
    );
  });

  it('skips finished cells and retries failed ones', async () => {
    const cells = suite({ fine: 'ok', bad: 'throw' });
    const first = await run(cells);
    const before = await contents(first.out);
    const second = await run(cells, {}, first.out);
    expect(second.log.filter((line) => line.startsWith('run'))).toEqual(['run bad 0']);
    expect(second.events.filter(({ type }) => type === 'cell-skipped')).toHaveLength(1);
    expect(await contents(first.out)).toEqual(before);
  });

  it('runs damaged cells again and says so', async () => {
    const cells = suite({ a: 'ok', b: 'ok', c: 'ok', d: 'ok', e: 'ok' });
    const first = await run(cells);
    const before = await contents(first.out);
    const [a, b, c, d] = suiteCells(cells).map((cell) => cellFolder(first.out, hashOf(cell)));
    await truncate(join(a!, 'metrics.csv'), 20);
    await rm(join(b!, 'done.json'));
    await truncate(join(c!, 'timings.csv'), 60);
    await writeFile(join(d!, 'cell.json'), '{}');
    const second = await run(cells, { workers: 1 }, first.out);
    const notices = second.events.flatMap((event) => (event.type === 'notice' ? [event.message] : []));
    expect(notices).toHaveLength(4);
    expect(notices[0]).toMatch(/stored result is damaged \(metrics\.csv does not match its checksum\)/);
    expect(second.log.filter((line) => line.startsWith('run'))).toEqual([
      'run a 0',
      'run b 0',
      'run c 0',
      'run d 0',
    ]);
    expect(await contents(first.out)).toEqual(before);
  });

  it('computes equal cells of different names once', async () => {
    const cells = suite({ a: 'ok' });
    const twice = {
      ...cells,
      algorithms: [cells.algorithms[0]!, { ...cells.algorithms[0]!, name: 'again' }],
    };
    const { log, statuses } = await run(twice);
    expect(log.filter((line) => line.startsWith('run'))).toHaveLength(1);
    expect(statuses).toEqual(['a finished', 'again finished']);
  });

  it('stops on abort: only whole files stay, and the same call goes on', async () => {
    const controller = new AbortController();
    const cells = suite({ fine: 'ok', stuck: 'hang', never: 'ok' });
    const { out, statuses, summary } = await run(cells, {
      workers: 2,
      signal: controller.signal,
      onEvent: ({ type, cell }) => {
        if (type === 'cell-done' && cell.name === 'never') controller.abort();
      },
    });
    expect(summary.interrupted).toBe(true);
    expect(statuses).toEqual(['fine finished', 'stuck missing', 'never finished']);
    const names = await readdir(out, { recursive: true });
    expect(names.filter((name) => name.includes('.tmp-') || name.includes('failed'))).toEqual([]);
    for (const { cell, name } of suiteCells(cells)) {
      expect((await readCell(out, cell)).status).toBe(name === 'stuck' ? 'missing' : 'finished');
    }
  });

  it('ends its workers and throws when results cannot be stored', async () => {
    const cells = suite({ stuck: 'hang', bad: 'throw' });
    const out = join(folder, `out${count++}`);
    const hash = hashOf(suiteCells(cells)[1]!);
    // A folder where the failure record should go stands for a disk that fails.
    await mkdir(`${cellFolder(out, hash)}.failed.json`, { recursive: true });
    await expect(run(cells, {}, out)).rejects.toThrow(/EISDIR|ENOTEMPTY|EEXIST/);
    const names = await readdir(join(out, 'cells'));
    expect(names).toEqual([`${hash.slice(0, 16)}.failed.json`]);
  });

  it('fails a cell whose rows have columns that nobody declared', async () => {
    const { summary } = await run(suite({ odd: 'odd', fine: 'ok' }));
    expect(summary.outcomes).toMatchObject([
      { status: 'failed', error: { message: 'row has columns that are not declared: f2' } },
      { status: 'finished' },
    ]);
  });

  it('clears away what a killed run left half-written, but not what a live one is writing', async () => {
    const out = join(folder, `out${count++}`);
    const dead = join(out, 'cells', '.tmp-999999999-0123456789abcdef');
    const alive = join(out, 'cells', `.tmp-${process.ppid}-0123456789abcdef`);
    await mkdir(dead, { recursive: true });
    await mkdir(alive);
    await run(suite({ a: 'ok' }), {}, out);
    const names = await readdir(join(out, 'cells'));
    expect(names.filter((name) => name.startsWith('.tmp'))).toEqual([
      `.tmp-${process.ppid}-0123456789abcdef`,
    ]);
  });

  it('does not take a folder of another cell for its own', async () => {
    const [one, two] = suiteCells(suite({ a: 'ok', b: 'ok' }));
    const { out } = await run(suite({ a: 'ok' }));
    await cp(cellFolder(out, hashOf(one!)), cellFolder(out, hashOf(two!)), { recursive: true });
    expect(await readCell(out, two!.cell)).toMatchObject({ status: 'damaged' });
  });

  it('refuses a folder that cannot be written, and a bad number of workers, before any work', async () => {
    const file = join(folder, 'file');
    await writeFile(file, '');
    const events: RunEvent[] = [];
    const options = {
      cells: suiteCells(suite({ a: 'ok' })),
      cacheDirectory: folder,
      worker,
      onEvent: (event: RunEvent) => events.push(event),
    };
    const below = join(file, 'out');
    await expect(runSuite({ ...options, out: below, workers: 1 })).rejects.toThrow(
      `cannot write in the folder ${below}`,
    );
    for (const workers of [0, 257, 1.5]) {
      await expect(runSuite({ ...options, out: folder, workers })).rejects.toThrow('from 1 to 256');
    }
    expect(events).toEqual([]);
  });
});

describe('cellHash', () => {
  it('depends on every part and on the version, not on the order of keys', () => {
    const { cell } = suiteCells(suite({ a: 'ok' }))[0]!;
    const hash = cellHash(cell, '1.0.0');
    const reordered = Object.fromEntries(Object.entries(cell).reverse()) as unknown as typeof cell;
    expect(cellHash(reordered, '1.0.0')).toBe(hash);
    expect(hash).toMatch(/^[0-9a-f]{64}$/);
    const others = [
      cellHash(cell, '1.0.1'),
      cellHash({ ...cell, seed: 1 }, '1.0.0'),
      cellHash({ ...cell, backend: 'cpu' }, '1.0.0'),
      cellHash({ ...cell, training: { ...cell.training, learningRate: 0.2 } }, '1.0.0'),
      cellHash({ ...cell, warmStart: { ...cell.warmStart, seed: 1 } }, '1.0.0'),
    ];
    expect(new Set([hash, ...others]).size).toBe(6);
  });
});
