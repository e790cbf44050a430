import { expect, it } from 'vitest';
import { chainsOf, groupByPrefix } from './order.ts';

it('groups what begins alike, in dictionary order', () => {
  const contexts = [[5, 6, 7, 8], [1], [5, 6, 9, 9], [5, 6, 7, 8], [5, 1, 1, 1, 1]];
  expect(groupByPrefix(contexts)).toEqual([[1], [4], [0, 3, 2]]);
  expect(groupByPrefix([])).toEqual([]);
});

it('keeps a group in one chain, and divides the largest if slots are free', () => {
  expect(chainsOf([[0, 1, 2], [3]], 2)).toEqual([[0, 1, 2], [3]]);
  expect(chainsOf([[0, 1, 2], [3]], 1)).toEqual([[0, 1, 2], [3]]);
  expect(chainsOf([[0, 1, 2], [3]], 3)).toEqual([[0, 1], [2], [3]]);
  expect(chainsOf([[0, 1, 2, 3]], 4)).toEqual([[0], [1], [2], [3]]);
  expect(chainsOf([[0], [1]], 9)).toEqual([[0], [1]]);
  expect(chainsOf([], 3)).toEqual([]);
});
