import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ownIdentity } from '../../core/process-identity.ts';
import { suiteCells } from '../suites/suite.ts';
import { claimCell } from './cell-lock.ts';
import { contents, createRuns, hashOf, suite } from './fake-worker.test-helper.ts';
import { cellFolder } from './storage.ts';

let runs: Awaited<ReturnType<typeof createRuns>>;
beforeAll(async () => {
  runs = await createRuns();
});
afterAll(() => runs.remove());

const cellsRun = (log: readonly string[]): readonly string[] => log.filter((line) => line.startsWith('run'));

describe('two runs in one folder', () => {
  it('compute every cell once, wait for each other, and both know all results and failures', async () => {
    const cells = suite({ slow: 'slow', bad: 'throw', fine: 'ok' }, 3);
    const out = runs.newFolder();
    const both = await Promise.all([runs.run(cells, {}, out), runs.run(cells, {}, out)]);
    expect(both.flatMap(({ log }) => cellsRun(log)).sort()).toEqual(
      cellsRun((await runs.run(cells)).log).toSorted(),
    );
    for (const { summary } of both) expect(summary).toEqual({ ...both[0].summary, interrupted: false });
    expect(both[0].statuses.filter((status) => status.endsWith('failed'))).toHaveLength(3);
    const alone = await runs.run(cells);
    expect(await contents(out)).toEqual(await contents(alone.out));
  });

  it('say whom they wait for, and go on when the cell is let go', async () => {
    const cells = suite({ held: 'ok', fine: 'ok' });
    const out = runs.newFolder();
    await mkdir(join(out, 'cells'), { recursive: true });
    const claim = await claimCell(out, hashOf(suiteCells(cells)[0]!));
    const { statuses, notices } = await runs.run(
      cells,
      { onEvent: ({ type }) => type === 'cell-done' && claim.status === 'claimed' && claim.lock.release() },
      out,
    );
    expect(statuses).toEqual(['held finished', 'fine finished']);
    expect(notices).toEqual([
      `process ${process.pid} on ${ownIdentity().host} computes it; its result is waited for`,
    ]);
  });

  it('when one is stopped, the other takes its cells over', async () => {
    const cells = suite({ slow: 'slow', other: 'slow' }, 2);
    const out = runs.newFolder();
    const controller = new AbortController();
    const [stopped, other] = await Promise.all([
      runs.run(
        cells,
        { signal: controller.signal, onEvent: ({ type }) => type === 'cell-start' && controller.abort() },
        out,
      ),
      runs.run(cells, { workers: 1 }, out),
    ]);
    expect(stopped.summary.interrupted).toBe(true);
    expect(other.summary.interrupted).toBe(false);
    expect(other.statuses.every((status) => status.endsWith('finished'))).toBe(true);
  });
});

describe('a cell that was left behind', () => {
  it('is taken over, from its checkpoint, with a note', async () => {
    const cells = suite({ unlucky: 'once' });
    const first = await runs.run(cells);
    expect(first.statuses).toEqual(['unlucky failed']);
    const hash = hashOf(suiteCells(cells)[0]!);
    const owner = { ...ownIdentity(), pid: 999_999_999, token: 't', since: '', stage: '' };
    await writeFile(`${cellFolder(first.out, hash)}.lock`, JSON.stringify(owner));
    const second = await runs.run(cells, {}, first.out);
    expect(second.statuses).toEqual(['unlucky finished']);
    expect(second.notices).toEqual([
      `taken over from process 999999999 on ${owner.host}, which has left it`,
      'goes on from point',
    ]);
  });
});

describe('a cell that cannot be locked', () => {
  it('is failed, and the others go on', async () => {
    const cells = suite({ odd: 'ok', fine: 'ok' });
    const out = runs.newFolder();
    // A folder where the lock should go stands for a disk that fails: it is there, and no lock.
    await mkdir(join(`${cellFolder(out, hashOf(suiteCells(cells)[0]!))}.lock`, 'x'), { recursive: true });
    const { statuses, summary } = await runs.run(cells, {}, out);
    expect(statuses).toEqual(['odd failed', 'fine finished']);
    expect(summary.outcomes[0]).toMatchObject({
      error: {
        message: expect.stringMatching(/^it could not be stored: .*lock: a folder, not a file$/),
        cause: 'machine',
      },
    });
  });
});
