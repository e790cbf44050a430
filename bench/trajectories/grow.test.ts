import { describe, expect, it } from 'vitest';
import { leaves, returnsOf } from '../../algorithms/tree.ts';
import { growTree } from './grow.ts';
import { trajectoryOf, turnOf } from './made-up.test-helper.ts';

const read = (...tokens: readonly number[]) => ({ observation: { tokens: [...tokens] } });
const prompt = read(1, 2);

/** Three rollouts: the second repeats the first turn of the first, the third begins its action alike. */
const GROUP = [
  trajectoryOf('a', [turnOf([10, 11], prompt), turnOf([12, 13], read(3))], 1),
  trajectoryOf('b', [turnOf([10, 11], prompt), turnOf([12, 14], read(3)), turnOf([15], read(4))], 0),
  trajectoryOf('c', [turnOf([10, 16], prompt)], 0.5),
];

describe('trajectories that name no forks', () => {
  it('are chains if nothing is merged', () => {
    const { tree, paths } = growTree(GROUP, 'none');
    expect(paths).toEqual([[0, 1], [2, 3, 4], [5]]);
    expect(tree.nodes[0]!.children).toEqual([0, 2, 5]);
    expect(returnsOf(tree)).toEqual([1, 0, 0.5]);
    expect(tree.edges.map(({ round }) => round)).toEqual([0, 0, 0, 0, 0, 0]);
  });

  it('share the turns that they have in common', () => {
    const { tree, paths } = growTree(GROUP, 'turns');
    expect(paths).toEqual([[0, 1], [0, 2, 3], [4]]);
    expect(tree.nodes[1]!.children).toEqual([1, 2]);
    expect(tree.edges.map(({ start }) => start)).toEqual([true, false, true, false, true]);
    expect(tree.edges.map(({ round }) => round)).toEqual([0, 0, 1, 1, 0]);
    expect(tree.edges.every(({ shared }) => shared === undefined)).toBe(true);
  });

  it('share tokens of an action', () => {
    const { tree, paths } = growTree(GROUP, 'tokens');
    expect(paths).toEqual([[0, 1], [0, 2, 3], [4]]);
    expect(tree.edges[2]!.shared).toEqual({ edge: 1, tokens: 1 });
    expect(tree.edges[4]!.shared).toEqual({ edge: 0, tokens: 1 });
  });

  it('share nothing behind an observation that differs', () => {
    const other = trajectoryOf('b', [turnOf([10, 11], prompt), turnOf([12, 14], read(9))], 0);
    expect(growTree([GROUP[0]!, other], 'turns').paths).toEqual([
      [0, 1],
      [2, 3],
    ]);
  });

  it('are a leaf each, even if they are the same', () => {
    const twins = ['a', 'b', 'c'].map((id) =>
      trajectoryOf(id, [turnOf([10], prompt), turnOf([11], read(3))], 1),
    );
    const { tree } = growTree(twins, 'turns');
    expect(leaves(tree).length).toBe(3);
    expect(tree.edges.length).toBe(4);
  });

  it('share a whole trajectory up to its last action, and go on from there', () => {
    const short = trajectoryOf('a', [turnOf([10], prompt)], 1);
    const long = trajectoryOf('b', [turnOf([10], prompt), turnOf([11], read(3))], 0);
    expect(growTree([short, long], 'turns').paths).toEqual([[0], [1, 2]]);
  });
});

describe('trajectories that name forks', () => {
  const a = trajectoryOf('a', [turnOf([10], prompt), turnOf([11, 12], read(3)), turnOf([13], read(4))], 1);
  const fork = (id: string, of: string, turn: number, tokens?: number) =>
    trajectoryOf(id, [turnOf([10], prompt), turnOf([11, 20], read(3)), turnOf([21], read(5))], 0, {
      fork: { of, turn, ...(tokens === undefined ? {} : { tokens }) },
    });

  it('leave each other where they say, whatever their order in the file', () => {
    const { tree, paths } = growTree([fork('b', 'a', 1), a], 'tokens');
    expect(paths).toEqual([
      [0, 3, 4],
      [0, 1, 2],
    ]);
    expect(tree.edges[3]!).toMatchObject({ start: true, round: 1, from: 1 });
    expect(growTree([fork('b', 'a', 1, 1), a], 'none').tree.edges[3]!.shared).toEqual({ edge: 1, tokens: 1 });
  });

  it('are not merged by what they have in common besides', () => {
    const c = trajectoryOf('c', [turnOf([10], prompt)], 1);
    expect(growTree([a, c, fork('b', 'a', 1)], 'tokens').paths[1]).toEqual([3]);
  });

  it.each([
    ['a trajectory that is not there', [a, fork('b', 'x', 1)], "forks from 'x', which is not there"],
    ['itself', [a, fork('b', 'b', 1)], "'b' forks from itself in the end"],
    ['a circle', [fork('b', 'c', 1), fork('c', 'b', 1)], 'forks from itself in the end'],
    ['a turn that differs', [a, fork('b', 'a', 2)], 'they differ in turn 1'],
    ['more tokens than are shared', [a, fork('b', 'a', 1, 2)], 'share 1 tokens'],
    ['an end', [trajectoryOf('s', [turnOf([10], prompt)], 0), fork('b', 's', 1)], "'s' has 1 turns"],
  ])('are refused if they leave %s', (_, group, message) => {
    expect(() => growTree(group, 'none')).toThrow(message);
  });

  it('have different ids', () => {
    expect(() => growTree([a, a], 'none')).toThrow("two trajectories have the id 'a'");
  });

  it('have an order of all actions, or none', () => {
    const ordered = (first: number, second: number) =>
      trajectoryOf('a', [turnOf([1], { order: first }), turnOf([2], { order: second })], 1);
    expect(growTree([ordered(5, 9)], 'none').paths).toEqual([[0, 1]]);
    expect(() => growTree([ordered(5, 5)], 'none')).toThrow('2 actions have 1 different orders');
    expect(() => growTree([ordered(5, 4)], 'none')).toThrow('valid: after it');
  });
});

describe('what a file lacks', () => {
  const { tree } = growTree([trajectoryOf('a', [turnOf([1])], 1)], 'none');

  it('throws when it is read, and only then', () => {
    const [edge] = tree.edges;
    expect({ ...edge }.tokens).toEqual([1]);
    expect(() => edge!.logProbs).toThrow('log-probabilities');
    expect(() => edge!.entropies).toThrow('entropies');
    expect(() => edge!.action).toThrow('text');
    expect(() => tree.nodes[0]!.prompt.text).toThrow('observation.text');
    expect(() => tree.task.answers).toThrow('answers');
    expect(tree.nodes[0]!.prompt.tokens).toBeUndefined();
    expect(edge!.previous).toBeUndefined();
  });

  it('is put together of what was read and written, part by part', () => {
    const { tree: read3 } = growTree([GROUP[1]!], 'none');
    expect(read3.nodes.slice(0, 3).map(({ prompt: { tokens } }) => [...tokens!])).toEqual([
      [1, 2],
      [1, 2, 10, 11, 3],
      [1, 2, 10, 11, 3, 12, 14, 4],
    ]);
  });
});
