import { cp, mkdir, readdir, readFile, rm, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { temporaryName } from '../../core/atomic-file.ts';
import { InputError } from '../../core/errors.ts';
import { cellHash } from '../identity.ts';
import { suiteCells } from '../suites/suite.ts';
import type { RunEvent } from './events.ts';
import { contents, createRuns, hashOf, suite } from './fake-worker.test-helper.ts';
import type { CellOutcome } from './result-files.ts';
import { readResults } from './results.ts';
import { runSuite } from './runner.ts';
import { type FolderStatus, readStatus } from './status.ts';
import { cellFolder, readCell } from './storage.ts';

let runs: Awaited<ReturnType<typeof createRuns>>;
let run: typeof runs.run;
beforeAll(async () => {
  runs = await createRuns();
  run = runs.run;
});
afterAll(() => runs.remove());

const withoutTimings = (outcome: CellOutcome) =>
  outcome.status === 'finished' ? { ...outcome, result: outcome.result.metrics } : outcome;

describe('runSuite', () => {
  it('writes the same bytes with 1 and 3 workers, whatever ends first', async () => {
    const three = suite({ first: 'last', second: 'ok', third: 'throw' }, 2);
    const one = await run(three, { workers: 1 });
    const many = await run(three, { workers: 3 });
    const doneFirst = (events: readonly RunEvent[]) =>
      events.find(({ type }) => type === 'cell-done')?.cell.name;
    expect(doneFirst(one.events)).toBe('first');
    expect(doneFirst(many.events)).toBe('second');
    const files = await contents(one.out);
    // Four folders of three files, two failures; suite.json, metrics.csv and entropy.csv of all.
    expect(Object.keys(files)).toHaveLength(4 * 3 + 2 + 3);
    expect(await contents(many.out)).toEqual(files);
    expect(one.summary.outcomes.map(withoutTimings)).toEqual(many.summary.outcomes.map(withoutTimings));
    const [first] = suiteCells(three);
    const metrics = files[`${cellFolder('', hashOf(first!))}/metrics.csv`.replace(/^(?!\/)/, '/')];
    expect(metrics?.split('\n')[2]).toContain(`,${Math.sqrt(5)},`);
    expect(metrics).toContain(',NaN,');
  });

  it('begins with the first seed of every algorithm, and lists cells as the suite does', async () => {
    const { events, summary } = await run(suite({ first: 'ok', second: 'ok' }, 2), { workers: 1 });
    const started = events.flatMap(({ type, cell }) =>
      type === 'cell-start' ? [`${cell.name} ${cell.cell.seed}`] : [],
    );
    expect(started).toEqual(['first 0', 'second 0', 'first 1', 'second 1']);
    const listed = summary.outcomes.map(({ name, cell }) => `${name} ${cell.seed}`);
    expect(listed).toEqual(['first 0', 'first 1', 'second 0', 'second 1']);
  });

  it('refuses what no cell at all can begin with, and records nothing', async () => {
    const refused = run(suite({ a: 'ok', b: 'ok' }, 2, { wrong: true }));
    await expect(refused).rejects.toThrow(InputError);
    await expect(refused).rejects.toThrow(/^walk\/v1 has no demonstrations; valid: 0$/);
  });

  it('leaves a folder that readResults and readStatus read, with the suite and without', async () => {
    const two = suite({ fine: 'ok', bad: 'throw' });
    for (const given of [{}, { suite: two }]) {
      const { out, summary } = await run(two, given);
      expect(summary.unwritten).toBeUndefined();
      const [fine, bad] = await readResults([out]);
      expect(fine).toMatchObject({ algorithm: 'fine', status: 'finished', score: { name: 'f1' } });
      expect(fine!.metrics.map((row) => row.dev_f1)).toEqual([0.25, 2]);
      expect(bad).toMatchObject({ algorithm: 'bad', status: 'failed', metrics: [] });
      const { counts, suite: name } = await readStatus(out);
      expect(counts).toMatchObject({ finished: 1, failed: 1 });
      expect(name).toBe('suite' in given ? 'fake' : 'not recorded');
    }
  });

  it('lists its cells from the start, and says at the end what could not be written', async () => {
    const one = suite({ fine: 'ok' });
    const out = runs.newFolder();
    // A folder of that name cannot be replaced by a file.
    await mkdir(join(out, 'metrics.csv'), { recursive: true });
    const full = await run(one, { suite: one }, out);
    expect(full.summary).toMatchObject({ interrupted: false, outcomes: [{ status: 'finished' }] });
    expect(full.summary.unwritten).toContain('metrics.csv');
    await rm(join(out, 'metrics.csv'), { recursive: true });
    let atStart: Promise<FolderStatus> | undefined;
    const onEvent = ({ type }: RunEvent): void => {
      if (type === 'cell-start') atStart = readStatus(out);
    };
    const again = await run(suite({ fine: 'ok', more: 'slow' }), { onEvent }, out);
    expect((await atStart)?.cells.map(({ algorithm }) => algorithm)).toEqual(['fine', 'more']);
    expect(again.summary.unwritten).toBeUndefined();
    expect(await readResults([out])).toMatchObject([{ status: 'finished' }, { status: 'finished' }]);
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

  it('skips finished cells, leaves failed ones, and runs those when asked', async () => {
    const cells = suite({ fine: 'ok', bad: 'throw' });
    const first = await run(cells);
    const before = await contents(first.out);
    const second = await run(cells, {}, first.out);
    expect(second.log).toEqual([]);
    expect(second.events.map(({ type }) => type)).toEqual(['cell-skipped', 'cell-left']);
    expect(second.summary.outcomes.map(withoutTimings)).toEqual(first.summary.outcomes.map(withoutTimings));
    const third = await run(cells, { retryFailed: true }, first.out);
    expect(third.log.filter((line) => line.startsWith('run'))).toEqual(['run bad 0']);
    expect(third.notices).toEqual(['goes on from point']);
    expect(third.statuses).toEqual(['fine finished', 'bad failed']);
    expect(await contents(first.out)).toEqual(before);
  });

  it('goes on with a cell whose process was killed, by the same call', async () => {
    const cells = suite({ fine: 'ok', unlucky: 'once' });
    const first = await run(cells);
    expect(first.statuses).toEqual(['fine finished', 'unlucky failed']);
    const second = await run(cells, {}, first.out);
    expect(second.notices).toEqual(['goes on from point']);
    expect(second.statuses).toEqual(['fine finished', 'unlucky finished']);
    // Neither the failure nor the checkpoints are left.
    expect((await readdir(join(first.out, 'cells'))).sort()).toEqual(
      suiteCells(cells)
        .map((cell) => hashOf(cell).slice(0, 16))
        .sort(),
    );
  });

  it('goes on with a cell for which the machine had run out of something, by the same call', async () => {
    const cells = suite({ fine: 'ok', unlucky: 'full' });
    const first = await run(cells);
    expect(first.summary.outcomes[1]).toMatchObject({
      status: 'failed',
      error: { message: 'EMFILE: too many open files', cause: 'machine' },
    });
    expect((await run(cells, {}, first.out)).statuses).toEqual(['fine finished', 'unlucky finished']);
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

  it('keeps a failure in mind that cannot be recorded, and goes on', async () => {
    const cells = suite({ bad: 'throw', fine: 'ok' });
    const out = runs.newFolder();
    const hash = hashOf(suiteCells(cells)[0]!);
    // A folder where the failure record should go stands for a disk that fails.
    await mkdir(`${cellFolder(out, hash)}.failed.json`, { recursive: true });
    const { statuses, notices } = await run(cells, {}, out);
    expect(statuses).toEqual(['bad failed', 'fine finished']);
    expect(notices).toEqual([expect.stringMatching(/^its failure could not be recorded: E/)]);
  });

  it('fails a cell whose rows have columns that nobody declared', async () => {
    const { summary } = await run(suite({ odd: 'odd', fine: 'ok' }));
    expect(summary.outcomes).toMatchObject([
      { status: 'failed', error: { message: 'row has columns that are not declared: f2' } },
      { status: 'finished' },
    ]);
  });

  it('clears away what a killed run left half-written, but not what a live one is writing', async () => {
    const out = runs.newFolder();
    const own = temporaryName('0123456789abcdef');
    const dead = own.replace(`-${process.pid}-`, '-999999999-');
    const alive = own.replace(`-${process.pid}-`, `-${process.ppid}-`);
    // Processes of other machines cannot be judged; only what they left long ago is removed.
    const elsewhere = '.tmp-node_7.12-999999999-0123456789abcdef';
    const longAgo = '.tmp-node_7.12-999999999-old';
    const names = [dead, alive, elsewhere, longAgo];
    for (const name of names) await mkdir(join(out, 'cells', name), { recursive: true });
    await utimes(join(out, 'cells', longAgo), 1e9, 1e9);
    await run(suite({ a: 'ok' }), {}, out);
    const left = await readdir(join(out, 'cells'));
    expect(left.filter((name) => name.startsWith('.tmp')).sort()).toEqual([alive, elsewhere].sort());
  });

  it('does not take a folder of another cell for its own', async () => {
    const [one, two] = suiteCells(suite({ a: 'ok', b: 'ok' }));
    const { out } = await run(suite({ a: 'ok' }));
    await cp(cellFolder(out, hashOf(one!)), cellFolder(out, hashOf(two!)), { recursive: true });
    expect(await readCell(out, two!.cell)).toMatchObject({ status: 'damaged' });
  });

  it('refuses a folder that cannot be written, and a bad number of workers, before any work', async () => {
    const file = join(runs.folder, 'file');
    await writeFile(file, '');
    const events: RunEvent[] = [];
    const options = {
      cells: suiteCells(suite({ a: 'ok' })),
      cacheDirectory: runs.folder,
      worker: runs.worker,
      onEvent: (event: RunEvent) => events.push(event),
    };
    const below = join(file, 'out');
    await expect(runSuite({ ...options, out: below, workers: 1 })).rejects.toThrow(
      `cannot write in the folder ${below}`,
    );
    for (const workers of [0, 257, 1.5]) {
      await expect(runSuite({ ...options, out: runs.folder, workers })).rejects.toThrow('from 1 to 256');
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
