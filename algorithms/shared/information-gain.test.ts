import { describe, expect, it } from 'vitest';
import { leaves, type RolloutTree } from '../tree.ts';
import { searchTree } from './information-gain.test-helper.ts';
import { type GainOptions, gainsOf, gainTurns } from './information-gain.ts';

const cut = (tree: RolloutTree, options: Partial<GainOptions>, leaf = 0) => {
  const turns = gainTurns(tree, leaves(tree)[leaf]!, {
    ends: 'tool',
    baseline: 'root',
    scale: 'log',
    ...options,
  });
  return {
    gains: gainsOf(turns).map((gain) => Number(gain.toFixed(9))),
    actions: turns.map(({ edges }) => edges.map(({ action }) => action).join(' ')),
  };
};

describe('gain turns', () => {
  const tree = searchTree([{ golds: [-3, -1, -1.5], end: 1 }], -4);

  // equation (*): gainTurns
  it('are the searches, each against the state before it, and last what has no gain', () => {
    expect(cut(tree, {})).toEqual({ gains: [1, 2, -0.5], actions: ['s0', 's1', 's2', 'answer'] });
  });

  it('with the baseline first are one fewer: the first two searches share a turn', () => {
    expect(cut(tree, { baseline: 'first' })).toEqual({
      gains: [2, -0.5],
      actions: ['s0 s1', 's2', 'answer'],
    });
    const once = searchTree([{ golds: [-3], end: 1 }], -4);
    expect(cut(once, { baseline: 'first' })).toEqual({ gains: [], actions: ['s0 answer'] });
    expect(cut(once, {})).toEqual({ gains: [1], actions: ['s0', 'answer'] });
  });

  // equation (grpo-vps): p = exp
  // equation (igpo): p_t = exp
  it('are differences of geometric means of probabilities on request, and add up to last minus first', () => {
    const { gains } = cut(tree, { scale: 'probability' });
    expect(gains[1]).toBeCloseTo(Math.exp(-1) - Math.exp(-3), 9);
    expect(gains.reduce((a, b) => a + b, 0)).toBeCloseTo(Math.exp(-1.5) - Math.exp(-4), 9);
  });

  it('end where a tool answered, or at any action that did not end the episode', () => {
    // The second action got no result (malformed, say).
    const gap = { ...tree, edges: tree.edges.map((e) => (e.action === 's1' ? { ...e, tool: false } : e)) };
    expect(cut(gap, {})).toEqual({ gains: [1, 1.5], actions: ['s0', 's1 s2', 'answer'] });
    expect(cut(gap, { ends: 'action' })).toEqual(cut(tree, {}));
  });

  it('are a single one without gain where nothing was measured, or nothing searched', () => {
    const bare = { ...tree, nodes: tree.nodes.map(({ gold: _, ...node }) => node) };
    for (const baseline of ['root', 'first'] as const) {
      expect(cut(bare, { baseline })).toEqual({ gains: [], actions: ['s0 s1 s2 answer'] });
      expect(cut(searchTree([{ golds: [], end: 0 }]), { baseline })).toEqual({
        gains: [],
        actions: ['answer'],
      });
    }
  });

  it('do not count a tool call on which the episode was cut: nothing is measured after it', () => {
    const truncated = { ...tree, edges: tree.edges.map((edge) => ({ ...edge, tool: true })) };
    expect(cut(truncated, {})).toEqual(cut(tree, {}));
  });
});
