import { describe, expect, it } from 'vitest';
import type { AnyAlgorithm } from '../../algorithms/algorithm.ts';
import { carlLite } from '../../algorithms/carl-lite/index.ts';
import { grpo } from '../../algorithms/grpo/index.ts';
import { rloo } from '../../algorithms/rloo/index.ts';
import { STOP_OR_SEARCH_TASK, stopOrSearch } from '../../envs/diagnostic/stop-or-search.ts';
import { createTabularPolicy } from '../../policies/tabular/index.ts';
import { audit } from './audit.ts';
import {
  drGrpo,
  drGrpoPerTurns,
  perState,
  perTurn,
  perTurnRewards,
  reinforce,
  stepWeighted,
} from './estimators.test-helper.ts';

/** Logits of section E: search 0.4 over stop, A -0.6 over B. */
const policy = (search = 0.4, a = -0.6) =>
  createTabularPolicy({ initial: ({ text }, action) => (text === 'start' ? [0, search] : [a, 0])[action]! });

const run = (algorithm: AnyAlgorithm, options: object, searchReward = 0, logits?: [number, number]) =>
  audit({
    algorithm,
    options: algorithm.schema.parse(options),
    environment: stopOrSearch(searchReward),
    task: STOP_OR_SEARCH_TASK,
    policy: policy(...(logits ?? [])),
  });

const ratios = (result: Awaited<ReturnType<typeof run>>) => {
  const of = (name: string): number => {
    const { expected, exact } = result.gradient.components.find((component) => component.name === name)!;
    return expected / exact;
  };
  return [of('start: search'), of('found: A')];
};

describe('options', () => {
  const request = { environment: stopOrSearch(), task: STOP_OR_SEARCH_TASK, policy: policy() };
  const algorithm = grpo as AnyAlgorithm;

  it('are completed by the schema: what is not named has its default', async () => {
    const complete = algorithm.schema.parse({ groupSize: 2 });
    const [some, all] = await Promise.all(
      [{ groupSize: 2 }, complete].map((options) => audit({ ...request, algorithm, options })),
    );
    expect(some!.gradient.components.every(({ expected }) => Number.isFinite(expected))).toBe(true);
    expect(some).toEqual(all);
  });

  it('are all defaults if none are given', async () => {
    const few = { ...request, algorithm, limit: 10, samples: 10 };
    expect(await audit(few)).toEqual(await audit({ ...few, options: algorithm.schema.parse({}) }));
  });

  it('that the schema does not know are refused', async () => {
    await expect(audit({ ...request, algorithm, options: { groupsize: 2 } })).rejects.toThrow('groupsize');
  });
});

describe('the exact bias of estimators on stop-or-search (group size 4)', () => {
  // Ratio of the expected to the exact gradient: the search logit, the A logit. Independent figures from the
  // field: another implementation's enumeration, to the digits it gives.
  it.each<[string, AnyAlgorithm, number, number, string]>([
    ['REINFORCE', reinforce, 1, 1, 'unbiased'],
    ['RLOO', rloo as AnyAlgorithm, 1, 1, 'unbiased'],
    ['per-state leave-one-out', perState, 1, 1, 'unbiased'],
    ['per-turn-index leave-one-out of reward-to-go', perTurn, 1, 1, 'unbiased'],
    ['Dr. GRPO', drGrpo, 0.75, 0.75, 'scaled'],
    ['GRPO with std', grpo as AnyAlgorithm, -4.406, 1.845, 'biased'],
    ['Dr. GRPO, 1 / turns', drGrpoPerTurns, 0.6, 0.375, 'biased'],
    ['step-weighted mean', stepWeighted, 0.784, 0.701, 'biased'],
    ['per-turn-index leave-one-out of rewards', perTurnRewards, -5.099, 1, 'biased'],
  ])('%s', async (_, algorithm, search, a, kind) => {
    const result = await run(algorithm, { groupSize: 4 });
    expect(result.method).toBe('exact');
    expect(result.outcomes).toBe(81);
    expect(result.gradient.kind).toBe(kind);
    const [atStart, atFound] = ratios(result);
    const digits = kind === 'biased' ? 3 : 9;
    expect(atStart).toBeCloseTo(search, digits);
    expect(atFound).toBeCloseTo(a, digits);
  });

  it('keeps the sign of GRPO wrong with an intermediate reward, too, while the cosine looks well', async () => {
    const result = await run(grpo as AnyAlgorithm, { groupSize: 4 }, 0.2);
    const [atStart, atFound] = ratios(result);
    expect(atStart).toBeCloseTo(-0.424, 3);
    expect(atFound).toBeCloseTo(1.81, 2);
    expect(result.cosine).toBeCloseTo(0.866, 3);
    expect(result.gradient.flipped).toEqual(['start: stop', 'start: search']);
  });

  it("tells RLOO's advantage right up to a baseline per state, and says so", async () => {
    const result = await run(rloo as AnyAlgorithm, { groupSize: 4 });
    expect(result.advantage.kind).toBe('shifted');
  });
});

describe('CARL on stop-or-search (N0 = 1, N = 1)', () => {
  const exact = 0.0130567; // the root's component
  it.each([
    ['surprisal', -0.01674],
    ['exact', exact],
  ] as const)('%s forking has the root gradient that the field notes give', async (entropy, expected) => {
    const result = await run(carlLite as AnyAlgorithm, { initial: 1, forks: 1, entropy });
    const root = result.gradient.components.find(({ name }) => name === 'start: search')!;
    expect(root.exact).toBeCloseTo(exact, 6);
    expect(root.expected).toBeCloseTo(expected, 5);
  });
});

describe('the audit itself', () => {
  it('says "scaled" of a factor, "biased" of a constant added to one action', async () => {
    const changed = (change: (advantage: number, action: string) => number): AnyAlgorithm => ({
      ...(rloo as AnyAlgorithm),
      credit: (trees, options, random) => ({
        actions: rloo.credit(trees, options, random).actions.map((a) => ({
          ...a,
          advantage: change(a.advantage as number, trees[a.tree]!.edges[a.edge]!.action),
        })),
      }),
    });
    const tripled = await run(
      changed((value) => 3 * value),
      { groupSize: 3 },
    );
    expect(tripled.gradient.kind).toBe('scaled');
    expect(tripled.gradient.factor).toBeCloseTo(3, 9);
    const skewed = await run(
      changed((value, action) => (action === 'A' ? value + 0.1 : value)),
      { groupSize: 3 },
    );
    expect(skewed.gradient.kind).toBe('biased');
    const off = await run(
      changed(() => 0),
      { groupSize: 3 },
    );
    expect(off.directionError).toBe(1);
    expect(off.gradient.worst?.error).toBeCloseTo(1, 9);
    // Pointing the wrong way is no better than nothing, however little it varies.
    const against = await run(
      changed((value) => -value),
      { groupSize: 3 },
    );
    expect(against.directionError).toBe(1);
    expect(against.gradient.worst?.error).toBeCloseTo(2, 9);
  });

  it('takes a KL term in the own objective', async () => {
    const options = grpo.schema.parse({ groupSize: 4, kl: 0.1 });
    const request = { environment: stopOrSearch(), task: STOP_OR_SEARCH_TASK, policy: policy() };
    const own = await audit({ ...request, algorithm: grpo as AnyAlgorithm, options, objective: 'own' });
    // At the reference itself k3 is flat: the same gradient as without.
    const without = { ...options, kl: 0 };
    const plain = await audit({
      ...request,
      algorithm: grpo as AnyAlgorithm,
      options: without,
      objective: 'own',
    });
    expect(own.gradient).toEqual(plain.gradient);
  });

  it('agrees with Monte Carlo within its standard errors, where enumeration is refused', async () => {
    const request = {
      algorithm: grpo as AnyAlgorithm,
      options: grpo.schema.parse({ groupSize: 4 }),
      environment: stopOrSearch(),
      task: STOP_OR_SEARCH_TASK,
      policy: policy(),
    };
    const exactly = await audit(request);
    const sampled = await audit({ ...request, limit: 10, samples: 4000 });
    expect(sampled.method).toBe('monte carlo');
    for (const [index, component] of sampled.gradient.components.entries()) {
      expect(component.standardError).toBeGreaterThan(0);
      const distance = component.expected - exactly.gradient.components[index]!.expected;
      expect(Math.abs(distance)).toBeLessThan(4 * component.standardError);
    }
    expect(sampled.variance / exactly.variance).toBeCloseTo(1, 0);
    expect(sampled.gradient.kind).toBe('biased');
  });
});
