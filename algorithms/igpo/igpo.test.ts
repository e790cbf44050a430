import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkAlgorithm } from '../../bench/audit/check-algorithm.ts';
import { createRandom } from '../../core/random.ts';
import type { AnyAlgorithm } from '../algorithm.ts';
import { exactBias } from '../exact-bias.test-helper.ts';
import { searchBias, searchTree } from '../shared/information-gain.test-helper.ts';
import { toGo } from '../shared/to-go.ts';
import { chains } from '../sketch.test-helper.ts';
import type { RolloutTree } from '../tree.ts';
import { igpo, igpoTurns, normalised } from './index.ts';

const defaults = igpo.schema.parse({});
const random = createRandom(0);
const ln = Math.log;
const credit = (tree: RolloutTree, options: Partial<typeof defaults> = {}) =>
  igpo
    .credit([tree], { ...defaults, ...options }, random)
    .actions.map(({ advantage }) => [advantage].flat().map((value) => Number(value.toFixed(6)) + 0));

// p at the start 0.1; after the searches 0.3, 0.2 and 0.5. Gains 0.2, -0.1; 0.4. Returns 1 and 0.
const tree = searchTree(
  [
    { golds: [ln(0.3), ln(0.2)], end: 1 },
    { golds: [ln(0.5)], end: 0 },
  ],
  ln(0.1),
);

describe('IGPO credit', () => {
  // equation (igpo): p_t = exp
  // equation (igpo): IG_t
  // equation (igpo): G_t
  // equation (igpo): A = G - mean G
  it('is the return to go of gains and outcome, minus the mean at the same token, ended ones counting 0', () => {
    // To go: 1.1, 0.9, 1; 0.4, 0. Means by token: 0.75, 0.45, 0.5 (the second has ended).
    expect(credit(tree).flat()).toEqual([0.35, 0.45, 0.5, -0.35, -0.45]);
  });

  // equation (igpo): the other statistics
  it('by turn leaves out those that have no such turn', () => {
    expect(credit(tree, { statistics: 'turn' }).flat()).toEqual([0.35, 0.45, 0, -0.35, -0.45]);
  });

  // equation (igpo): the other statistics
  it('joint: all rewards against their mean, then summed', () => {
    // Rewards 0.2, -0.1, 1, 0.4, 0: mean 0.3.
    expect(credit(tree, { statistics: 'joint' }).flat()).toEqual([0.2, 0.3, 0.7, -0.2, -0.3]);
    const std = Math.sqrt((0.01 + 0.16 + 0.49 + 0.01 + 0.09) / 5);
    const scaled = credit(tree, { statistics: 'joint', std: 'population', epsilon: 0 }).flat();
    for (const [i, value] of [0.2, 0.3, 0.7, -0.2, -0.3].entries()) {
      expect(scaled[i]).toBeCloseTo(value / std, 5);
    }
  });

  // equation (igpo): the other statistics
  it('separate: gains against gains, outcomes against outcomes', () => {
    // Gains 0.2, -0.1, 0.4: mean 1/6. Outcomes 1, 0.
    const values = credit(tree, { statistics: 'separate' }).flat();
    for (const [i, value] of [
      0.5 + 0.1 - 1 / 3,
      0.5 - 0.1 - 1 / 6,
      0.5,
      -0.5 + 0.4 - 1 / 6,
      -0.5,
    ].entries()) {
      expect(values[i]).toBeCloseTo(value, 5);
    }
  });

  it('divides by the std of the same group on request', () => {
    const sample = credit(tree, { std: 'sample', epsilon: 0 }).flat();
    for (const [i, value] of sample.entries()) expect(Math.abs(value), `${i}`).toBeCloseTo(Math.SQRT1_2, 5);
    const population = credit(tree, { std: 'population', epsilon: 0 }).flat();
    for (const value of population) expect(Math.abs(value)).toBeCloseTo(1, 5);
  });

  // equation (igpo): G_t
  it('takes the gain in logarithms on request, and discounts by turn', () => {
    const log = credit(tree, { gain: 'log', statistics: 'turn' }).flat();
    expect(log[0]).toBeCloseTo((1 + ln(2) - ln(5)) / 2, 5);
    const half = credit(tree, { gamma: 0.5, statistics: 'turn' }).flat();
    // To go with 1/2: 0.2 + (-0.1 + 0.5) / 2 = 0.4 and 0.4.
    expect(half[0]).toBe(0);
  });

  it('telescopes: before a turn, what is to come is the outcome and the last probability minus the one now', () => {
    const probability = fc.double({ min: 0.01, max: 1, noNaN: true });
    fc.assert(
      fc.property(fc.array(probability, { minLength: 2, maxLength: 6 }), (p) => {
        const gains = p.slice(1).map((value, k) => value - p[k]!);
        for (const [k, value] of toGo([...gains, 0.5], 1)
          .slice(0, -1)
          .entries()) {
          expect(value).toBeCloseTo(0.5 + p.at(-1)! - p[k]!, 9);
        }
      }),
    );
  });

  it('would differ with the turns off by one', () => {
    const shifted = searchTree(
      [
        { golds: [ln(0.1), ln(0.3)], end: 1 },
        { golds: [ln(0.1)], end: 0 },
      ],
      ln(0.1),
    );
    expect(credit(shifted)).not.toEqual(credit(tree));
  });
});

describe('positions of IGPO', () => {
  /** Gives every action that many tokens, and every context its length: free text. */
  const written = (lengths: readonly number[], read: number): RolloutTree => {
    const edges = tree.edges.map((edge, i) => ({
      ...edge,
      tokens: Array.from({ length: lengths[i]! }, () => 0),
      logProbs: Array.from({ length: lengths[i]! }, () => -1),
    }));
    const contexts = [10];
    for (const { from, to, tokens } of edges) contexts[to] = contexts[from]! + tokens.length + read;
    const nodes = tree.nodes.map((node) => ({
      ...node,
      prompt: { ...node.prompt, tokens: new Int32Array(contexts[node.id]!) },
    }));
    return { ...tree, nodes, edges };
  };

  // equation (igpo): A = G - mean G
  it('count what was read: a token is compared with what the others were doing or reading there', () => {
    // First: writes 0-1, reads 2-4, writes 5-6, reads 7-9, writes 10. Second: writes 0-3, reads 4-6, writes 7-8.
    const values = credit(written([2, 2, 1, 4, 2], 3));
    // To go 1.1, 0.9, 1 in the first; 0.4 and 0 in the second. At token 5 the second still reads: 0.4.
    expect(values).toEqual([[0.35, 0.35], [0.25, 0.25], [0.5], [-0.35, -0.35, -0.35, -0.35], [-0.45, -0.45]]);
  });

  it('move a trajectory’s advantage with another’s length: 0 once that has ended', () => {
    const short = credit(written([2, 2, 1, 1, 1], 3));
    // The second writes 0, reads 1-3, writes 4, and has ended at 5.
    expect(short[1]).toEqual([0.45, 0.45]);
    expect(credit(written([2, 2, 1, 4, 2], 3))[1]).toEqual([0.25, 0.25]);
  });
});

describe('IGPO', () => {
  it('gives exactly 0 for equal values, and to a single trajectory', () => {
    const equal = searchTree(
      [0.1, 0.1, 0.1].map((end) => ({ golds: [ln(0.3)], end })),
      ln(0.1),
    );
    const alone = searchTree([{ golds: [], end: 0.7 }]);
    for (const statistics of ['position', 'turn', 'separate'] as const) {
      for (const std of ['none', 'sample', 'population'] as const) {
        for (const one of [equal, alone]) {
          expect(new Set(credit(one, { statistics, std, epsilon: 0 }).flat())).toEqual(new Set([0]));
        }
      }
    }
  });

  it('is finite, and sums to 0 in every group before anything is summed', () => {
    const value = fc.double({ min: -1, max: 1, noNaN: true });
    const group = fc.array(fc.array(value, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(group, fc.constantFrom('none', 'sample', 'population'), (rewards, std) => {
        for (const statistics of ['turn', 'joint', 'separate'] as const) {
          const options = { ...defaults, statistics, std } as const;
          for (const turn of igpoTurns(rewards, options).flat()) expect(Number.isFinite(turn)).toBe(true);
        }
        const sum = normalised(rewards.flat(), { std, epsilon: 1e-6 }).reduce((a, b) => a + b, 0);
        expect(sum).toBeCloseTo(0, 6);
      }),
    );
  });

  it('without an accepted answer has no gains', () => {
    const bare = { ...tree, nodes: tree.nodes.map(({ gold: _, ...node }) => node) };
    // One turn of return 1 (three tokens), one of return 0 (two tokens).
    expect(credit(bare).flat()).toEqual([0.5, 0.5, 0.5, -0.5, -0.5]);
  });

  it('plans a flat group, keeps questions apart, and a trajectory is one sequence', () => {
    expect(igpo.next(chains([]), { ...defaults, groupSize: 2 }, random)).toEqual([{ node: 0 }, { node: 0 }]);
    expect(igpo.budget(5)).toEqual({ groupSize: 5 });
    expect(igpo.needs!(defaults)).toEqual(['gold']);
    const { actions } = igpo.credit([chains([1, 1]), chains([0, 0])], defaults, random);
    expect(actions.flatMap(({ advantage }) => advantage)).toEqual([0, 0, 0, 0]);
    expect(new Set(actions.map(({ sequence }) => sequence)).size).toBe(4);
    expect(igpo.objective(defaults)).toMatchObject({ aggregation: 'token-mean', kl: 0 });
  });

  it('keeps the contract of algorithms; with equal returns it still pays for gains', async () => {
    for (const options of [
      {},
      { statistics: 'turn', gain: 'log' },
      { statistics: 'joint', std: 'population' },
      { statistics: 'separate', std: 'sample' },
    ]) {
      expect(
        await checkAlgorithm(igpo, { random, batches: 5, options, constantRewards: 'any' }),
        JSON.stringify(options),
      ).toEqual([]);
    }
    const found = await checkAlgorithm(igpo, { random, batches: 5 });
    expect(found.join()).toContain('equal returns give an advantage');
  });

  it.each([{ gamma: 1.1 }, { statistics: 'none' }, { std: 'yes' }, { gain: 'nats' }])(
    'refuses %j',
    (options) => {
      expect(igpo.schema.safeParse(options).success).toBe(false);
    },
  );
});

describe('the exact bias of IGPO (groups of 4)', () => {
  // Means over trajectories: the audit sums over trained actions, which is 4 times as much.
  const bias = async (algorithm: AnyAlgorithm, options: object) => {
    const found = await exactBias(algorithm, { groupSize: 4, ...options });
    return { ...found, root: found.root / 4, leaf: found.leaf / 4 };
  };

  it('comes from the gains alone: without them the direction is right', async () => {
    const { needs: _, ...blind } = igpo;
    const found = await bias(blind as AnyAlgorithm, {});
    expect([found.kind, found.root, found.leaf]).toEqual([
      'scaled',
      expect.closeTo(0.75, 9),
      expect.closeTo(0.75, 9),
    ]);
  });

  it('is the gain of searching, on stop-or-search', async () => {
    // q = P(A) after searching. Searching is worth q - 0.3 in truth, q - 0.3 + (q - 0.001) to IGPO; 3/4 as in Dr. GRPO.
    const q = 1 / (1 + Math.exp(0.6));
    const found = await bias(igpo, {});
    expect(found.kind).toBe('biased');
    expect(found.root).toBeCloseTo((0.75 * (q - 0.3 + q - 0.001)) / (q - 0.3), 6);
    expect(found.root).toBeCloseTo(5.62653, 4);
    expect(found.leaf).toBeCloseTo(0.75, 9);
  });

  it.each<[object, number, number]>([
    [{ statistics: 'turn' }, 5.62653, 0.593251],
    [{ statistics: 'joint', std: 'population' }, -0.051415, 2.995655],
    [{ statistics: 'separate', std: 'population' }, -5.08793, 2.13077],
    [{ std: 'sample' }, 20.14165, 1.432813],
  ])('with %j: %d at the root, %d at the leaf', async (options, root, leaf) => {
    const found = await bias(igpo, options);
    expect(found.kind).toBe('biased');
    expect(found.root).toBeCloseTo(root, 3);
    expect(found.leaf).toBeCloseTo(leaf, 3);
  });

  it('under its own loss: 3.6798 and 0.4488', async () => {
    const found = await exactBias(igpo, { groupSize: 4 }, { objective: 'own' });
    expect(found.root).toBeCloseTo(3.6798, 3);
    expect(found.leaf).toBeCloseTo(0.4488, 3);
  });

  it('on two searches: the search that leads to the accepted answer is paid although it is worth less', async () => {
    const { ratios, result } = await searchBias(igpo, { groupSize: 4 });
    for (const [i, value] of [3.064475, -13.101625, 0.75, 0.75].entries()) {
      expect(ratios[i]! / 4).toBeCloseTo(value, 3);
    }
    expect(result.gradient.flipped).toEqual(['/search: good', '/search: bad']);
  });
});
