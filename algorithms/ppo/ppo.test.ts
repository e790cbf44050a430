import { describe, expect, it } from 'vitest';
import { checkAlgorithm } from '../../bench/audit/check-algorithm.ts';
import { rollout } from '../../bench/rollout/engine.ts';
import { headStates, readHeads, trainHead } from '../../bench/training/heads.ts';
import { createRandom } from '../../core/random.ts';
import {
  STOP_OR_SEARCH_LOGITS,
  STOP_OR_SEARCH_TASK,
  stopOrSearch,
  stopOrSearchExact,
} from '../../envs/diagnostic/stop-or-search.ts';
import { createTabularPolicy } from '../../policies/tabular/index.ts';
import { editEdges, tokens } from '../edit.test-helper.ts';
import { exactBias } from '../exact-bias.test-helper.ts';
import { reinforcePp } from '../reinforce-pp/index.ts';
import { chains, sketchTree } from '../sketch.test-helper.ts';
import type { RolloutTree } from '../tree.ts';
import { criticHead, ownRewards } from './critic.ts';
import { ppo } from './index.ts';

const defaults = ppo.schema.parse({});
const plain = { ...defaults, whiten: false };
const random = createRandom(0);

/** A tree in which the critic says these values at the tokens of every edge. */
const valued = (tree: RolloutTree, values: readonly (readonly number[])[]): RolloutTree =>
  editEdges(
    tree,
    Object.fromEntries(
      values.map((critic, edge) => [edge, { ...tokens(critic.length), outputs: { critic } }]),
    ),
  );
const advantages = (trees: readonly RolloutTree[], options = plain) =>
  ppo.credit(trees, options, random).actions.map(({ advantage }) => advantage);

describe('PPO advantages', () => {
  // Reference 1.5: two tokens, an observation, one token; V = .5, .6 and .7, return 1.
  const vector = valued(sketchTree([{ next: [{ end: 1 }] }]), [[0.5, 0.6], [0.7]]);

  // equation (ppo): d_t
  // equation (ppo): A <- (A - mean)
  it('of reference 1.5, and whitened over the three tokens', () => {
    const close = (options: typeof plain, expected: readonly number[]) => {
      for (const [i, value] of advantages([vector], options).flat().entries()) {
        expect(value).toBeCloseTo(expected[i]!, 6);
      }
    };
    close(plain, [0.5, 0.4, 0.3]);
    close({ ...plain, lambda: 0.95 }, [0.46575, 0.385, 0.3]);
    close(defaults, [1, 0, -1]);
  });

  it('do not know what was observed between actions but through the critic', () => {
    const elsewhere = {
      ...vector,
      nodes: vector.nodes.map((node) => ({ ...node, prompt: { text: 'a long observation '.repeat(50) } })),
    };
    expect(advantages([elsewhere])).toEqual(advantages([vector]));
    const other = valued(sketchTree([{ next: [{ end: 1 }] }]), [[0.5, 0.6], [0.1]]);
    // With lambda 1 another value moves its own token alone; with a smaller one those before it, too.
    expect(advantages([other]).slice(0, 1)).toEqual(advantages([vector]).slice(0, 1));
    const short = { ...plain, lambda: 0.5 };
    expect(advantages([other], short)[0]).not.toEqual(advantages([vector], short)[0]);
  });

  it('take the reward of a truncated episode for final, as that of one that ended', () => {
    const cut = {
      ...vector,
      nodes: vector.nodes.map((node) =>
        node.end === 'terminated' ? { ...node, end: 'truncated' as const } : node,
      ),
    };
    expect(advantages([cut])).toEqual(advantages([vector]));
  });

  it('stand for trajectories, which do not look at each other', () => {
    const two = valued(chains([1, 0], 2), [[0.2], [0.4], [0.3], [0.9]]);
    for (const [i, value] of advantages([two]).flat().entries()) {
      expect(value).toBeCloseTo([0.8, 0.6, -0.3, -0.9][i]!, 12);
    }
    const other = valued(chains([1, 1], 2), [[0.2], [0.4], [0.3], [0.9]]);
    expect(advantages([other]).slice(0, 2)).toEqual(advantages([two]).slice(0, 2));
    const { actions } = ppo.credit([two, two], plain, random);
    expect(new Set(actions.map(({ sequence }) => sequence)).size).toBe(4);
  });

  it('before the critic knows anything are the whitened returns of REINFORCE++', () => {
    const trees = [1, 2].map((seed) =>
      valued(chains([seed / 2, 0, 0.3], 2), [[0, 0], [0], [0], [0, 0, 0], [0], [0]]),
    );
    const returns = reinforcePp.credit(trees, reinforcePp.schema.parse({}), random).actions;
    expect(advantages(trees, defaults)).toEqual(returns.map(({ advantage }) => advantage));
  });

  it('are exactly 0 where all returns are equal and the critic says one thing, and finite with one token', () => {
    expect(
      advantages([valued(chains([0.3, 0.3]), [[0.1], [0.1]])], defaults)
        .flat()
        .map(Math.abs),
    ).toEqual([0, 0]);
    expect(advantages([valued(chains([1]), [[0.4]])], defaults)).toEqual([[0]]);
    // A critic that tells prefixes apart gives equal returns different advantages: it was wrong somewhere.
    expect(advantages([valued(chains([1, 1]), [[0.4], [1]])], plain)).toEqual([[0.6], [0]]);
  });
});

describe('the critic', () => {
  const tree = valued(chains([1, 0]), [[0.2, 0.4], [0.5]]);
  const lossAt = (values: readonly (readonly number[])[], options = defaults) =>
    criticHead(ownRewards, options).loss([tree])([values.map((row) => Float64Array.from(row))]);

  // equation (ppo): ret_t
  // equation (ppo): 1/2 mean max
  it('has half the mean squared error over all tokens for a loss', () => {
    const { loss, gradients, explainedVariance } = lossAt([[0.2, 0.4], [0.5]]);
    // Returns 1, 1 and 0.
    expect(loss).toBeCloseTo((0.64 + 0.36 + 0.25) / 6, 12);
    expect([...gradients[0]![0]!, ...gradients[0]![1]!].map((gradient) => gradient.toFixed(6))).toEqual(
      [-0.8 / 3, -0.6 / 3, 0.5 / 3].map((gradient) => gradient.toFixed(6)),
    );
    const misses = [0.8, 0.6, -0.5];
    const center = 0.3;
    const left = misses.reduce((sum, miss) => sum + (miss - center) ** 2, 0);
    expect(explainedVariance).toBeCloseTo(1 - left / 3 / (2 / 9), 12);
  });

  it('is worth 1 when it is right, 0 when it says one thing, and nothing where returns do not vary', () => {
    expect(lossAt([[1, 1], [0]]).explainedVariance).toBeCloseTo(1, 12);
    expect(lossAt([[0.3, 0.3], [0.3]]).explainedVariance).toBeCloseTo(0, 12);
    const same = criticHead(ownRewards, defaults).loss([valued(chains([1, 1]), [[0], [0]])])([
      [Float64Array.of(0), Float64Array.of(0)],
    ]);
    expect(same.explainedVariance).toBeUndefined();
  });

  // equation (ppo): 1/2 mean max
  it('no longer pulls a value that has moved by more than the clip towards its return', () => {
    // Old 0.2, clip 0.5: from 0.7 on the clipped branch, (0.7 - 1)^2, is the larger one.
    const { loss, gradients } = lossAt([[0.9, 0.4], [0.5]]);
    expect(gradients[0]![0]![0]).toBe(0);
    expect(loss).toBeCloseTo((0.09 + 0.36 + 0.25) / 6, 12);
    // Beyond the clip on the far side of the return it is pulled back.
    expect(lossAt([[1.6, 0.4], [0.5]]).gradients[0]![0]![0]).toBeCloseTo(0.2, 12);
    const free = lossAt([[0.9, 0.4], [0.5]], { ...defaults, valueClip: null });
    expect(free.gradients[0]![0]![0]).toBeCloseTo(-0.1 / 3, 12);
  });

  // equation (ppo): critic: V of the prefix
  it('learns what the policy is worth in every state', async () => {
    const policy = createTabularPolicy(STOP_OR_SEARCH_LOGITS);
    const sampling = { temperature: 1 };
    const trees = await rollout({
      environment: stopOrSearch(0),
      policy,
      plan: (sofar) => ppo.next(sofar, { ...defaults, groupSize: 300 }, random),
      tasks: [STOP_OR_SEARCH_TASK],
      random: createRandom(3),
      sampling,
    });
    let states = headStates(
      ppo.heads!({ ...defaults, valueClip: null, criticSteps: 150, criticLearningRate: 0.01 }),
    );
    const first = await readHeads(trees, states, policy, sampling);
    states = states.map((state, i) => trainHead(state, first.trees, first.features[i]!).state);
    const { trees: read, features } = await readHeads(trees, states, policy, sampling);
    const { values } = stopOrSearchExact(0);
    for (const { from, outputs } of read[0]!.edges) {
      const exact = values.get(read[0]!.nodes[from]!.prompt.text)!.value;
      expect(outputs!.critic![0]).toBeCloseTo(exact, 1);
    }
    // Most of the variance is what happens after 'start', which no critic can foresee.
    const { statistics } = trainHead(states[0]!, read, features[0]!);
    expect(statistics.explainedVariance).toBeGreaterThan(0);
    expect(statistics.explainedVariance).toBeLessThan(0.2);
  });

  it('can be trained alone first', () => {
    expect(ppo.heads!({ ...defaults, criticWarmup: 4 })[0]).toMatchObject({ name: 'critic', warmup: 4 });
  });
});

describe('PPO', () => {
  it('keeps the contract of algorithms', async () => {
    const check = (options: object, constantRewards: 'zero' | 'any' = 'zero') =>
      checkAlgorithm(ppo, {
        random: createRandom(1),
        options: { groupSize: 6, ...options },
        constantRewards,
      });
    expect(await check({})).toEqual([]);
    // Before the critic has learned anything a discount, or a lambda below 1, tells early tokens from late ones.
    expect(await check({ lambda: 0.9, gamma: 0.9 }, 'any')).toEqual([]);
    expect((await check({ lambda: 0.9 })).join()).toContain('equal returns');
  });

  it('spends the budget on independent rollouts', () => {
    expect(ppo.schema.parse(ppo.budget(6)).groupSize).toBe(6);
    expect(ppo.next(chains([]), { ...defaults, groupSize: 3 }, random)).toHaveLength(3);
    expect(ppo.next(chains([1]), defaults, random)).toEqual([]);
  });

  it.each([
    { lambda: 1.1 },
    { gamma: -0.1 },
    { valueClip: 0 },
    { criticSteps: 0 },
    { criticLearningRate: 0 },
  ])('refuses %j', (options) => {
    expect(ppo.schema.safeParse(options).success).toBe(false);
  });
});

describe('the exact bias of PPO on stop-or-search (4 rollouts, outcome-only)', () => {
  type Setting = NonNullable<Parameters<typeof exactBias>[2]>;
  // The audit's plain loss sums over trained actions; divided by the rollouts it is the mean over trajectories.
  const bias = async (options: { groupSize?: number }, setting: Setting = {}) => {
    const groupSize = options.groupSize ?? 4;
    const found = await exactBias(ppo, { groupSize, ...options }, setting);
    const scale = setting.objective === 'own' ? 1 : groupSize;
    return { ...found, root: found.root / scale, leaf: found.leaf / scale };
  };

  it.each<[object, Setting, number, number, string, string]>([
    [{ whiten: false }, {}, 1, 1, 'scaled', 'unbiased'],
    [{ whiten: false }, { critic: 'zero' }, 1, 1, 'scaled', 'shifted'],
    [{ whiten: false, lambda: 0.95 }, {}, 1, 1, 'scaled', 'unbiased'],
    [{ whiten: false, lambda: 0.95 }, { critic: 'zero' }, 0.673979, 1, 'biased', 'biased'],
    [{ whiten: false, lambda: 0 }, {}, 1, 1, 'scaled', 'unbiased'],
    [{ whiten: false, lambda: 0 }, { critic: 'zero' }, -5.52042, 1, 'biased', 'biased'],
    [{ whiten: false }, { searchReward: 0.2 }, 1, 1, 'scaled', 'unbiased'],
    [{ whiten: false }, { objective: 'own' }, 0.663032, 0.598423, 'biased', 'unbiased'],
    [{ whiten: false }, { objective: 'own', critic: 'zero' }, 0.002663, 0.598423, 'biased', 'shifted'],
    [{}, {}, -4.532396, 1.751828, 'biased', 'biased'],
    [{}, { critic: 'zero' }, -5.814327, 1.686933, 'biased', 'biased'],
    [{}, { objective: 'own' }, -3.205715, 1.057119, 'biased', 'biased'],
  ])(
    'with %j and %j is %d at the root, %d at the leaf',
    async (options, setting, root, leaf, kind, advantage) => {
      const found = await bias(options, setting);
      expect(found.root).toBeCloseTo(root, 5);
      expect(found.leaf).toBeCloseTo(leaf, 5);
      expect([found.kind, found.advantage]).toEqual([kind, advantage]);
    },
  );

  /**
   * The same without the audit, for groups that it cannot enumerate: whitening sees only how many of the trajectories
   * stopped, took A and took B, and those counts are multinomial.
   */
  const byCounts = (groupSize: number) => {
    const { gradient, values } = stopOrSearchExact(0);
    const [v0, v1] = [values.get('start')!.value, values.get('found')!.value];
    const p = 1 / (1 + Math.exp(-STOP_OR_SEARCH_LOGITS.search));
    const q = 1 / (1 + Math.exp(-STOP_OR_SEARCH_LOGITS.A));
    const stop = { end: 0.3 };
    let root = 0;
    let leaf = 0;
    for (let stops = 0; stops <= groupSize; stops++) {
      for (let hits = 0; stops + hits <= groupSize; hits++) {
        const misses = groupSize - stops - hits;
        const tree = valued(
          sketchTree([
            ...new Array(stops).fill(stop),
            ...new Array(hits).fill({ next: [{ end: 1 }] }),
            ...new Array(misses).fill({ next: [{ end: 0 }] }),
          ]),
          [...new Array(stops).fill([v0]), ...new Array(hits + misses).fill([[v0], [v1]]).flat()],
        );
        const all = advantages([tree], defaults).map((value) => (value as readonly number[])[0]!);
        const later = all.slice(stops);
        // d log p / d logit of 'search' and of 'A'.
        const own = all.slice(0, stops).reduce((sum, a) => sum - a * p, 0);
        const search = later.reduce((sum, a, i) => sum + (i % 2 === 0 ? a * (1 - p) : 0), own);
        const choice = later.reduce(
          (sum, a, i) => sum + (i % 2 === 0 ? 0 : i < 2 * hits ? a * (1 - q) : -a * q),
          0,
        );
        const chance = probability([stops, hits, misses], [1 - p, p * q, p * (1 - q)]);
        root += (chance * search) / groupSize / gradient.search;
        leaf += (chance * choice) / groupSize / gradient.A;
      }
    }
    return [root, leaf] as const;
  };

  it.each([
    [4, -4.532396, 1.751828],
    [16, 1.161092, 2.249747],
    [64, 2.222406, 2.37318],
  ])('of whitening fades as the batch grows: %d trajectories', (groupSize, root, leaf) => {
    const found = byCounts(groupSize);
    expect(found[0]).toBeCloseTo(root, 5);
    expect(found[1]).toBeCloseTo(leaf, 5);
  });
});

/** The chance of such counts in independent draws. */
function probability(counts: readonly number[], chances: readonly number[]): number {
  let result = 0;
  let drawn = 0;
  for (const [i, count] of counts.entries()) {
    for (let k = 1; k <= count; k++) result += Math.log((++drawn / k) * chances[i]!);
  }
  return Math.exp(result);
}
