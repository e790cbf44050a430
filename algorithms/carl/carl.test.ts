import { describe, expect, it } from 'vitest';
import { createRandom } from '../../core/random.ts';
import { editEdges, tokens } from '../edit.test-helper.ts';
import { nodeValues } from '../shared/values.ts';
import { sketchTree } from '../sketch.test-helper.ts';
import { carl, carlCredit, carlPlan } from './index.ts';
import { vector } from './vector.test-helper.ts';

const defaults = carl.schema.parse({});

const credited = (updateRule: typeof defaults.updateRule) =>
  Object.fromEntries(
    carlCredit(vector, 0, { ...defaults, updateRule }).map((action) => [
      vector.edges[action.edge]!.action,
      action.advantage as number,
    ]),
  );

const expected = {
  's1-s2': 0.4 - 1.15 / 3,
  "s1-s2'": 0.75 - 1.15 / 3,
  's1-0': -1.15 / 3,
  "s2'-1": 0.25,
  "s2'-.5": -0.25,
};

describe('CARL credit', () => {
  // equation (carl): Eq. 9-10
  // equation (carl): Eq. 11
  // equation (carl): Eq. 13
  it('is child minus parent value on the edges of forked states: reference 2.5', () => {
    const actual = credited('forked');
    expect(Object.keys(actual).sort()).toEqual(Object.keys(expected).sort());
    for (const [name, value] of Object.entries(expected)) expect(actual[name]).toBeCloseTo(value, 12);
  });

  // equation (carl): Eq. 9-10
  it('needs unweighted child means: leaf weights give the value that the reference warns of', () => {
    expect(nodeValues(vector, 'children')[1]).toBeCloseTo(1.15 / 3, 12);
    expect(nodeValues(vector, 'leaves')[1]).toBeCloseTo(0.475, 12);
    const leafWeighted = nodeValues(vector, 'leaves');
    const wrong = vector.edges.map((edge) => leafWeighted[edge.to]! - leafWeighted[edge.from]!);
    const edge = vector.edges.findIndex(({ action }) => action === "s1-s2'");
    expect(Math.abs(wrong[edge]! - expected["s1-s2'"])).toBeGreaterThan(0.05);
  });

  it('leaves the first rollout out under phase2_only, and inherits under all_inherit', () => {
    expect(Object.keys(credited('phase2_only')).sort()).toEqual(
      Object.keys(expected)
        .filter((name) => name !== 's1-s2')
        .sort(),
    );
    const inherited = credited('all_inherit');
    expect(inherited['s0-s1']).toBe(0); // nothing before it
    expect(inherited['s2-.4']).toBeCloseTo(expected['s1-s2'], 12); // from the action before
  });

  // equation (carl): Eq. 13
  it('does not train root actions that are siblings only because N0 > 1', () => {
    const tree = sketchTree([
      { end: 1 },
      { end: 0 },
      { next: [{ end: 1 }, { round: 1, start: true, end: 0 }] },
    ]);
    const edges = (rule: typeof defaults.updateRule) =>
      carlCredit(tree, 0, { ...defaults, updateRule: rule }).map((action) => action.edge);
    expect(edges('forked')).toEqual([3, 4]);
    expect(edges('siblings')).toEqual([0, 1, 2, 3, 4]);
  });

  it('sums to 0 over the children of every node', () => {
    const sums = new Map<number, number>();
    for (const { edge, advantage } of carlCredit(vector, 0, { ...defaults, updateRule: 'siblings' })) {
      const { from } = vector.edges[edge]!;
      sums.set(from, (sums.get(from) ?? 0) + (advantage as number));
    }
    for (const sum of sums.values()) expect(sum).toBeCloseTo(0, 12);
  });
});

describe('CARL plan', () => {
  const random = createRandom(0);
  // equation (carl): Alg. 1, Eq. 12
  it('starts with N0 rollouts and stops after N forks', () => {
    expect(carlPlan(sketchTree([]), { ...defaults, initial: 3 }, random)).toHaveLength(3);
    expect(carlPlan(vector, { ...defaults, forks: 3 }, random)).toEqual([]);
    expect(carl.next(vector, { ...defaults, forks: 4 }, random)).toHaveLength(1);
  });

  // equation (carl): Eq. 6-8
  it('takes the mean over the tokens of an action, not their sum', () => {
    const sketch = sketchTree([{ surprisal: 1, next: [{ surprisal: 2, end: 1 }] }]);
    // Three tokens at node 0: 1.5 on average, 4.5 in all; one of 2 at node 1.
    const tree = editEdges(sketch, { 0: { ...tokens(3), logProbs: [-0.5, -1, -3] } });
    expect(carlPlan(tree, defaults, random)).toEqual([{ node: 1 }]);
    const surer = editEdges(sketch, { 0: { ...tokens(3), logProbs: [-2.5, -1, -3] } });
    expect(carlPlan(surer, defaults, random)).toEqual([{ node: 0 }]);
  });

  // equation (carl): Alg. 1, Eq. 12
  // equation (carl): Eq. 6-8
  it('forks where mean uncertainty over visits is greatest, never at an end', () => {
    // Node 1 has h = 2 with 1 visit; node 2 has h = 3 with 1 visit; node 3 is a leaf.
    const tree = sketchTree([{ surprisal: 1, next: [{ surprisal: 2, next: [{ surprisal: 3, end: 1 }] }] }]);
    expect(carlPlan(tree, defaults, random)).toEqual([{ node: 2 }]);
    // A second visit halves the score of node 2: (3 + 3) / 2 / 2 = 1.5 < 2.
    const visited = sketchTree([
      {
        surprisal: 1,
        next: [
          {
            surprisal: 2,
            next: [
              { surprisal: 3, end: 1 },
              { surprisal: 3, end: 0 },
            ],
          },
        ],
      },
    ]);
    expect(carlPlan(visited, defaults, random)).toEqual([{ node: 1 }]);
  });
});
