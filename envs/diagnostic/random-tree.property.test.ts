import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRandom } from '../../core/random.ts';
import { checkEnvironment } from '../check.ts';
import { bruteValue, type Choose } from './brute-force.test-helper.ts';
import { describeTree, type TreeSpec, treeEnvironment, treeTask } from './random-tree.ts';
import { treeArbitrary } from './tree.test-helper.ts';

/** A fixed policy that prefers what comes first, and more so the longer the observation is. */
const skewed: Choose = (text, actions) => {
  const weights = actions.map((_, index) => 1 / (index + 1) ** (text.length % 3));
  const sum = weights.reduce((a, b) => a + b);
  return weights.map((weight) => weight / sum);
};

/** The value read off the JSON, without the environment. */
function jsonValue(tree: TreeSpec, text = '/'): number {
  const entries = Object.entries(tree);
  const probabilities = skewed(
    text,
    entries.map(([action]) => action),
  );
  return entries.reduce((sum, [action, child], index) => {
    const below =
      typeof child === 'number' ? child : jsonValue(child, `${text}${text === '/' ? '' : '/'}${action}`);
    return sum + probabilities[index]! * below;
  }, 0);
}

describe('treeEnvironment', () => {
  it('keeps the contract of environments for any tree', () => {
    fc.assert(
      fc.property(treeArbitrary(), (tree) => {
        const task = treeTask(tree);
        const tasks = { train: [task], dev: [task], test: [task] };
        const loaded = { environment: treeEnvironment(tree), tasks, fingerprint: '' };
        expect(checkEnvironment(loaded, { random: createRandom(2) }), describeTree(tree)).toEqual([]);
      }),
      { numRuns: 50 },
    );
  });

  it('has values within its reward range, and those of the tree itself', () => {
    fc.assert(
      fc.property(treeArbitrary({ depth: 4 }), (tree) => {
        const environment = treeEnvironment(tree);
        const { value, actions } = bruteValue(environment, environment.reset(treeTask(tree)), skewed);
        const [low, high] = environment.rewardRange;
        for (const each of [value, ...actions.values()]) {
          expect(each, describeTree(tree)).toBeGreaterThanOrEqual(low - 1e-12);
          expect(each, describeTree(tree)).toBeLessThanOrEqual(high + 1e-12);
        }
        expect(value, describeTree(tree)).toBeCloseTo(jsonValue(tree), 12);
      }),
      { numRuns: 100 },
    );
  });

  it('takes any name as an action, those of the prototype too', () => {
    const name = fc.oneof(
      fc.constantFrom('__proto__', 'constructor', 'toString', '0'),
      fc.string({ minLength: 1 }).filter((text) => !text.includes('/')),
    );
    fc.assert(
      fc.property(fc.uniqueArray(name, { minLength: 1, maxLength: 4 }), name, (names, other) => {
        const tree: TreeSpec = Object.fromEntries(names.map((each, index) => [each, { [each]: index }]));
        const environment = treeEnvironment(tree);
        const root = environment.reset(treeTask(tree));
        const random = createRandom(0);
        expect([...environment.actions!(root)].sort()).toEqual([...names].sort());
        for (const [index, each] of names.entries()) {
          const middle = environment.step(root, each, random);
          expect(middle.terminated).toBe(false);
          expect(environment.step(middle.state, each, random)).toMatchObject({
            reward: index,
            terminated: true,
          });
        }
        if (!names.includes(other)) expect(() => environment.step(root, other, random)).toThrow(RangeError);
      }),
    );
  });

  it('prints one line per action, with every reward', () => {
    expect(describeTree({ left: 0.5, right: { left: { go: 1 }, right: 0 }, stay: 1 })).toBe(
      [
        '/',
        '├─ left → 0.5',
        '├─ right',
        '│  ├─ left',
        '│  │  └─ go → 1',
        '│  └─ right → 0',
        '└─ stay → 1',
      ].join('\n'),
    );
  });

  it('shrinks to a small tree that shows a fault', () => {
    const run = fc.check(
      fc.property(treeArbitrary(), (tree) => !describeTree(tree).includes('│')),
      { seed: 1, numRuns: 1000 },
    );
    // Nothing can be left out any more; a choice of one action above it cannot be lifted away.
    expect(describeTree(run.counterexample![0])).toBe(
      ['/', '└─ a0', '   ├─ a0', '   │  └─ a0 → 0', '   └─ a1 → 0'].join('\n'),
    );
  });
});
