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
  expect(batch!.length).toBe(8);
  for (const [index, member] of batch!.members.entries()) {
    const tokens = batch!.expand.subarray(8 * index, 8 * index + rows[member]!.ids.length);
    expect(tokens.map((token) => batch!.ids[token]!)).toEqual(rows[member]!.ids);
    expect([...tokens].map((token) => batch!.positions[token])).toEqual([...tokens.keys()]);
  }
  expect([...batch!.compact].map((place) => batch!.expand[place])).toEqual([...batch!.ids.keys()]);
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
