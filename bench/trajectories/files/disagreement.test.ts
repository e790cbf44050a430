import { expect, it } from 'vitest';
import { growTree } from '../grow.ts';
import { trajectoryOf, turnOf } from '../made-up.test-helper.ts';
import { ApartFinder } from './disagreement.ts';

const GROUP = [
  trajectoryOf('a', [turnOf([1, 2]), turnOf([3])], 1),
  trajectoryOf('b', [turnOf([1, 2]), turnOf([4])], 0),
  trajectoryOf('c', [turnOf([5])], 0),
];
const NAMES = [GROUP.map(({ group, id }, index) => ({ group, id, at: `line ${index + 1}` }))];
const grown = [growTree(GROUP, 'turns')];

it('methods are apart by their own scales, on the first rollout that has the action', () => {
  const finder = new ApartFinder(2);
  // Root mean squares: 1 of four actions, and the root of 3 of the three that are trained.
  finder.add(grown, [Float64Array.of(2, 0, 0, 0), Float64Array.of(0, 3, Number.NaN, 0)], NAMES);
  // The second action is apart by the root of 3. The others' own actions are not.
  expect(finder.found(0, 1)).toEqual([
    { group: 'q', id: 'a', at: 'line 1', turn: 0, credit: [2, 0], distance: 2 },
  ]);
});

it('the five that are furthest apart are kept, of all batches, and nothing of a method that trains nothing', () => {
  const finder = new ApartFinder(3);
  const none = new Float64Array(4).fill(Number.NaN);
  for (const size of [1, 5, 2, 4, 3, 6]) {
    // Of a root mean square of 1: the third rollout's action is apart by this.
    const rest = Math.sqrt((40 - size * size) / 3);
    const values = Float64Array.of(rest, rest, rest, size).map((value) => value / Math.sqrt(10));
    finder.add(
      grown,
      [values, Float64Array.of(rest, rest, rest, Number.NaN).map((v) => v / rest), none],
      NAMES,
    );
  }
  const found = finder.found(0, 1);
  expect(found).toHaveLength(5);
  expect(found.map(({ distance }) => distance)).toEqual(
    found.map(({ distance }) => distance).toSorted((a, b) => b - a),
  );
  expect(found[0]).toMatchObject({ id: 'c', turn: 0, credit: [expect.closeTo(6 / Math.sqrt(10), 12), null] });
  expect(found[0]!.distance).toBeCloseTo(6 / Math.sqrt(10), 12);
  expect(finder.found(0, 2)).toEqual([]);
});
