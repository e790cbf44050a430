import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Arbitrary } from 'fast-check';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { casesOf, fuzz, fuzzAsync, mutatedBytes, mutatedJson } from '../../core/fuzz.test-helper.ts';
import { cached, cachePath, sha256 } from '../../envs/multihop/cache.ts';
import { findPolicy } from '../../policies/registry.ts';
import { writeSafetensors } from '../../policies/safetensors.ts';
import type { Cell } from '../cell.ts';
import { resealed } from '../framed.test-helper.ts';
import { cellHash } from '../identity.ts';
import { readCheckpoint } from '../training/checkpoint.ts';
import { trainingSchema, warmStartSchema } from '../training/options.ts';
import { readStart, writeStart } from '../training/start-cache.ts';
import { readState, writeState } from '../training/state.ts';
import { checkpointPaths, createKeeper, readCellCheckpoint, readCheckpointHead } from './cell-checkpoints.ts';
import { claimCell, readLock } from './cell-lock.ts';
import { readStatus } from './status.ts';
import { cellFolder, openOutput, readFailure, readStored, writeCell, writeFailure } from './storage.ts';

/** Content of files by their paths, instead of what is on disk: writing each of many cases would take minutes. */
const given = vi.hoisted(() => new Map<string, Uint8Array>());
vi.mock(import('../../core/bounded-file.ts'), async (importOriginal) => {
  const real = await importOriginal();
  const readBounded: typeof real.readBounded = async (path, most) =>
    given.has(path) ? Buffer.from(given.get(path)!) : real.readBounded(path, most);
  return {
    ...real,
    readBounded,
    readBoundedText: async (path, most = real.MAX_TEXT) => (await readBounded(path, most)).toString(),
    readBeginning: async (path, most) => (await readBounded(path, real.MAX_TEXT)).subarray(0, most),
  };
});

const folder = mkdtempSync(join(tmpdir(), 'creditbench-stored-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** What is read from disk is as it was, or the next thing in its place: an error is a bug unless it says what is wrong. */
const noBug = (error: unknown): void => {
  if (error instanceof TypeError || error instanceof RangeError) throw error;
  expect((error as Error).message.length).toBeLessThan(100_000);
};

describe('any bytes are a training state or refused', () => {
  const state = {
    iteration: 1,
    asked: 4,
    parameters: Float32Array.of(1, 2, 3),
    prompts: [
      { text: 'a', actions: ['x', 'y'] },
      { text: 'b', actions: ['z'] },
    ],
    previous: Float32Array.of(1, 2, 4),
    adam: { first: Float64Array.of(0.1, 0.2, 0.3), second: Float64Array.of(1, 2, 3), steps: 2 },
    heads: [
      {
        parameters: Float64Array.of(7),
        adam: { first: Float64Array.of(8), second: Float64Array.of(9), steps: 2 },
      },
    ],
    metrics: [{ iteration: 0 }, { iteration: 1, loss: Number.NaN }],
    timings: [{ iteration: 0 }, { iteration: 1 }],
  };
  const bytes = Buffer.from(writeState(state));
  const end = bytes.indexOf('\n');
  const read = (given: Uint8Array): void => {
    try {
      readState(given);
    } catch (error) {
      noBug(error);
    }
  };

  it('near a valid one', () => {
    expect(readState(bytes)).toMatchObject(state);
    fuzz(mutatedBytes([bytes]), read);
    // With a checksum that is right, so that the state itself is looked at.
    fuzz(mutatedBytes([bytes]), (mutated) => read(resealed(mutated)));
  });

  it('with any header', () => {
    const header: unknown = JSON.parse(bytes.subarray(0, end).toString());
    fuzz(mutatedJson([header]), (value) =>
      read(resealed(Buffer.concat([Buffer.from(`${JSON.stringify(value) ?? ''}`), bytes.subarray(end)]))),
    );
  });

  it('whose sizes are compared with the file before memory is taken', () => {
    const huge = bytes.toString('latin1').replace('"length":3', '"length":1000000000000');
    expect(() => readState(resealed(Buffer.from(huge, 'latin1')))).toThrow(
      /its arrays should have 4000000000\d* bytes/,
    );
  });
});

describe('any file in the folder of a run', () => {
  const choice = (id: string) => ({ id, options: {} });
  const cell: Cell = {
    environment: choice('a/v1'),
    policy: choice('b'),
    algorithm: choice('c'),
    training: trainingSchema.parse({}),
    warmStart: warmStartSchema.parse({}),
    seed: 0,
    backend: 'wasm',
  };
  const hash = cellHash(cell);
  const out = join(folder, 'run');
  const place = (name: string): string => join(cellFolder(out, hash), name);
  const [newest, old] = checkpointPaths(out, hash);
  const suite = {
    creditbench: '1',
    suite: { name: 'x' },
    declarations: { a: { score: { name: 'f1', range: [0, 1] }, metrics: [] } },
    cells: [
      {
        ...{ environment: 'a', policy: 'b', algorithm: 'c', algorithmId: 'c', seed: 0, options: {} },
        cell: hash.slice(0, 16),
        status: 'finished',
        fingerprint: 'f',
      },
    ],
  };

  beforeAll(async () => {
    await openOutput(out);
    await writeFailure(out, cell, { message: 'it broke', stack: 'at x' });
    const rows = [{ iteration: 0, dev_f1: 0.5 }];
    const keeper = createKeeper(out, hash, () => {});
    for (const text of ['older', 'newer']) {
      keeper.save(Buffer.from(text), `iteration ${text}`);
      await keeper.settle();
    }
    const failure = readFileSync(`${cellFolder(out, hash)}.failed.json`);
    await writeCell(out, cell, {
      metrics: rows,
      timings: [{ iteration: 0 }],
      fingerprint: 'f',
      declaration: { score: { name: 'f1', range: [0, 1] }, metrics: [] },
    });
    writeFileSync(`${cellFolder(out, hash)}.failed.json`, failure);
  });

  /** Gives a reader broken content of a file, and puts the file back. */
  const broken = async (
    path: string,
    read: () => Promise<unknown>,
    make: (valid: Buffer) => Arbitrary<Uint8Array> = (valid) => mutatedBytes([valid]),
    share?: number,
  ): Promise<void> => {
    const valid = readFileSync(path);
    const load = (bytes: Uint8Array) => {
      given.set(path, bytes);
      return read();
    };
    await fuzzAsync(make(valid), load, share === undefined ? {} : { share });
    given.delete(path);
  };
  const json = (valid: Buffer): Arbitrary<Uint8Array> =>
    mutatedJson([JSON.parse(valid.toString())]).map((value) => Buffer.from(JSON.stringify(value) ?? ''));

  it('is a finished cell, or a damaged one: done.json', async () => {
    const read = async () => expect((await readStored(out, hash)).status).toMatch(/^(finished|damaged)$/);
    expect((await readStored(out, hash)).status).toBe('finished');
    await broken(place('done.json'), read);
    await broken(place('done.json'), read, json, 0.3);
  });

  it('is a finished cell, or a damaged one: timings.csv, which has no checksum', async () => {
    await broken(place('timings.csv'), async () => {
      const stored = await readStored(out, hash);
      if (stored.status === 'finished') expect(stored.result.timings).toHaveLength(1);
    });
  });

  it('is a damaged cell: cell.json and metrics.csv', async () => {
    for (const name of ['cell.json', 'metrics.csv']) {
      const valid = readFileSync(place(name));
      const read = async () => {
        const isSame = valid.equals(given.get(place(name))!);
        expect((await readStored(out, hash)).status).toBe(isSame ? 'finished' : 'damaged');
      };
      await broken(place(name), read);
    }
  });

  it('is the record of a failure, or none', async () => {
    await broken(`${cellFolder(out, hash)}.failed.json`, () => readFailure(out, hash));
  });

  it('is a checkpoint, or the one before is', async () => {
    const notices: string[] = [];
    const read = async () => {
      const bytes = await readCellCheckpoint(out, hash, (notice) => notices.push(notice));
      expect(['newer', 'older']).toContain(Buffer.from(bytes!).toString());
      await readCheckpointHead(out, hash);
    };
    await broken(newest, read);
    expect(notices.some((notice) => notice.includes('its checksum does not match'))).toBe(true);
    given.set(newest, Buffer.from('x'));
    given.set(old, Buffer.from('y\n'));
    expect(await readCellCheckpoint(out, hash, () => {})).toBeUndefined();
  });

  it('is a lock, or one of nobody', async () => {
    const claim = await claimCell(out, hash);
    await broken(`${cellFolder(out, hash)}.lock`, async () =>
      expect((await readLock(out, hash))?.by).toMatch(/^(process \d+ on |a process that is not known)/),
    );
    // Not even a file.
    rmSync(`${cellFolder(out, hash)}.lock`);
    mkdirSync(join(`${cellFolder(out, hash)}.lock`, 'x'), { recursive: true });
    await expect(readLock(out, hash)).rejects.toThrow('a folder, not a file');
    writeFileSync(join(out, 'suite.json'), JSON.stringify(suite));
    const done = join(cellFolder(out, hash), 'done.json');
    renameSync(done, join(out, 'done'));
    expect((await readStatus(out)).counts.damaged).toBe(1);
    renameSync(join(out, 'done'), done);
    rmSync(`${cellFolder(out, hash)}.lock`, { recursive: true });
    if (claim.status === 'claimed') await claim.lock.release();
  });

  it('is a suite of which the status is told, or refused', async () => {
    writeFileSync(join(out, 'suite.json'), JSON.stringify(suite));
    expect((await readStatus(out)).counts.finished).toBe(1);
    await broken(join(out, 'suite.json'), () => readStatus(out), json, 0.5);
    await broken(join(out, 'suite.json'), () => readStatus(out), undefined, 0.5);
  });
});

describe('any file of a checkpoint', () => {
  const spec = findPolicy('transformer');
  const policy = {
    id: 'transformer',
    options: spec.schema.parse({
      modelSize: 4,
      layers: 1,
      heads: 1,
      kvHeads: 1,
      headSize: 8,
      ffnSize: 4,
    }) as Record<string, unknown>,
  };
  const recipe = warmStartSchema.parse({});
  const at = join(folder, 'checkpoint');
  const files = {
    'config.json': { policy, origin: { environment: { id: 'a', fingerprint: 'f' }, warmStart: recipe } },
    'tokenizer.json': { words: ['a', 'b'], hashBuckets: 2 },
  };
  const write = (name: string, content: unknown) =>
    given.set(join(at, name), Buffer.from(JSON.stringify(content) ?? ''));

  beforeAll(async () => {
    mkdirSync(at);
    for (const [name, content] of Object.entries(files)) write(name, content);
    const layout = await spec.layout!(files['tokenizer.json'], policy.options);
    const tensors = layout.map(({ name, shape }) => {
      const size = shape.reduce((a, b) => a * b, 1);
      return [name, { shape: [...shape], values: new Float32Array(size) }] as const;
    });
    given.set(join(at, 'model.safetensors'), writeSafetensors(new Map(tensors), {}));
  });

  it.each(Object.entries(files))('is one, or refused: %s', async (name, valid) => {
    const [word] = ((await readCheckpoint(at, spec, policy, recipe)).assets as { words: string[] }).words;
    expect(word).toBe('a');
    await fuzzAsync(mutatedJson([valid]), async (value) => {
      write(name, value);
      await readCheckpoint(at, spec, policy, recipe);
    });
    write(name, valid);
  });
});

describe('any file of a cache', () => {
  it('is used, or made again: warm starts', async () => {
    const file = join(folder, 'start.bin');
    const start = { assets: { words: ['a'] }, parameters: [1, 2, 3] };
    await writeStart(file, start, {});
    const valid = readFileSync(file);
    expect(await readStart(file, {})).toEqual({ ...start, parameters: Float64Array.of(1, 2, 3) });
    await fuzzAsync(mutatedBytes([valid]), async (bytes) => {
      given.set(file, bytes);
      const read = await readStart(file, {});
      if (read !== undefined) expect(read.parameters).toHaveLength(3);
    });
  });

  it('is used, or made again: multihop', async () => {
    // Below a file no folder can be made: nothing is written.
    const directory = join(folder, 'start.bin', 'x');
    const path = cachePath(directory, 'key');
    const content = JSON.stringify({ facts: ['a'] });
    const valid = JSON.stringify({ sha256: sha256(content), key: 'key', content });
    let built = 0;
    const build = () => {
      built += 1;
      return content;
    };
    await fuzzAsync(mutatedBytes([valid]), async (bytes) => {
      given.set(path, bytes);
      expect(await cached({ directory, key: 'key', build })).toBe(content);
    });
    expect(built).toBeGreaterThan(casesOf(0.5));
  });
});
