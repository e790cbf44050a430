import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { fuzzAsync, mutatedBytes, mutatedJson } from '../../../core/fuzz.test-helper.ts';
import { jsonLines } from '../../../envs/data/files/json-lines.ts';
import { parquetColumns } from '../../../envs/data/files/parquet.ts';
import { trajectoryProblem, trajectorySchema } from '../trajectory.ts';
import { READERS, writeVerifiers } from './index.ts';
import type { TrajectoryReader } from './reader.ts';
import { codec, fixture, placed, temporaryFiles } from './readers.test-helper.ts';

const FOREIGN = READERS.filter(({ id }) => id !== 'own');

const file = temporaryFiles();

const FILES: Readonly<Record<string, readonly string[]>> = {
  verifiers: ['verifiers.jsonl', 'verifiers-traces.jsonl', 'verifiers-texts.jsonl'],
  atif: ['atif.json', 'atif.jsonl'],
  verl: ['verl.jsonl'],
  trl: ['trl.parquet'],
  tinker: ['tinker.jsonl', 'tinker-summaries.jsonl'],
};

/** The records of a file of lines. */
const records = (name: string): readonly unknown[] =>
  name.endsWith('.jsonl')
    ? readFileSync(fixture(name), 'utf8')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as unknown)
    : [JSON.parse(readFileSync(fixture(name), 'utf8')) as unknown];

/** Reads a file, and checks that what comes out is of the format. */
async function read(reader: TrajectoryReader, path: string): Promise<void> {
  for (const { trajectory, at } of await placed(reader, path, { codec })) {
    expect(at).toMatch(/^(line|row|record) \d+|the object/);
    expect(trajectorySchema.safeParse(trajectory).error).toBeUndefined();
    expect(trajectoryProblem(trajectory)).toBeUndefined();
  }
}

describe('a file of every format', () => {
  it.each(FOREIGN.map((reader) => [reader.id, reader] as const))(
    'is found to be of %s, and of no other',
    async (id, reader) => {
      for (const name of FILES[id]!) {
        const first =
          id === 'trl'
            ? Object.fromEntries((await parquetColumns(fixture(name))).map((column) => [column.name, 1]))
            : records(name)[0];
        const found = FOREIGN.filter((one) => one.detects(first, name)).map((one) => one.id);
        expect(found).toEqual([id]);
        await read(reader, fixture(name));
      }
    },
  );

  it('is not found in what is none', () => {
    // A version that has no text, and cannot be made one, ended the process.
    const odd = { schema_version: { toString: { x: 1 } } };
    for (const value of [odd, undefined, null, 1, 'x', [], {}, [{}], { task: null }, { steps: 1 }]) {
      for (const reader of FOREIGN) expect(reader.detects(value, 'x.jsonl')).toBe(false);
    }
  });
});

describe('any record', () => {
  it.each(FOREIGN.filter(({ id }) => id !== 'trl').map((reader) => [reader.id, reader] as const))(
    'is a trajectory of %s or refused',
    async (id, reader) => {
      await fuzzAsync(
        mutatedJson(FILES[id]!.flatMap(records)),
        async (value) => {
          reader.detects(value, 'a.jsonl');
          await read(reader, file(`${id}.jsonl`, JSON.stringify(value)));
        },
        { share: 0.3 },
      );
    },
  );

  it('that is read as a trace can be written again with its credit', async () => {
    await fuzzAsync(
      mutatedJson(['verifiers.jsonl', 'verifiers-traces.jsonl'].flatMap(records)),
      async (value) => {
        const path = file('write.jsonl', JSON.stringify(value));
        const [reader] = FOREIGN;
        const rows = (await placed(reader!, path, { codec })).map(({ trajectory: { group, id, turns } }) => ({
          group,
          id,
          advantages: turns.map(({ tokens }) => tokens.map(() => 0.5)),
        }));
        for await (const line of writeVerifiers(path, rows)) JSON.parse(line);
      },
      { share: 0.3 },
    );
  });
});

describe('any bytes', () => {
  it.each(FOREIGN.map((reader) => [reader.id, reader] as const))(
    'are a file of %s or refused',
    async (id, reader) => {
      const valid = FILES[id]!.map((name) => readFileSync(fixture(name)));
      const extension = id === 'trl' ? 'parquet' : id === 'atif' ? 'json' : 'jsonl';
      await fuzzAsync(mutatedBytes(valid), (bytes) => read(reader, file(`bytes-${id}.${extension}`, bytes)), {
        share: 0.3,
      });
    },
  );
});

it('a line as long as memory is refused', async () => {
  const path = file('long.jsonl', `{"a": "${'x'.repeat(17 * 2 ** 20)}"}`);
  for (const reader of FOREIGN.filter(({ id }) => id !== 'trl')) {
    await expect(read(reader, path)).rejects.toThrow(/long\.jsonl, line 1: longer than 16 MiB/);
  }
});

it('a file with lines of two formats is refused where the other begins', async () => {
  const lines = ['verl.jsonl', 'tinker.jsonl'].map((name) => JSON.stringify(records(name)[0]));
  const path = file('mixed.jsonl', lines.join('\n'));
  const values: unknown[] = [];
  for await (const { value } of jsonLines(path)) values.push(value);
  const reader = FOREIGN.find((one) => one.detects(values[0], path))!;
  await expect(read(reader, path)).rejects.toThrow(/mixed\.jsonl, line 2: input: /);
});
