import { expect, it } from 'vitest';
import { packRows } from './packed.ts';
import { trainingRows } from './rows.ts';

it('reads once what rows have in common, and every scored position knows its target', () => {
  const prompt = { text: '', tokens: Int32Array.of(1, 2, 3) };
  const { rows } = trainingRows(
    [
      { prompt, tokens: [4, 5] },
      { prompt, tokens: [4, 6] },
      { prompt, tokens: [7] },
      { prompt: { text: '', tokens: Int32Array.of(9) }, tokens: [1] },
    ],
    10,
  );
  const [batch, ...others] = packRows(rows);
  expect(others).toEqual([]);
  // 9 1 | 1 2 3 7 | 4 6 | 5: nine ids instead of sixteen.
  expect([...batch!.ids].sort()).toEqual([1, 1, 2, 3, 4, 5, 6, 7, 9]);
  expect(batch!.length).toBe(5);
  const { firsts, queries, lengths, tokens } = batch!.paths;
  let path = 0;
  for (const [run, member] of batch!.members.entries()) {
    const seen = tokens.subarray(path, path + lengths[run]!);
    path += lengths[run]!;
    expect(seen.map((token) => batch!.ids[token]!)).toEqual(rows[member]!.ids);
    expect([...seen].map((token) => batch!.positions[token])).toEqual([...seen.keys()]);
    // A run's own tokens are the last of its path, in the order of the matrix.
    const own = Array.from({ length: queries[run]! }, (_, index) => firsts[run]! + index);
    expect([...seen.subarray(seen.length - own.length)]).toEqual(own);
  }
  expect(path).toBe(tokens.length);
  expect(queries.reduce((sum, count) => sum + count, 0)).toBe(batch!.ids.length);
  const pairs = [...batch!.scored].map((token, index) => [batch!.ids[token], batch!.targets[index]]);
  expect(pairs.sort()).toEqual([
    [3, 4],
    [3, 4],
    [3, 7],
    [4, 5],
    [4, 6],
    [9, 1],
  ]);
});

it('keeps batches small, and a row longer than that whole', () => {
  const record = (length: number, first: number) => ({
    prompt: { text: '', tokens: Int32Array.from({ length }, (_, index) => (index === 0 ? first : 1)) },
    tokens: [1],
  });
  const { rows } = trainingRows(
    [record(3000, 0), ...Array.from({ length: 30 }, (_, index) => record(400, 1 + index))],
    40,
  );
  const batches = packRows(rows);
  expect(batches.flatMap(({ members }) => members)).toEqual([...rows.keys()]);
  expect(batches.map(({ ids }) => ids.length).filter((size) => size > 2048)).toEqual([3001]);
  expect(Math.max(...batches.map(({ members }) => members.length))).toBe(5);
});
