import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { parquetReadObjects } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { afterAll, describe, expect, it } from 'vitest';
import type { TurnCredit } from '../credit.ts';
import { creditRecord, creditRecordSchema, readCreditRecord } from '../credit-record.ts';
import { CreditSpool } from './credit-spool.ts';
import { type CreditedTrajectory, creditLine } from './row.ts';
import { createRowFile, partialName } from './row-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'creditbench-rows-'));
afterAll(() => rmSync(folder, { recursive: true }));

const number = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0),
  fc.constant(Number.NaN),
);
const turn = fc.oneof(
  fc.constant(undefined),
  fc.array(number, { minLength: 1, maxLength: 6 }).map((values) => Float64Array.from(values)),
  fc
    .tuple(number, fc.integer({ min: 1, max: 50 }))
    .map(([value, length]) => new Float64Array(length).fill(value)),
);
const turns: fc.Arbitrary<readonly TurnCredit[]> = fc.array(turn, { minLength: 1, maxLength: 5 });
const row: fc.Arbitrary<CreditedTrajectory> = fc.record({
  group: fc.string({ minLength: 1, unit: 'binary' }).filter((text) => text === Buffer.from(text).toString()),
  id: fc.constantFrom('a', 'b\u202e', '__proto__'),
  credits: fc.record({ grpo: turns, 'own/one': turns }, { requiredKeys: ['grpo'] }),
});

async function written(name: string, rows: readonly CreditedTrajectory[]): Promise<string> {
  const path = join(folder, name);
  const file = createRowFile(path, ['grpo', 'own/one']);
  for (const one of rows) await file.write(one);
  expect(readdirSync(folder)).not.toContain(name);
  await file.end(path);
  return path;
}

describe('rows of credit', () => {
  it('are lines of the format, with every bit of every number', () => {
    fc.assert(
      fc.property(row, (one) => {
        const line = creditLine(one);
        expect(line).not.toMatch(/[\p{Cc}\u202a-\u202e\u2066-\u2069]/u);
        const record = creditRecordSchema.parse(JSON.parse(line));
        expect(record).toEqual(creditRecord(one, one.credits));
        expect(readCreditRecord(record)).toEqual(one.credits);
      }),
    );
  });

  it('make a file of lines, which has its name when it is whole', async () => {
    const rows = fc.sample(row, 300);
    const path = await written('rows.jsonl', rows);
    const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
    expect(lines.map((line) => readCreditRecord(JSON.parse(line)))).toEqual(
      rows.map(({ credits }) => credits),
    );
    rmSync(path);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('make a Parquet file, in row groups', async () => {
    const long = { group: 'q', id: 'long', credits: { grpo: [new Float64Array(600_000).fill(0.1)] } };
    const rows = [...fc.sample(row, 300), long, ...fc.sample(row, 5)];
    const path = await written('rows.parquet', rows);
    const bytes = readFileSync(path);
    const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;
    // hyparquet leaves out a list that is null in a list.
    const read = (await parquetReadObjects({ file, compressors })).map((one) =>
      Object.fromEntries(
        Object.entries(one).map(([name, value]) => [
          name,
          Array.isArray(value) ? Array.from(value, (turn: unknown) => turn ?? null) : value,
        ]),
      ),
    );
    const expected = rows.map((one) => {
      const { advantages } = creditRecord(one, one.credits);
      return {
        group: one.group,
        id: one.id,
        grpo: advantages.grpo,
        'own/one': advantages['own/one'],
      };
    });
    expect(read).toEqual(expected);
    rmSync(path);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('leave nothing if they are discarded', async () => {
    for (const name of ['rows.jsonl', 'rows.parquet']) {
      const file = createRowFile(join(folder, name), ['grpo', 'own/one']);
      for (const one of fc.sample(row, 10)) await file.write(one);
      await file.discard();
      expect(readdirSync(folder)).toEqual([]);
    }
  });

  it('of which some are missing have another name', () => {
    expect(partialName('a.b/credit.jsonl')).toBe('a.b/credit.partial.jsonl');
    expect(() => createRowFile('credit.csv', [])).toThrow(
      "'credit.csv' is not valid; valid: a file ending in .jsonl or .parquet",
    );
  });
});

describe('the spool', () => {
  it('gives what was put in, in whatever order and size', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(turns, fc.option(turns, { nil: undefined })), { minLength: 1, maxLength: 20 }),
        fc.integer({ min: 1, max: 5 }),
        fc.boolean(),
        async (rows, together, isLarge) => {
          const spool = new CreditSpool(join(folder, 'spool'), 2);
          const large = Float64Array.from({ length: isLarge ? 140_000 : 3 }, (_, index) => index / 7);
          // Batches of rows, from the last row to the first, method by method.
          const order = rows.map((_, index) => index).toReversed();
          for (let from = 0; from < order.length; from += together) {
            const batch = order.slice(from, from + together);
            for (const method of [0, 1] as const) {
              for (const at of batch) {
                const own = rows[at]![method];
                if (own !== undefined) await spool.put(at, method, method === at ? [...own, large] : own);
              }
            }
          }
          for (const [at, [first, second]] of rows.entries()) {
            const taken = await spool.take(at);
            if (at === 1 && second !== undefined) expect(taken[1]!.slice(0, -1)).toEqual(second);
            else if (at !== 0) expect(taken).toEqual([first, second]);
            else {
              expect([taken[0]!.slice(0, -1), taken[1]]).toEqual([first, second]);
              // Bytes are compared faster than numbers.
              expect(Buffer.from(taken[0]!.at(-1)!.buffer).equals(Buffer.from(large.buffer))).toBe(true);
            }
          }
          // From the beginning again.
          await spool.put(0, 1, [large]);
          const [none, again] = await spool.take(0);
          expect([none, again!.length, again![0]!.length]).toEqual([undefined, 1, large.length]);
          await spool.close();
          expect(readdirSync(folder)).toEqual([]);
        },
      ),
      { numRuns: 30 },
    );
  });
});
