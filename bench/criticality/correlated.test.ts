import { describe, expect, it } from 'vitest';
import { carl } from '../../algorithms/carl/index.ts';
import { configured } from '../../algorithms/configured.ts';
import { createRandom } from '../../core/random.ts';
import { STOP_OR_SEARCH_TASK, stopOrSearch } from '../../envs/diagnostic/stop-or-search.ts';
import type { Environment, Task } from '../../envs/environment.ts';
import { createTabularPolicy } from '../../policies/tabular/index.ts';
import { enumerate } from '../audit/enumerate.ts';
import { rollout } from '../rollout/engine.ts';
import { correlatedPolicy, correlatedSampling, type EdgeRow } from './correlated.ts';

const TASK: Task = { id: 'bandit', question: '', answers: [], kind: 'diagnostic', hops: 1 };
const PAYS = [0, 0.3, 1];
const bandit: Environment<'start' | 'end'> = {
  id: 'bandit/v1',
  markov: true,
  rewardRange: [0, 1],
  reset: () => 'start',
  observe: (state) => ({ text: state }),
  actions: () => PAYS.map(String),
  step: (_, action) => ({ state: 'end', reward: Number(action), terminated: true, truncated: false }),
  answer: () => '',
  key: (state) => state,
};
const policy = createTabularPolicy({ initial: (_, action) => [0.2, 0, -0.5][action]! });
const logits = [0.2, 0, -0.5].map(Math.exp);
const shares = logits.map((value) => value / logits.reduce((sum, other) => sum + other, 0));
const value = shares.reduce((sum, share, action) => sum + share * PAYS[action]!, 0);
const variance = shares.reduce((sum, share, action) => sum + share * (PAYS[action]! - value) ** 2, 0);

describe('correlated siblings of a one-step task, in closed form', () => {
  it('shrinks the advantage of n siblings to (1 - rho) (n - 1) / n of the truth', async () => {
    for (const children of [2, 3]) {
      const algorithm = configured(carl, { initial: children, forks: 0, updateRule: 'forked' });
      // Every root rollout is a sibling: CARL's credit under Eq. 13 to the letter.
      const siblings = { ...algorithm, credit: configured(carl, { updateRule: 'siblings' }).credit };
      const rows = await correlatedSampling({
        environment: bandit,
        task: TASK,
        policy,
        algorithm: siblings,
        sampling: { temperature: 1 },
        rhos: [0, 0.3, 1],
        trees: 'exact',
        random: createRandom(0),
      });
      const shrunk = (children - 1) / children;
      for (const row of rows.filter(({ state }) => state === 'start')) {
        expect(row.exact).toBeCloseTo(Number(row.action) - value, 12);
        expect(row.mean).toBeCloseTo((1 - row.rho) * shrunk * row.exact, 12);
        expect(row.count).toBeCloseTo(children * shares[PAYS.indexOf(Number(row.action))]!, 12);
      }
      for (const row of rows.filter(({ state }) => state === 'all')) {
        expect(row.slope).toBeCloseTo((1 - row.rho) * shrunk, 12);
        expect(row.variance).toBeCloseTo((1 - row.rho) * shrunk * variance, 12);
        expect(row.zeroShare).toBe(row.rho === 1 ? 1 : row.zeroShare);
      }
    }
  });
});

const request = {
  environment: stopOrSearch(),
  task: STOP_OR_SEARCH_TASK,
  policy: createTabularPolicy({
    initial: ({ text }, action) => (text === 'start' ? [0, 0.4] : [-0.6, 0])[action]!,
  }),
  sampling: { temperature: 1 },
  random: createRandom(0),
};
const at = (rows: readonly EdgeRow[], rho: number, action: string): EdgeRow =>
  rows.find((row) => row.rho === rho && row.action === action)!;

describe('CARL on stop-or-search with correlated siblings', () => {
  it('with rho 0 is CARL as it is', async () => {
    const algorithm = configured(carl, { initial: 1, forks: 1 });
    const rows = await correlatedSampling({ ...request, algorithm, rhos: [0], trees: 'exact' });
    let [count, sum] = [0, 0];
    await enumerate(
      async (random) => {
        const trees = await rollout({
          ...request,
          tasks: [request.task],
          plan: algorithm.next,
          random,
        });
        const { actions } = algorithm.credit(trees, random);
        return actions.filter(({ edge }) => trees[0]!.edges[edge]!.action === 'search');
      },
      (actions, probability) => {
        count += probability * actions.length;
        sum += actions.reduce((total, { advantage }) => total + probability * (advantage as number), 0);
      },
    );
    expect(at(rows, 0, 'search').count).toBeCloseTo(count, 12);
    expect(at(rows, 0, 'search').mean).toBeCloseTo(sum / count, 12);
  });

  it('turns the sign of searching under surprisal forking, and not under exact-entropy forking', async () => {
    for (const [entropy, sign] of [
      ['surprisal', -1],
      ['exact', 1],
    ] as const) {
      const algorithm = configured(carl, { initial: 1, forks: 1, entropy });
      const rows = await correlatedSampling({ ...request, algorithm, rhos: [0, 0.5, 1], trees: 'exact' });
      expect(at(rows, 0, 'search').exact).toBeGreaterThan(0);
      expect(Math.sign(at(rows, 0, 'search').mean)).toBe(sign);
    }
  });

  it('with rho 1 has no signal at all, and one child under exact-entropy forking keeps (1 - rho) / 2', async () => {
    const algorithm = configured(carl, { initial: 1, forks: 1, entropy: 'exact' });
    const rows = await correlatedSampling({ ...request, algorithm, rhos: [0.5, 1], trees: 'exact' });
    expect(at(rows, 0.5, 'all').slope).toBeCloseTo(0.25, 12);
    for (const row of rows.filter(({ rho }) => rho === 1)) {
      expect(row.mean).toBe(0);
      expect(row.zeroShare).toBeCloseTo(1, 12);
    }
  });

  it('comes to the exact values by Monte Carlo, within its standard error', async () => {
    const algorithm = configured(carl, { initial: 1, forks: 1 });
    const settings = { ...request, algorithm, rhos: [0.25] };
    const exact = await correlatedSampling({ ...settings, trees: 'exact' });
    const sampled = await correlatedSampling({ ...settings, trees: 3000 });
    for (const row of sampled.filter(({ state }) => state !== 'all')) {
      const truth = at(exact, 0.25, row.action);
      expect(row.exact).toBeCloseTo(truth.exact, 12);
      expect(Math.abs(row.mean - truth.mean)).toBeLessThanOrEqual(3.5 * row.meanError! + 1e-12);
    }
    const [all, truth] = [at(sampled, 0.25, 'all'), at(exact, 0.25, 'all')];
    expect(Math.abs(all.slope! - truth.slope!)).toBeLessThan(3.5 * all.slopeError!);
    expect(all.slopeError!).toBeLessThan(0.02);
  });

  it('leaves the distribution of every single action as it is', async () => {
    let searched = 0;
    await enumerate(
      async (random) => {
        const acting = correlatedPolicy(request.policy, 0.6);
        const prompt = { text: 'start', actions: ['stop', 'search'] };
        const actions = await acting.act(
          [
            { prompt, random },
            { prompt, random },
          ],
          request.sampling,
        );
        return actions.map(({ text }) => text);
      },
      ([, second], probability) => {
        if (second === 'search') searched += probability;
      },
    );
    expect(searched).toBeCloseTo(1 / (1 + Math.exp(-0.4)), 12);
  });
});
