import { describe, expect, it } from 'vitest';
import { sketchTree } from '../sketch.test-helper.ts';
import { leaves } from '../tree.ts';
import { flatPlan, trajectoryRows } from './flat.ts';

describe('flatPlan', () => {
  // equation (*): independent rollouts from the start
  it('asks for all rollouts from the root at once, and then for no more', () => {
    expect(flatPlan(sketchTree([]), 3)).toEqual([{ node: 0 }, { node: 0 }, { node: 0 }]);
    expect(flatPlan(sketchTree([{ end: 1 }]), 3)).toEqual([]);
  });
});

describe('trajectoryRows', () => {
  // Edges 0 to 3: a shared first action with two ends, and a rollout of its own.
  const tree = sketchTree([{ next: [{ end: 1 }, { round: 1, start: true, end: 0 }] }, { end: 0.5 }]);
  const creditOf = (trajectory: number, { id }: { id: number }, place: number) => ({
    advantage: 100 * trajectory + 10 * place + id,
  });

  it('are one for every action of every trajectory, shared actions once in each', () => {
    expect(trajectoryRows(tree, 7, creditOf)).toEqual([
      { tree: 7, edge: 0, advantage: 0, sequence: '7/2' },
      { tree: 7, edge: 1, advantage: 11, sequence: '7/2' },
      { tree: 7, edge: 0, advantage: 100, sequence: '7/3' },
      { tree: 7, edge: 2, advantage: 112, sequence: '7/3' },
      { tree: 7, edge: 3, advantage: 203, sequence: '7/4' },
    ]);
  });

  it('are of the named leaves only, in their order, and of another sequence on request', () => {
    const [first, , last] = leaves(tree);
    const own = (trajectory: number, edge: { id: number }) => ({
      advantage: trajectory,
      sequence: `${edge.id}`,
    });
    expect(trajectoryRows(tree, 0, own, [last!, first!])).toEqual([
      { tree: 0, edge: 3, advantage: 0, sequence: '3' },
      { tree: 0, edge: 0, advantage: 1, sequence: '0' },
      { tree: 0, edge: 1, advantage: 1, sequence: '1' },
    ]);
  });
});
