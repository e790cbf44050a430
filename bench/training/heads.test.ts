import { describe, expect, it } from 'vitest';
import type { Head } from '../../algorithms/algorithm.ts';
import { createRandom } from '../../core/random.ts';
import {
  STOP_OR_SEARCH_LOGITS,
  STOP_OR_SEARCH_TASK,
  stopOrSearch,
  stopOrSearchExact,
} from '../../envs/diagnostic/stop-or-search.ts';
import { createTabularPolicy } from '../../policies/tabular/index.ts';
import { rollout } from '../rollout/engine.ts';
import { headStates, readHeads, trainHead, treeFeatures, withOutputs } from './heads.ts';

const policy = createTabularPolicy(STOP_OR_SEARCH_LOGITS);
const sampling = { temperature: 1 };
const grow = (rollouts: number) =>
  rollout({
    environment: stopOrSearch(0),
    policy,
    plan: (tree) => (tree.edges.length === 0 ? Array.from({ length: rollouts }, () => ({ node: 0 })) : []),
    tasks: [STOP_OR_SEARCH_TASK],
    random: createRandom(2),
    sampling,
  });

/** Half the squared distance to what came of it: the return of the leaf below every edge. */
const regression: Head = {
  name: 'critic',
  learningRate: 0.05,
  steps: 200,
  loss: (trees) => (outputs) => {
    let loss = 0;
    const gradients = trees.map(({ edges, nodes }, index) => {
      const target = (edge: number): number => {
        const node = nodes[edges[edge]!.to]!;
        return node.end === 'open' ? target(node.children[0]!) : node.return;
      };
      return edges.map(({ id }) => {
        const miss = outputs[index]![id]![0]! - target(id);
        loss += miss ** 2 / 2 / edges.length;
        return Float64Array.of(miss / edges.length);
      });
    });
    return { loss, gradients };
  },
};

describe('heads', () => {
  it('say 0 before training, and learn the mean of what follows each state', async () => {
    const trees = await grow(400);
    const features = await treeFeatures(trees, policy, sampling);
    const [start] = headStates([regression]);
    const untrained = withOutputs(trees, [start!], features, policy);
    expect(untrained[0]!.edges.every(({ outputs }) => outputs!.critic![0] === 0)).toBe(true);
    // A table reads one symbol, and one token.
    expect(untrained[0]!.measuredTokens).toBe(2 * trees[0]!.edges.length);

    const { state, statistics } = trainHead(start!, trees, features);
    const [tree] = withOutputs(trees, [state], features, policy);
    const mean = (text: string): number => {
      const rewards = trees[0]!.edges
        .filter(({ from }) => trees[0]!.nodes[from]!.prompt.text === text)
        .map(({ to }) => {
          const node = trees[0]!.nodes[to]!;
          return node.end === 'open'
            ? trees[0]!.nodes[trees[0]!.edges[node.children[0]!]!.to]!.return
            : node.return;
        });
      return rewards.reduce((a, b) => a + b, 0) / rewards.length;
    };
    for (const { from, outputs } of tree!.edges) {
      expect(outputs!.critic![0]).toBeCloseTo(mean(tree!.nodes[from]!.prompt.text), 3);
    }
    expect(statistics).toMatchObject({ name: 'critic', explainedVariance: null });
    const trained = [tree!.edges.map(({ outputs }) => Float64Array.from(outputs!.critic!))];
    expect(regression.loss(trees)(trained).loss).toBeLessThan(0.9 * statistics.loss);
    // The table is the exact critic in the limit.
    const exact = stopOrSearchExact(0).values.get('start')!.value;
    expect(Math.abs(mean('start') - exact)).toBeLessThan(0.08);
  });

  it('keep what they know where the features grow', async () => {
    const trees = await grow(1);
    const rows = (width: number) => trees[0]!.edges.map(() => new Float64Array(width).fill(5).fill(1, 0, 1));
    const { state } = trainHead(headStates([regression])[0]!, trees, { width: 1, rows: rows(1) });
    const wider = { width: 3, rows: rows(3) };
    const outputs = (features: typeof wider) => withOutputs(trees, [state], features, policy)[0]!.edges;
    expect(outputs(wider)).toEqual(outputs({ width: 1, rows: rows(1) }));
    expect(trainHead(state, trees, wider).state.parameters).toHaveLength(4);
  });

  it('see the action on request, and stand side by side', async () => {
    const trees = await grow(60);
    const model: Head = { ...regression, name: 'model', sees: 'action' };
    const before = await readHeads(trees, headStates([regression, model]), policy, sampling);
    const states = headStates([regression, model]).map(
      (state, which) => trainHead(state, before.trees, before.features[which]!).state,
    );
    const [tree] = (await readHeads(trees, states, policy, sampling)).trees;
    const of = (name: 'critic' | 'model', action: string): number =>
      tree!.edges.find((edge) => edge.action === action)!.outputs![name]![0]!;
    expect(of('critic', 'A')).toBe(of('critic', 'B'));
    expect(of('model', 'A')).toBeGreaterThan(0.9);
    expect(of('model', 'B')).toBeLessThan(0.1);
    expect(of('model', 'stop')).toBeCloseTo(0.3, 1);
    // Two ways of reading, two passes.
    expect(tree!.measuredTokens).toBe(4 * tree!.edges.length);
    expect(await readHeads(trees, [], policy, sampling)).toEqual({ trees, features: [] });
  });
});
