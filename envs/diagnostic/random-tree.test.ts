import { describe, expect, it } from 'vitest';
import { InputError } from '../../core/errors.ts';
import { decisions, trajectories, uniform } from './brute-force.test-helper.ts';
import { describeTree, randomTree, treeEnvironment, treeTask } from './random-tree.ts';

describe('random-tree/v1', () => {
  it('draws the same tree from the same seed, on every machine', () => {
    expect(describeTree(randomTree())).toMatchInlineSnapshot(`
      "/
      ├─ left → 0.375
      └─ right
         ├─ left
         │  ├─ left → 0.75
         │  └─ right → 0.375
         └─ right
            ├─ left → 0.875
            └─ right → 0.75"
    `);
    expect(describeTree(randomTree({ seed: 3, depth: 3, branching: 3 }))).toMatchInlineSnapshot(`
      "/
      ├─ left
      │  ├─ left
      │  │  ├─ left → 0.25
      │  │  └─ right → 0.25
      │  ├─ middle
      │  │  ├─ left → 0.25
      │  │  ├─ middle → 0
      │  │  └─ right → 0
      │  └─ right
      │     ├─ left → 0.25
      │     ├─ middle → 0.125
      │     └─ right → 0.375
      ├─ middle → 0.5
      └─ right
         ├─ left
         │  ├─ left → 0.375
         │  └─ right → 0.75
         └─ right → 0.75"
    `);
    expect(randomTree({ seed: 3 })).toEqual(randomTree({ seed: 3 }));
    expect(randomTree({ seed: 3 })).not.toEqual(randomTree({ seed: 4 }));
  });

  it('reaches its depth, ends early at times, and pays multiples of 1/8 in [0, 1]', () => {
    let early = 0;
    const widths = new Set<number>();
    for (let seed = 0; seed < 50; seed++) {
      const environment = treeEnvironment(randomTree({ seed, depth: 4, branching: 3 }));
      const task = treeTask(randomTree({ seed, depth: 4, branching: 3 }));
      const all = trajectories(environment, task, uniform);
      const lengths = all.map(({ actions }) => actions.length);
      expect(Math.max(...lengths)).toBe(4);
      if (Math.min(...lengths) < 4) early++;
      for (const { total } of all) {
        expect(Number.isInteger(total * 8) && total >= 0 && total <= 1).toBe(true);
      }
      for (const state of decisions(environment, task).values()) {
        widths.add(environment.actions!(state).length);
      }
    }
    expect(early).toBeGreaterThan(25);
    expect([...widths].sort()).toEqual([2, 3]);
  });

  it('names the best leaves as answers', () => {
    const tree = { a: { b: 1, c: 0.5 }, d: 1 };
    expect(treeTask(tree)).toMatchObject({ answers: ['/a/b', '/d'], hops: 2 });
    const right = trajectories(treeEnvironment(tree), treeTask(tree), uniform).filter(({ last }) =>
      treeTask(tree).answers.includes(last.answer!),
    );
    expect(right.map(({ total }) => total)).toEqual([1, 1]);
  });

  it.each([
    [{}, "at '/' there is no action"],
    [{ a: { b: {} } }, "at '/a/b' there is no action"],
    [{ a: { b: Number.NaN } }, "at '/a' the reward of 'b' is NaN"],
    [{ a: { 'b/c': 1 } }, "at '/a' an action is 'b/c'"],
    [{ a: null as unknown as number }, "at '/' the reward of 'a' is null"],
  ])('rejects the tree %j', (tree, message) => {
    expect(() => treeEnvironment(tree)).toThrow(InputError);
    expect(() => treeEnvironment(tree)).toThrow(message);
  });
});
