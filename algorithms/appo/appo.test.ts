import { describe, expect, it } from 'vitest';
import { checkAlgorithm } from '../../bench/audit/check-algorithm.ts';
import { rollout } from '../../bench/rollout/engine.ts';
import { abPolicy, counting, textTask } from '../../bench/text.test-helper.ts';
import { trainingRows } from '../../bench/training/update.ts';
import { createRandom } from '../../core/random.ts';
import { exactBias } from '../exact-bias.test-helper.ts';
import { evaluateLoss } from '../objective.ts';
import { type Sketch, sketchTree } from '../sketch.test-helper.ts';
import type { RolloutTree, TreeEdge } from '../tree.ts';
import { candidates, futureSums, futureValues, selectBranches } from './branching.ts';
import { type AppoOptions, appo, appoAdvantages, appoPlan } from './index.ts';

const defaults = appo.schema.parse({});
const random = createRandom(0);

/** Tokens of the edges of a tree: entropies, moves since the last update, texts; and forks inside actions. */
type Tokens = Record<
  number,
  {
    readonly entropies: readonly number[];
    readonly moves?: readonly number[];
    readonly pieces?: readonly string[];
    readonly shared?: TreeEdge['shared'];
  }
>;
const withTokens = (tree: RolloutTree, tokens: Tokens): RolloutTree => ({
  ...tree,
  edges: tree.edges.map((edge): TreeEdge => {
    const { entropies, moves, pieces, shared } = tokens[edge.id] ?? { entropies: edge.entropies };
    const logProbs = entropies.map(() => -1);
    return {
      ...edge,
      tokens: entropies.map((_, t) => t),
      logProbs,
      entropies,
      previous: logProbs.map((value, t) => value - (moves?.[t] ?? 0)),
      pieces: pieces ?? entropies.map(() => 'x'),
      ...(shared === undefined ? {} : { shared }),
    };
  }),
});
const branch = (end: number): Sketch => ({ round: 1, start: true, end });

describe('APPO advantages (the test vector of the reference)', () => {
  // Initial returns 1, 0, 0, 1; branches 1, 0, 0, 0. The first rollout's action has four tokens: two branches left it
  // behind the first and the third.
  const tree = withTokens(
    sketchTree([{ end: 1 }, { end: 0 }, { end: 0 }, { end: 1 }, branch(1), branch(0), branch(0), branch(0)]),
    {
      0: { entropies: [1, 1, 1, 1] },
      4: { entropies: [1, 1], shared: { edge: 0, tokens: 1 } },
      5: { entropies: [1, 1, 1, 1], shared: { edge: 0, tokens: 3 } },
      1: { entropies: [1, 1] },
      6: { entropies: [1, 1], shared: { edge: 1, tokens: 1 } },
      7: { entropies: [1, 1], shared: { edge: 1, tokens: 1 } },
    },
  );
  const advantages = appoAdvantages(tree, { groups: 'dual', epsilon: 0 });

  // equation (appo): (R - mean) / (std + epsilon)
  // equation (appo): A_t = A_rollout
  it('adds the mean z-score of the branches behind a token to the z-score of its rollout', () => {
    // Both branches, 1.7320 and -0.5773: mean 0.5773. One of them: -0.5773. None.
    const third = 1 / Math.sqrt(3);
    const [first] = [advantages.get(0)!.advantage];
    for (const [t, expected] of [1 + third, 1 - third, 1 - third, 1].entries()) {
      expect(first![t]).toBeCloseTo(expected, 12);
    }
    expect(first![0]).toBeCloseTo(1.5773, 3);
    expect(advantages.get(1)!.advantage[0]).toBeCloseTo(-1 - third, 12);
    expect(advantages.get(1)!.advantage[1]).toBeCloseTo(-1, 12);
    expect(advantages.get(3)!.advantage).toEqual([1]);
  });

  it('trains initial rollouts only, each one sequence', () => {
    const credit = appo.credit([tree], defaults, random);
    expect(credit.actions.map(({ edge }) => edge)).toEqual([0, 1, 2, 3]);
    expect(new Set(credit.actions.map(({ sequence }) => sequence)).size).toBe(4);
  });

  // equation (appo): A_t (1 + b f_t)
  it('is scaled by the procedure in the loss: 2 A where nothing has moved, 2.2 A at most', () => {
    const third = 1 / Math.sqrt(3);
    const rows = trainingRows([tree], {
      actions: [{ tree: 0, edge: 0, advantage: 1 + third, sequence: 's' }],
    });
    const { clip: _, ...objective } = appo.objective(defaults);
    const wide = { ...objective, clip: { low: 1, high: 10 } };
    const at = (move: number) =>
      evaluateLoss(wide, rows, [Float64Array.from([0, 0, 0, move], (by) => -1 + by)]).gradient[0]![0]! * -4;
    expect(at(0)).toBeCloseTo(3.1547, 3);
    expect(at(1)).toBeCloseTo(3.4702, 3);
    expect(at(-1)).toBeCloseTo(3.1547, 3); // released: never below 1
    const none = appo.objective({ ...defaults, procedure: 0 });
    expect(none.future).toBeUndefined();
  });

  it('normalises the two groups apart; together is another thing', () => {
    const single = appoAdvantages(tree, { groups: 'single', epsilon: 0 });
    // Returns 1, 0, 0, 1, 1, 0, 0, 0: mean 3/8.
    const deviation = Math.sqrt(15) / 8;
    expect(single.get(3)!.advantage[0]).toBeCloseTo(5 / 8 / deviation, 12);
    expect(single.get(3)!.advantage[0]).not.toBeCloseTo(1, 1);
  });

  // equation (appo): (R - mean) / (std + epsilon)
  it('gives 0 to a group of one and to equal returns', () => {
    const alone = withTokens(sketchTree([{ end: 0.7 }, branch(0.3)]), {
      0: { entropies: [1, 1] },
      1: { entropies: [1, 1], shared: { edge: 0, tokens: 1 } },
    });
    expect(appoAdvantages(alone, { groups: 'dual', epsilon: 0 }).get(0)!.advantage).toEqual([0, 0]);
    const equal = sketchTree([{ end: 0.1 }, { end: 0.1 }, { end: 0.1 }]);
    for (const { advantage } of appoAdvantages(equal, { groups: 'dual', epsilon: 0 }).values()) {
      expect(advantage).toEqual([0]);
    }
  });
});

describe('Future Value', () => {
  // equation (appo): F_t
  it('sums log ratios from a token on, discounted by distance, up to the horizon', () => {
    const ratios = [0.1, 0.2, 0.4];
    // An observation of three tokens lies before the last token.
    const places = [5, 6, 10];
    expect(futureSums(ratios, places, { gamma: 1, horizon: null })).toEqual([
      0.1 + 0.2 + 0.4,
      0.2 + 0.4,
      0.4,
    ]);
    const [first] = futureSums(ratios, places, { gamma: 0.5, horizon: null });
    expect(first).toBeCloseTo(0.1 + 0.2 / 2 + 0.4 / 32, 12);
    expect(futureSums(ratios, places, { gamma: 1, horizon: 1 })[0]).toBeCloseTo(0.1 + 0.2, 12);
    expect(futureSums(ratios, places, { gamma: 1, horizon: 0 })).toEqual(ratios);
  });

  // equation (appo): FV_t
  it('is cut', () => {
    expect(futureValues([0, 0.1, 5, -5, -100], 0.2)).toEqual([1, Math.exp(0.1), 1.2, 0.8, 0.8]);
  });
});

describe('the Branching Score', () => {
  const tree = withTokens(sketchTree([{ next: [{ end: 1 }] }, { end: 0 }]), {
    0: { entropies: [0, 2, 0, 1], moves: [0, 0.05, 0.15, -0.1], pieces: ['a', 'b', ' ', 'd'] },
    1: { entropies: [1, 1], moves: [0, 0] },
    2: { entropies: [0, 1], moves: [0, 0] },
  });
  const zScore = (values: readonly number[], index: number): number => {
    const mean = values.reduce((a, b) => a + b, 0) / values.length;
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
    return (values[index]! - mean) / (Math.sqrt(variance) + 1e-6);
  };
  const entropies = [0, 2, 0, 1, 1, 1];
  const future = [0.1, 0.1, 0.05, -0.1, 0, 0].map((sum) => Math.exp(sum));

  // equation (appo): BS_t
  // equation (appo): candidates
  it('is the product of z-scores over the tokens of a whole rollout', () => {
    const found = candidates(tree, defaults);
    // Not the blank token, not the last of an episode.
    expect(found.map(({ point }) => point)).toEqual([
      { edge: 0, tokens: 1 },
      { edge: 0, tokens: 2 },
      { node: 1 },
      { edge: 1, tokens: 1 },
      { edge: 2, tokens: 1 },
    ]);
    for (const [i, index] of [0, 1, 3, 4].entries()) {
      expect(found[i]!.score).toBeCloseTo(zScore(entropies, index) * zScore(future, index), 9);
    }
    expect(found.map(({ strict }) => strict)).toEqual([false, true, false, false, false]);
    expect(found.map(({ row }) => row)).toEqual([0, 0, 0, 0, 1]);
  });

  it('has its parts alone, as ablations', () => {
    const scores = (score: AppoOptions['score']) =>
      candidates(tree, { ...defaults, score }).map((one) => one.score);
    expect(scores('entropy')[1]).toBeCloseTo(zScore(entropies, 1), 9);
    expect(scores('future')[1]).toBeCloseTo(zScore(future, 1), 9);
    expect(appo.needs!({ ...defaults, score: 'entropy' })).toEqual(['pieces']);
    expect(appo.needs!(defaults)).toEqual(['pieces', 'previous']);
    expect(appo.needs!({ ...defaults, future: 'recomputed' })).toEqual(['pieces']);
  });

  it('as released has no mismatch to measure here: every score is 0, and entropy decides', () => {
    const found = candidates(tree, { ...defaults, future: 'recomputed' });
    expect(found.every(({ score, strict }) => score === 0 && !strict)).toBe(true);
    expect(selectBranches(found, 1)).toEqual([{ edge: 0, tokens: 2 }]);
  });

  it('can draw the chosen token itself anew', () => {
    const points = candidates(tree, { ...defaults, keepToken: false }).map(({ point }) => point);
    expect(points).toEqual([
      { node: 0 },
      { edge: 0, tokens: 1 },
      { edge: 0, tokens: 3 },
      { node: 1 },
      { edge: 1, tokens: 1 },
      { node: 0 },
      { edge: 2, tokens: 1 },
    ]);
  });

  // equation (appo): candidates
  it('prefers strict candidates, then any, then the same again', () => {
    const one = (node: number, score: number, strict: boolean) => ({
      point: { node },
      row: 0,
      score,
      entropy: 0,
      strict,
    });
    // Two negative parts make a large product, but are not strict.
    const found = [one(1, 9, false), one(2, 1, true), one(3, 2, true), one(4, -1, false)];
    const nodes = (count: number) =>
      selectBranches(found, count).map((point) => 'node' in point && point.node);
    expect(nodes(2)).toEqual([3, 2]);
    expect(nodes(4)).toEqual([3, 2, 1, 4]);
    expect(nodes(6)).toEqual([3, 2, 1, 4, 3, 2]);
    expect(selectBranches([], 2)).toEqual([{ node: 0 }, { node: 0 }]);
  });
});

describe('the APPO plan', () => {
  const grow = async (options: AppoOptions) => {
    const calls: number[] = [];
    const trees = await rollout({
      environment: counting(3),
      policy: abPolicy,
      plan: (tree) => {
        const points = appoPlan(tree, options);
        calls.push(points.length);
        return points;
      },
      tasks: [textTask('t')],
      random: createRandom(4),
      sampling: { temperature: 1 },
      measuring: { needs: ['pieces', 'previous'] },
    });
    return { tree: trees[0]!, calls };
  };

  // equation (appo): N rollouts, then all branches
  it.each([
    [{}, [4, 12, 0]],
    [{ initial: 8, branches: 8, pool: 'question' }, [8, 8, 0]],
    [{ initial: 3, branches: 5 }, [3, 5, 0]],
    [{ initial: 3, branches: 0 }, [3, 0]],
  ] as const)('%j spends exactly its budget, in free text', async (options, expected) => {
    const { tree, calls } = await grow(appo.schema.parse(options));
    expect(calls).toEqual(expected);
    expect(tree.nodes.filter(({ end }) => end !== 'open')).toHaveLength(expected[0] + expected[1]!);
  });

  it('covers exactly the tokens that branches share, whatever the tree', async () => {
    const { tree } = await grow(appo.schema.parse({ initial: 4, branches: 12 }));
    const advantages = appoAdvantages(tree, { groups: 'dual', epsilon: 1e-6 });
    expect(tree.edges.some(({ shared }) => shared !== undefined)).toBe(true);
    for (const [edge, { advantage }] of advantages) {
      expect(tree.edges[edge]!.round).toBe(0);
      expect(advantage).toHaveLength(tree.edges[edge]!.tokens.length);
      expect(advantage.every(Number.isFinite)).toBe(true);
    }
  });

  it('divides a budget: a quarter initial rollouts, two where there is room', () => {
    expect([16, 8, 4, 2].map((rollouts) => appo.budget(rollouts))).toEqual([
      { initial: 4, branches: 12 },
      { initial: 2, branches: 6 },
      { initial: 2, branches: 2 },
      { initial: 2, branches: 0 },
    ]);
  });
});

describe('APPO', () => {
  it('keeps the contract', async () => {
    expect(await checkAlgorithm(appo, { random, batches: 5 })).toEqual([]);
  });

  // equation (appo): PPO-clip 0.2/0.28
  it('has the loss of the released code', () => {
    expect(appo.objective(defaults)).toEqual({
      clip: { low: 0.2, high: 0.28, dual: 3 },
      aggregation: 'token-mean',
      normalizer: 1,
      kl: 0,
      future: { weight: 1, halfLife: 64, low: 1, high: 1.2, participation: 3, safety: 6 },
      maxDualClipped: 1,
    });
  });

  // Without branches it is GRPO with the population's std, summed over the four rollouts' actions: 4 sqrt(4/3) times
  // GRPO's -4.406 and 1.845, signs flipped all the same.
  it.each([
    [{ initial: 4, branches: 0 }, 'plain', -20.3517, 8.5231],
    [{ initial: 2, branches: 0 }, 'plain', -10.721, 2.8026],
    [{ initial: 2, branches: 2 }, 'plain', -12.4476, 2.8026],
    [{ initial: 2, branches: 2 }, 'own', -8.2984, 1.6688],
    [{ initial: 2, branches: 4 }, 'plain', -11.6129, 2.8026],
    [{ initial: 2, branches: 2, groups: 'single' }, 'plain', -9.5233, 3.6817],
    [{ initial: 2, branches: 2, pool: 'question' }, 'plain', -10.721, 2.8026],
    [{ initial: 2, branches: 2, keepToken: false }, 'plain', -10.721, 2.8026],
  ] as const)('%j has the exact bias (%s loss)', async (options, objective, root, leaf) => {
    const bias = await exactBias(appo, options, { objective });
    expect(bias.kind).toBe('biased');
    expect(bias.root).toBeCloseTo(root, 3);
    expect(bias.leaf).toBeCloseTo(leaf, 3);
  });
});
