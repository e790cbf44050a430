import { describe, expect, it } from 'vitest';
import { checkAlgorithm } from '../../bench/audit/check-algorithm.ts';
import { rollout } from '../../bench/rollout/engine.ts';
import { createRandom } from '../../core/random.ts';
import { STOP_OR_SEARCH_TASK, stopOrSearch } from '../../envs/diagnostic/stop-or-search.ts';
import { createTabularPolicy } from '../../policies/tabular/index.ts';
import { exactBias } from '../exact-bias.test-helper.ts';
import { sketchTree } from '../sketch.test-helper.ts';
import { leaves } from '../tree.ts';
import { vinePpo, vinePpoAdvantages, vinePpoPlan } from './index.ts';

const defaults = vinePpo.schema.parse({});
const sample = (end: number) => ({ round: 1, start: true, end });
const longSample = (end: number) => ({ round: 1, start: true, next: [{ round: 1, end }] });

describe('VinePPO advantages', () => {
  // Two main rollouts from the root (V = .5): one to a state of V = .75 and return 1, one straight to .2.
  const tree = sketchTree([
    { name: 'a', next: [{ name: 'b', end: 1 }, sample(1), longSample(0.5)] },
    { name: 'c', end: 0.2 },
    longSample(1),
    sample(0),
  ]);
  const named = (of: typeof tree) =>
    Object.fromEntries(
      [...vinePpoAdvantages(of)].map(([edge, value]) => [of.edges[edge]!.action, value] as const),
    );

  // equation (vineppo): V(s)
  // equation (vineppo): A = r + V(next)
  it('are r + V(next) - V(here) with the mean of fresh rollouts, 0 after the end', () => {
    const advantages = named(tree);
    expect(Object.keys(advantages)).toEqual(['a', 'b', 'c']); // no Monte Carlo rollout is trained
    expect(advantages.a).toBeCloseTo(0.75 - 0.5, 12);
    expect(advantages.b).toBeCloseTo(1 - 0.75, 12);
    expect(advantages.c).toBeCloseTo(0.2 - 0.5, 12);
  });

  it('count a reward on the way once', async () => {
    // stop-or-search with 0.2 for searching: V(found) in returns of whole episodes contains the 0.2.
    const options = vinePpo.schema.parse({ rollouts: 4, samples: 2, whiten: false });
    const [grown] = await rollout({
      environment: stopOrSearch(0.2),
      policy: createTabularPolicy(),
      tasks: [STOP_OR_SEARCH_TASK],
      plan: (sofar, random) => vinePpo.next(sofar, options, random),
      random: createRandom(1),
      sampling: { temperature: 1 },
    });
    const main = grown!.edges.filter(({ round, action }) => round === 0 && action === 'search');
    expect(main.length).toBeGreaterThan(0);
    /** Mean return to go of the samples from a node. */
    const toGo = (node: number) => {
      const values = grown!.nodes[node]!.children.map((id) => grown!.edges[id]!)
        .filter(({ round }) => round > 0)
        .map(({ to, reward }) => {
          const next = grown!.nodes[to]!.children[0];
          return reward + (next === undefined ? 0 : grown!.edges[next]!.reward);
        });
      return values.reduce((sum, value) => sum + value, 0) / values.length;
    };
    for (const edge of main) {
      expect(vinePpoAdvantages(grown!).get(edge.id)).toBeCloseTo(0.2 + toGo(edge.to) - toGo(0), 12);
    }
  });

  it('of states without a sample take the value before as baseline and the own return as V(next)', () => {
    const bare = sketchTree([
      { name: 'a', next: [{ name: 'b', next: [{ name: 'c', end: 1 }] }] },
      sample(0.5),
      sample(0.3),
    ]);
    for (const value of Object.values(named(bare))) expect(value).toBeCloseTo(1 - 0.4, 12);
  });

  // equation (vineppo): whitening
  // equation (vineppo): PPO-clip, one sequence per main rollout
  it('are whitened over the tokens of all questions', () => {
    const { actions } = vinePpo.credit([tree, tree], defaults, createRandom(0));
    expect(actions).toHaveLength(6);
    const values = actions.map(({ advantage }) => advantage as number);
    const raw = [0.25, 0.25, -0.3, 0.25, 0.25, -0.3];
    const center = 0.2 / 3;
    const scale = Math.sqrt(raw.reduce((sum, value) => sum + (value - center) ** 2, 0) / 5);
    for (const [i, value] of values.entries()) expect(value).toBeCloseTo((raw[i]! - center) / scale, 6);
    expect(new Set(actions.map(({ sequence }) => sequence)).size).toBe(4);
    const plain = vinePpo.credit([tree], { ...defaults, whiten: false }, createRandom(0)).actions;
    expect(plain.map(({ advantage }) => Number(advantage).toFixed(4))).toEqual([
      '0.2500',
      '0.2500',
      '-0.3000',
    ]);
  });

  it('are whitened by tokens, not by actions', () => {
    const long = {
      ...tree,
      edges: tree.edges.map((edge) =>
        edge.action === 'c' ? { ...edge, tokens: [0, 0], logProbs: [-1, -1], entropies: [1, 1] } : edge,
      ),
    };
    const values = vinePpo
      .credit([long], defaults, createRandom(0))
      .actions.map(({ advantage }) => advantage);
    // .25, .25, -.3, -.3: mean -.025, std .275 sqrt(4 / 3)
    expect(values[0]).toBeCloseTo(Math.sqrt(3 / 4), 5);
    expect(values[2]).toBeCloseTo(-Math.sqrt(3 / 4), 5);
  });

  it('of a single token are 0 when whitened', () => {
    const { actions } = vinePpo.credit([sketchTree([{ end: 1 }, sample(0)])], defaults, createRandom(0));
    expect(actions.map(({ advantage }) => advantage)).toEqual([0]);
  });
});

describe('VinePPO plan', () => {
  const main = sketchTree([{ next: [{ next: [{ end: 1 }] }] }, { next: [{ end: 0 }] }]);
  const nodes = (options: typeof defaults) =>
    vinePpoPlan(main, options).map((point) => (point as { node: number }).node);

  // equation (vineppo): main rollouts
  it('samples K rollouts from every decision point once, the root among them', () => {
    expect(vinePpoPlan(sketchTree([]), defaults)).toHaveLength(8);
    expect(nodes({ ...defaults, samples: 2 })).toEqual([0, 0, 1, 1, 4, 4, 2, 2]);
    expect(vinePpoPlan(sketchTree([{ end: 1 }, sample(0)]), defaults)).toEqual([]);
  });

  it('deals a limit evenly, from the root down', () => {
    expect(nodes({ ...defaults, rollouts: 2, limit: 8 })).toEqual([0, 1, 4, 2, 0, 1]);
    expect(nodes({ ...defaults, rollouts: 2, limit: 4 })).toEqual([0, 1]);
  });

  it('refuses a limit that leaves nothing for the root', () => {
    expect(vinePpo.schema.safeParse({ rollouts: 4, limit: 4 }).success).toBe(false);
    expect(vinePpo.schema.safeParse({ rollouts: 4, limit: 5 }).success).toBe(true);
  });

  it.each([2, 3, 4, 7, 16, 30])('spends a budget of %d', async (rollouts) => {
    const options = vinePpo.schema.parse(vinePpo.budget(rollouts));
    const [tree] = await rollout({
      environment: stopOrSearch(),
      policy: createTabularPolicy(),
      tasks: [STOP_OR_SEARCH_TASK],
      plan: (grown, random) => vinePpo.next(grown, options, random),
      random: createRandom(rollouts),
      sampling: { temperature: 1 },
    });
    expect(leaves(tree!)).toHaveLength(rollouts);
  });
});

it('keeps the contract of an algorithm', async () => {
  const random = createRandom(3);
  expect(await checkAlgorithm(vinePpo, { random, batches: 5 })).toEqual([]);
  for (const limit of [2, 3, 5]) {
    const options = { rollouts: 1, limit };
    expect(await checkAlgorithm(vinePpo, { random, options })).toEqual([]);
  }
});

describe('the exact bias of VinePPO on stop-or-search', () => {
  const run = async (given: Record<string, unknown>) => {
    const { result, root, leaf } = await exactBias(vinePpo, given);
    return { result, ratios: [root, leaf] as const };
  };

  // The audit sums over main rollouts, so their number is the factor. The advantages are right one by one where
  // every state has its samples; with a state that borrows its baseline they are right up to an offset per state.
  it.each([
    [{ rollouts: 1, samples: 1 }, 15, 1, 'unbiased'],
    [{ rollouts: 2, samples: 2 }, 729, 2, 'unbiased'],
    [{ rollouts: 1, limit: 4 }, 63, 1, 'unbiased'],
    [{ rollouts: 1, limit: 2 }, 9, 1, 'shifted'],
    [{ rollouts: 2, limit: 4 }, 57, 2, 'shifted'],
  ])('without whitening is none: %j', async (given, outcomes, factor, advantage) => {
    const { result, ratios } = await run({ ...given, whiten: false });
    expect(result.outcomes).toBe(outcomes);
    expect(result.gradient.kind).toBe(factor === 1 ? 'unbiased' : 'scaled');
    expect(ratios[0]).toBeCloseTo(factor, 9);
    expect(ratios[1]).toBeCloseTo(factor, 9);
    expect(result.advantage.kind).toBe(advantage);
  });

  // Whitening within so few tokens (the audit has one question) pulls the mean of one trajectory's advantages to
  // 0 and divides by their spread. Over a batch of many questions it is nearly a common factor.
  it.each([
    [{ rollouts: 2, samples: 2 }, 0.38254, 2.58038],
    [{ rollouts: 3, samples: 1 }, -8.36984, 3.45988],
    [vinePpo.budget(4), -3.05353, 0.07949],
  ])('with whitening of one question: %j', async (given, root, found) => {
    const { result, ratios } = await run(given);
    expect(result.gradient.kind).toBe('biased');
    expect(ratios[0]).toBeCloseTo(root, 4);
    expect(ratios[1]).toBeCloseTo(found, 4);
  });
});
