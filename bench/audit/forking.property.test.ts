import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AnyAlgorithm } from '../../algorithms/algorithm.ts';
import { carl } from '../../algorithms/carl/index.ts';
import { type TreeSpec, treeEnvironment, treeTask } from '../../envs/diagnostic/random-tree.ts';
import {
  STOP_OR_SEARCH_LOGITS,
  STOP_OR_SEARCH_TASK,
  stopOrSearch,
} from '../../envs/diagnostic/stop-or-search.ts';
import { createTabularPolicy } from '../../policies/tabular/index.ts';
import { type Audit, audit } from './audit.ts';
import { schedule } from './forking.test-helper.ts';
import { checkBias } from './property.ts';
import { describeMdp, type MdpChoice, playable, smallMdp } from './small-mdp.ts';

type Entropy = 'surprisal' | 'exact' | 'random';

const ratio = (result: Audit, name: string): number => {
  const { expected, exact } = result.gradient.components.find((component) => component.name === name)!;
  return expected / exact;
};

describe('forks that are fixed before anything is sampled (every state gets k children)', () => {
  it.each([2, 3])('k = %d: the advantage is right up to (k - 1) / k', async (children) => {
    await checkBias(schedule, {
      expect: { advantage: 'scaled' },
      factor: () => (children - 1) / children,
      options: { children },
      depth: 2,
      branching: children === 2 ? 3 : 2,
    });
  });

  it('the gradient is not: a state at depth d counts k^d (k - 1) times', async () => {
    let audited = 0;
    await fc.assert(
      fc.asyncProperty(smallMdp({ depth: 3, branching: 2 }), async (mdp) => {
        const result = await audit({
          algorithm: schedule,
          options: schedule.schema.parse({ children: 2 }),
          ...playable(mdp),
          limit: 2000,
          samples: 2,
        });
        fc.pre(result.method === 'exact');
        audited++;
        for (const { name, expected, exact } of result.gradient.components) {
          const depth = name.split('/').length - (name.startsWith('/:') ? 2 : 1);
          expect(Math.abs(expected - 2 ** depth * exact), describeMdp(mdp)).toBeLessThan(1e-9);
        }
      }),
      { numRuns: 30, seed: 0 },
    );
    expect(audited).toBeGreaterThanOrEqual(30);
  });

  it('weights 1 / (copies of the state) and k / (k - 1) make the gradient unbiased', async () => {
    const size = { depth: 3, branching: 2 };
    await checkBias(schedule, { expect: 'unbiased', options: { children: 2, weighted: true }, ...size });
    await checkBias(schedule, { expect: 'biased', options: { children: 2 }, ...size });
  });

  it("so they do when a state's exact entropy decides on its own number of children", async () => {
    const options = { children: 2, threshold: 0.6, weighted: true };
    await checkBias(schedule, { expect: 'unbiased', options, depth: 2, branching: 2, limit: 5000 });
  });
});

describe('forks in competition, where what was sampled decides (CARL, N forks in all)', () => {
  it.each<Entropy>(['surprisal', 'exact', 'random'])(
    '%s forking: gradient and advantage are biased on some MDP',
    async (entropy) => {
      const { witnesses } = await checkBias(carl, {
        expect: { gradient: 'biased', advantage: 'biased' },
        options: { initial: 1, entropy },
      });
      expect(witnesses).toHaveLength(2);
    },
  );

  it('exact entropy, one fork, greatest entropy at the root: the advantage is right up to 1/2', async () => {
    // Whatever was sampled, the root is forked: the rule has nothing to look at.
    await rootForked('exact', (result, text) => {
      expect(['scaled', 'unbiased', 'none'], text).toContain(result.advantage.kind);
      for (const { name, expected, exact } of result.gradient.components) {
        expect(Math.abs(expected - (name.startsWith('/:') ? exact : 0)), text).toBeLessThan(1e-9);
      }
    });
  });

  it('surprisal, on those same MDPs: it is not', async () => {
    await expect(
      rootForked('surprisal', (result, text) => {
        expect(['scaled', 'unbiased', 'none'], text).toContain(result.advantage.kind);
      }),
    ).rejects.toThrow('Property failed');
  });

  /** Runs `check` on MDPs whose root has the greatest entropy of all states. */
  const rootForked = (entropy: Entropy, check: (result: Audit, text: string) => void) =>
    fc.assert(
      fc.asyncProperty(smallMdp(), async (mdp) => {
        const [root, ...others] = entropies(mdp);
        fc.pre(others.every((other) => other < root! - 1e-9));
        const result = await audit({
          algorithm: carl as AnyAlgorithm,
          options: carl.schema.parse({ initial: 1, forks: 1, entropy }),
          ...playable(mdp),
        });
        check(result, describeMdp(mdp));
      }),
      { numRuns: 50, seed: 0 },
    );
});

describe('CARL on stop-or-search: expected / exact gradient at the root and at the leaf', () => {
  const at = (entropy: Entropy, initial: number, forks: number, logits?: readonly [number, number]) => {
    const [search, a] = logits ?? [0.4, -0.6];
    return audit({
      algorithm: carl as AnyAlgorithm,
      options: carl.schema.parse({ initial, forks, entropy }),
      environment: stopOrSearch(),
      task: STOP_OR_SEARCH_TASK,
      policy: createTabularPolicy({
        initial: ({ text }, action) => (text === 'start' ? [0, search] : [a, 0])[action]!,
      }),
    });
  };

  // Entropies 0.672 nats at the root and 0.650 at the leaf.
  it.each<[Entropy, number, number, number, number]>([
    ['surprisal', 1, 1, -1.282147, 0.5],
    ['exact', 1, 1, 1, 0],
    ['random', 1, 1, 0.75, 0.5],
    ['surprisal', 1, 2, 0.458877, 1.724744],
    ['exact', 1, 2, 1.267542, 1.401312],
    ['random', 1, 2, 1.334062, 1.250547],
    ['surprisal', 1, 3, 0.800061, 2.738181],
    ['exact', 1, 3, 1.721664, 2.161052],
    ['random', 1, 3, 1.80491, 2.141575],
    ['surprisal', 1, 4, 0.635647, 3.497668],
    ['exact', 1, 4, 2.172494, 3.18936],
    ['surprisal', 2, 1, 0.267542, 1.488515],
    ['exact', 2, 1, 0.267542, 1.401312],
    ['random', 2, 1, 1.06725, 0.800437],
    ['surprisal', 2, 2, -1.595187, 2.725653],
    ['exact', 2, 2, 1.721664, 2.161052],
    ['random', 2, 2, 1.774845, 1.7314],
  ])('%s forking, N0 = %d, N = %d: %d and %d', async (entropy, initial, forks, root, leaf) => {
    const result = await at(entropy, initial, forks);
    expect(result.method).toBe('exact');
    expect(ratio(result, 'start: search')).toBeCloseTo(root, 6);
    expect(ratio(result, 'found: A')).toBeCloseTo(leaf, 6);
    expect(result.gradient.kind).toBe('biased');
  });

  // Logits 1.5 and 0.2: entropies 0.474 at the root, 0.688 at the leaf. Whether the leaf competes depends on
  // the first action, so the exact entropy sees what was sampled, too: the root is forked after 'stop' only.
  it.each<[Entropy, number, number, number, number]>([
    ['surprisal', 1, 1, 0.5, 1],
    ['exact', 1, 1, 0.5, 1],
    ['random', 1, 1, 0.75, 0.5],
    ['exact', 1, 2, 1.121617, 1.182426],
    ['exact', 1, 3, 1.146576, 2.39813],
    ['exact', 2, 2, 0.146576, 2.39813],
    ['surprisal', 2, 2, 1.47991, 2.033279],
  ])('%s forking, more entropy at the leaf, N0 = %d, N = %d: %d and %d', async (...row) => {
    const [entropy, initial, forks, root, leaf] = row;
    const result = await at(entropy, initial, forks, [1.5, 0.2]);
    expect(ratio(result, 'start: search')).toBeCloseTo(root, 6);
    expect(ratio(result, 'found: A')).toBeCloseTo(leaf, 6);
    expect(result.advantage.kind).toBe('biased');
  });

  it('agrees with the closed form at N0 = N = 1', async () => {
    // Surprisal forks the root unless the first rollout was search, A. Pairs of root actions that differ:
    // after stop (0.3 against a fresh q), and after search, B (0 against 0.3); equally likely.
    const q = 1 / (1 + Math.exp(-STOP_OR_SEARCH_LOGITS.A));
    const closed = (q - 0.3 - (1 - q) * 0.3) / 2 / (q - 0.3);
    expect(ratio(await at('surprisal', 1, 1), 'start: search')).toBeCloseTo(closed, 9);
  });
});

describe('the other rules can turn a sign, too', () => {
  const chain = (length: number): TreeSpec | number => (length === 0 ? 1 : { on: chain(length - 1) });
  // As stop-or-search, but A leads to the state of greatest entropy, which is forked whenever it was reached:
  // the root is then forked only if searching went badly.
  const entropic: TreeSpec = { stop: 0.3, search: { A: { x: 1, y: 1 }, B: 0 } };
  // Or A leads to a long way without choices, which draws random forks away from the root: with q = P(A) the
  // root's ratio is ((q - 0.3) / 2 + (0.7 q / 10 - 0.3 (1 - q) / 2) / 2) / (q - 0.3).
  const long: TreeSpec = { stop: 0.3, search: { A: chain(8), B: 0 } };
  it.each<[string, Entropy, TreeSpec, number, number]>([
    ['an entropic end', 'surprisal', entropic, -1.282147, 0.5],
    ['an entropic end', 'exact', entropic, -1.282147, 0],
    ['an entropic end', 'random', entropic, 0.369642, 0.416667],
    ['a long way', 'exact', long, 1, 0],
    ['a long way', 'random', long, -0.1628588, 0.3],
  ])('%s, %s forking, N0 = N = 1', async (_, entropy, tree, root, below) => {
    const result = await audit({
      algorithm: carl as AnyAlgorithm,
      options: carl.schema.parse({ initial: 1, forks: 1, entropy }),
      environment: treeEnvironment(tree),
      task: treeTask(tree),
      policy: createTabularPolicy({
        initial: ({ text }, action) =>
          text === '/' ? [0, 0.4][action]! : text === '/search' ? [-0.6, 0][action]! : 0,
      }),
    });
    expect(ratio(result, '/: search')).toBeCloseTo(root, 6);
    expect(ratio(result, '/search: A')).toBeCloseTo(below, 6);
    expect(result.gradient.flipped).toEqual(root < 0 ? ['/: stop', '/: search'] : []);
  });
});

function entropies(choice: MdpChoice): number[] {
  const weights = choice.map(({ logit }) => Math.exp(logit));
  const sum = weights.reduce((a, b) => a + b);
  const entropy = weights.reduce((total, weight) => total - (weight / sum) * Math.log(weight / sum), 0);
  return [entropy, ...choice.flatMap(({ next }) => (next === undefined ? [] : entropies(next)))];
}
