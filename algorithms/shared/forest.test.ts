import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sketchTree } from '../sketch.test-helper.ts';
import { leavesPerTree, treeOfEdges } from './forest.ts';

describe('the trees of one question', () => {
  it('grow from the initial rollouts, and forks of the root belong to the tree that asked', () => {
    const tree = sketchTree([
      { next: [{ end: 1 }, { round: 1, start: true, end: 0 }] }, // tree 0, and its first fork
      { next: [{ end: 1 }] }, // tree 1
      { round: 1, start: true, next: [{ round: 1, end: 0 }] }, // the root, forked by tree 0
      { round: 1, start: true, end: 0 }, // twice by tree 1
      { round: 1, start: true, end: 0 },
    ]);
    expect([...treeOfEdges(tree, 2)]).toEqual([0, 0, 0, 1, 1, 0, 0, 1, 1]);
  });

  it('count the places of every round anew', () => {
    const tree = sketchTree([
      { end: 1 },
      { end: 1 },
      ...[1, 1, 2, 2].map((round) => ({ round, start: true, end: 0 })),
    ]);
    expect([...treeOfEdges(tree, 1)]).toEqual([0, 1, 0, 1, 0, 1]);
  });

  it('have what left them, whatever the order of the forks', () => {
    const tree = sketchTree([
      { next: [{ end: 1 }] },
      { next: [{ end: 1 }, { round: 1, start: true, end: 0 }, { round: 1, start: true, end: 0 }] },
    ]);
    expect([...treeOfEdges(tree, 1)]).toEqual([0, 0, 1, 1, 1, 1]);
  });
});

describe('leaves per tree', () => {
  it.each([
    [16, 3, 4],
    [16, 5, 4],
    [6, 3, 3],
    [30, 5, 5],
    [4, 3, 2],
    [14, 3, 2],
    [7, 3, 7],
    [2, 3, 2],
  ])('of %d rollouts, preferably %d: %d', (rollouts, preferred, size) => {
    expect(leavesPerTree(rollouts, preferred)).toBe(size);
  });

  it('always divides the budget and is 2 or more', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 1024 }),
        fc.integer({ min: 2, max: 9 }),
        (rollouts, preferred) => {
          const size = leavesPerTree(rollouts, preferred);
          expect(rollouts % size).toBe(0);
          expect(size).toBeGreaterThan(1);
        },
      ),
    );
  });
});
