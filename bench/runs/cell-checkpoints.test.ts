import { mkdir, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  checkpointPaths,
  createKeeper,
  readCellCheckpoint,
  removeCellCheckpoints,
} from './cell-checkpoints.ts';

let folder: string;
let out: string;
let count = 0;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'creditbench-'));
});
afterAll(() => rm(folder, { recursive: true }));
beforeEach(async () => {
  out = join(folder, String(count++));
  await mkdir(join(out, 'cells'), { recursive: true });
});

const HASH = 'ab'.repeat(32);

async function save(...texts: string[]): Promise<string[]> {
  const notices: string[] = [];
  const keeper = createKeeper(out, HASH, (text) => notices.push(text));
  for (const text of texts) {
    keeper.save(Buffer.from(text), 'iteration 1 of 2');
    await keeper.settle();
  }
  return notices;
}

async function read(hash = HASH) {
  const notices: string[] = [];
  const bytes = await readCellCheckpoint(out, hash, (text) => notices.push(text));
  return { text: bytes && Buffer.from(bytes).toString(), notices };
}

describe('the checkpoints of a cell', () => {
  it('are the last two, of which the newest counts', async () => {
    expect(await read()).toEqual({ text: undefined, notices: [] });
    expect(await save('one', 'two', 'three')).toEqual([]);
    expect(await read()).toEqual({ text: 'three', notices: [] });
    await rm(checkpointPaths(out, HASH)[0]);
    expect(await read()).toEqual({ text: 'two', notices: [] });
    await removeCellCheckpoints(out, HASH);
    expect(await read()).toEqual({ text: undefined, notices: [] });
  });

  const harms: [string, (file: string) => Promise<void>, RegExp][] = [
    ['cut off', (file) => truncate(file, 180), /its checksum does not match/],
    ['empty', (file) => truncate(file, 0), /its first line is not that of a checkpoint/],
    [
      'changed in one bit',
      async (file) => {
        const bytes = await readFile(file);
        bytes[bytes.length - 1]! ^= 1;
        await writeFile(file, bytes);
      },
      /its checksum does not match/,
    ],
    ['something else', (file) => writeFile(file, '{"a": 1}\n'), /its first line is not that of a checkpoint/],
    [
      'of another cell or other code',
      async (file) =>
        writeFile(file, (await readFile(file, 'utf8')).replace(HASH, HASH.replace(/ab$/, 'ac'))),
      /it is of another cell/,
    ],
  ];
  it.each(harms)('that is %s is left for the one before, and then for the start', async (_, harm, why) => {
    await save('one', 'the second one');
    const [newest, old] = checkpointPaths(out, HASH);
    await harm(newest);
    expect(await read()).toEqual({ text: 'one', notices: [expect.stringMatching(why)] });
    await rm(newest);
    await harm(old);
    expect(await read()).toMatchObject({ text: undefined, notices: { length: 1 } });
  });

  it('that cannot be written cost one notice, and none that is there', async () => {
    await save('one', 'two');
    await rm(join(out, 'cells'), { recursive: true });
    await writeFile(join(out, 'cells'), 'a file where the folder was');
    expect(await save('three', 'four')).toEqual([
      expect.stringMatching(/^its checkpoint could not be stored: /),
    ]);
  });

  it('that come faster than the disk takes them: the last of them is kept', async () => {
    const keeper = createKeeper(out, HASH, () => {});
    for (let index = 0; index <= 100; index++) keeper.save(Buffer.from(String(index)), '');
    await keeper.settle();
    expect((await read()).text).toBe('100');
  });
});
