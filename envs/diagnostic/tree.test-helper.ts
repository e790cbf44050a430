import fc from 'fast-check';
import type { TreeSpec } from './random-tree.ts';

/**
 * Decision trees for property tests. They shrink towards a single choice with rewards 0; print a counterexample
 * with `describeTree`.
 * @param branching the most actions of a choice, 1 or more; default 3. @param depth default 3.
 */
export function treeArbitrary({ depth = 3, branching = 3 } = {}): fc.Arbitrary<TreeSpec> {
  const reward = fc.integer({ min: 0, max: 8 }).map((eighths) => eighths / 8);
  const choice = (levels: number): fc.Arbitrary<TreeSpec> => {
    // The simplest first: fast-check shrinks towards it.
    const child = levels === 1 ? reward : fc.oneof({ withCrossShrink: true }, reward, choice(levels - 1));
    return fc
      .array(child, { minLength: 1, maxLength: branching })
      .map((children) => Object.fromEntries(children.map((node, index) => [`a${index}`, node])));
  };
  return choice(depth);
}
