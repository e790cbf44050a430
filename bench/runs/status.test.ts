import { mkdir, readFile, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packageInfo } from '../../core/package.ts';
import { ownIdentity } from '../../core/process-identity.ts';
import { suiteCells } from '../suites/suite.ts';
import { createKeeper } from './cell-checkpoints.ts';
import { claimCell } from './cell-lock.ts';
import { createRuns, hashOf, suite } from './fake-worker.test-helper.ts';
import { writeResultFiles } from './result-files.ts';
import { type FolderStatus, readStatus } from './status.ts';
import { cellFolder, writeFailure } from './storage.ts';

const ALL = suite(
  Object.fromEntries(
    'fine harmed busy again bad killed stopped left both silent fresh'.split(' ').map((name) => [name, 'ok']),
  ),
);

let runs: Awaited<ReturnType<typeof createRuns>>;
let out: string;
let found: FolderStatus;
const cellOf = (name: string) => suiteCells(ALL).find((cell) => cell.name === name)!;
const stateOf = (name: string) => found.cells.find(({ algorithm }) => algorithm === name);
const recent = expect.stringMatching(/^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
const me = { host: ownIdentity().host, pid: process.pid };

/** A lock of this process, or one that is left where it is `stale`. */
async function lock(name: string, { stage = '', isStale = false } = {}): Promise<void> {
  const hash = hashOf(cellOf(name));
  const owner = { ...ownIdentity(), token: name, since: '2026-01-02T03:04:05.678Z', stage };
  await writeFile(
    `${cellFolder(out, hash)}.lock`,
    JSON.stringify(isStale ? { ...owner, started: '1', pid: 999_999_999 } : owner),
  );
}

async function checkpoint(name: string, stage: string): Promise<void> {
  const keeper = createKeeper(out, hashOf(cellOf(name)), () => {});
  keeper.save(Buffer.from('weights'), stage);
  await keeper.settle();
}

/** A folder with a cell in every state. */
beforeAll(async () => {
  runs = await createRuns();
  out = runs.newFolder();
  await runs.run(suite({ fine: 'ok', harmed: 'ok' }), {}, out);
  await truncate(join(cellFolder(out, hashOf(cellOf('harmed'))), 'metrics.csv'), 10);
  await lock('busy', { stage: 'iteration 3 of 30' });
  await checkpoint('busy', 'iteration 2 of 30');
  await writeFailure(out, cellOf('again').cell, { message: 'no luck' });
  expect(await claimCell(out, hashOf(cellOf('again')))).toMatchObject({ status: 'claimed' });
  await writeFailure(out, cellOf('bad').cell, { message: 'cannot go on\nat all' });
  await checkpoint('bad', 'iteration 9 of 30');
  await writeFailure(out, cellOf('killed').cell, { message: 'was killed', cause: 'machine' });
  await checkpoint('stopped', 'iteration 7 of 30');
  await lock('left', { isStale: true });
  await lock('both', { isStale: true, stage: 'iteration 9 of 30' });
  await checkpoint('both', 'iteration 8 of 30');
  await writeFile(`${cellFolder(out, hashOf(cellOf('silent')))}.lock`, '');
  await utimes(`${cellFolder(out, hashOf(cellOf('silent')))}.lock`, 1e9, 1e9);
  const outcomes = suiteCells(ALL).map((cell) => ({
    ...cell,
    hash: hashOf(cell),
    status: 'missing' as const,
  }));
  await writeResultFiles(out, ALL, outcomes);
  found = await readStatus(out);
});
afterAll(() => runs.remove());

describe('readStatus', () => {
  it.each<[string, object]>([
    ['fine', { status: 'finished', at: recent }],
    ['harmed', { status: 'damaged', reason: 'metrics.csv does not match its checksum' }],
    [
      'busy',
      {
        status: 'running',
        owner: me,
        since: '2026-01-02T03:04:05.678Z',
        at: recent,
        stage: 'iteration 3 of 30',
      },
    ],
    ['again', { status: 'running', owner: me, since: recent, at: recent, stage: '' }],
    ['bad', { status: 'failed', at: recent, reason: 'cannot go on\nat all', cause: 'cell' }],
    ['killed', { status: 'failed', at: recent, reason: 'was killed', cause: 'machine' }],
    ['stopped', { status: 'interrupted', at: recent, stage: 'iteration 7 of 30', owner: null }],
    ['left', { status: 'interrupted', at: recent, stage: '', owner: { host: me.host, pid: 999_999_999 } }],
    [
      'both',
      {
        status: 'interrupted',
        at: recent,
        stage: 'iteration 8 of 30',
        owner: { host: me.host, pid: 999_999_999 },
      },
    ],
    ['silent', { status: 'interrupted', at: '2001-09-09T01:46:40.000Z', stage: '', owner: null }],
    ['fresh', { status: 'waiting' }],
  ])('%s', (name, state) => {
    expect(stateOf(name)).toEqual({
      environment: 'walk/v1',
      policy: 'small',
      algorithm: name,
      seed: 0,
      cell: hashOf(cellOf(name)).slice(0, 16),
      ...state,
    });
  });

  it('counts them', () => {
    expect(found).toMatchObject({
      creditbench: packageInfo().version,
      suite: 'fake',
      counts: { finished: 1, damaged: 1, running: 2, failed: 2, interrupted: 4, waiting: 1 },
    });
  });

  it('is documented, every name and value', async () => {
    const page = await readFile(join(packageInfo().root, 'docs', 'interrupted-runs.md'), 'utf8');
    const names = (value: object): string[] =>
      Object.entries(value).flatMap(([name, inner]) => [
        ...(Array.isArray(value) ? [] : [name]),
        ...(typeof inner === 'object' && inner !== null ? names(inner) : []),
      ]);
    for (const name of new Set(names(found))) expect(page).toContain(`\`${name}\``);
  });

  it('refuses what is no output folder, or leads out of it', async () => {
    const empty = runs.newFolder();
    await mkdir(empty);
    await expect(readStatus(empty)).rejects.toThrow(/suite\.json: cannot be read \(ENOENT/);
    for (const text of ['{', '{"cells": 3}']) {
      await writeFile(join(empty, 'suite.json'), text);
      await expect(readStatus(empty)).rejects.toThrow("valid: an output folder of 'creditbench run'");
    }
    const file = JSON.parse(await readFile(join(out, 'suite.json'), 'utf8'));
    file.cells[0].cell = '../../../etc/x';
    await writeFile(join(empty, 'suite.json'), JSON.stringify(file));
    await expect(readStatus(empty)).rejects.toThrow('cells.0.cell');
  });
});
