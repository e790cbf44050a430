import { describe, expect, it } from 'vitest';
import { carl } from '../../algorithms/carl/index.ts';
import { leaves } from '../../algorithms/tree.ts';
import { createRandom } from '../../core/random.ts';
import type { Environment, Task } from '../../envs/environment.ts';
import { createTabularPolicy } from '../../policies/tabular/index.ts';
import { rolloutCost } from './cost.ts';
import { rollout } from './engine.ts';

const task = (id: string): Task => ({ id, question: id, answers: ['x'], kind: 'k', hops: 1 });

/** Every episode takes `turns` actions, L or R; the state is the history. */
const binary = (turns: number): Environment<string> => ({
  id: 'binary/v1',
  markov: true,
  rewardRange: [0, 1],
  reset: ({ id }) => `${id}:`,
  observe: (state) => ({ text: state }),
  actions: () => ['L', 'R'],
  step: (state, action) => {
    const next = state + action;
    const terminated = next.split(':')[1]!.length === turns;
    return { state: next, reward: terminated && next.endsWith('L') ? 1 : 0, terminated, truncated: false };
  },
  answer: (state) => state,
});

const grow = (plan: Parameters<typeof rollout>[0]['plan'], tasks = [task('p'), task('q')], seed = 3) =>
  rollout({
    environment: binary(5),
    policy: createTabularPolicy(),
    plan,
    tasks,
    random: createRandom(seed),
    sampling: { temperature: 1 },
  });

describe('rollout', () => {
  it('gives a question the same rollouts whatever else is in the batch', async () => {
    const plan = carl.next;
    const options = carl.schema.parse({ initial: 2, forks: 4 });
    const alone = await grow((tree, random) => plan(tree, options, random), [task('p')]);
    const together = await grow((tree, random) => plan(tree, options, random));
    expect(together[0]).toEqual(alone[0]);
    expect(together[1]!.edges).not.toEqual(alone[0]!.edges);
  });

  it('continues a fork from the state it names and to the end', async () => {
    const [tree] = await grow((tree) =>
      tree.edges.length === 0 ? [{ node: 0 }] : leaves(tree).length < 3 ? [{ node: 2 }] : [],
    );
    const ends = leaves(tree!);
    expect(ends).toHaveLength(3);
    for (const leaf of ends) {
      expect(leaf.depth).toBe(5);
      expect(leaf.state).toMatch(new RegExp(`^${tree!.nodes[2]!.state}`));
    }
    expect(tree!.nodes[2]!.children).toHaveLength(3);
    expect(tree!.edges.filter((edge) => edge.start).map((edge) => [edge.from, edge.round])).toEqual([
      [0, 0],
      [2, 1],
      [2, 2],
    ]);
  });

  it('refuses to fork an episode that has ended or a node that is not there', async () => {
    await expect(grow((tree) => [{ node: tree.edges.length }])).rejects.toThrow(
      'node 5 cannot be forked: terminated',
    );
    await expect(grow(() => [{ node: 99 }])).rejects.toThrow('no such node');
  });

  it('stops when it is aborted', async () => {
    const controller = new AbortController();
    controller.abort(new Error('enough'));
    const work = rollout({
      environment: binary(2),
      policy: createTabularPolicy(),
      plan: () => [{ node: 0 }],
      tasks: [task('p')],
      random: createRandom(0),
      sampling: { temperature: 1 },
      signal: controller.signal,
    });
    await expect(work).rejects.toThrow('enough');
  });
});

describe('rolloutCost', () => {
  it('counts shared prefixes once: the trie of the prompts', async () => {
    const trees = await grow(
      (tree) => (tree.edges.length === 0 ? [{ node: 0 }, { node: 0 }] : []),
      [task('p')],
    );
    const prompts = new Map<string, number>();
    // Characters as tokens: prompts are 'p:', 'p:L', 'p:LR', …
    const cost = rolloutCost(trees, { promptTokens: ({ text }) => [...text].map((c) => c.charCodeAt(0)) });
    let plain = 0;
    for (const edge of trees[0]!.edges) {
      const { text } = trees[0]!.nodes[edge.from]!.prompt;
      plain += text.length;
      for (let length = 1; length <= text.length; length++) prompts.set(text.slice(0, length), 1);
    }
    expect(cost).toMatchObject({
      trajectories: 2,
      actions: 10,
      generatedTokens: 10,
      environmentCalls: 10,
      truncated: 0,
      prefillTokens: plain,
      prefillTokensShared: prompts.size,
    });
    expect(cost.prefillTokensShared).toBeLessThan(cost.prefillTokens);
  });
});

describe("CARL's published counts (reference 2.7)", () => {
  // T = 5, N = 16; the policy is uncertain to a similar degree everywhere (coefficient of variation <= 0.5).
  const count = async (initial: number, seeds: number) => {
    const options = carl.schema.parse({ initial, forks: 16 });
    let rolled = 0;
    let updated = 0;
    for (let seed = 0; seed < seeds; seed++) {
      const weights = createRandom(seed).split('logits');
      const policy = createTabularPolicy({
        initial: ({ text }, action) => 0.5 * weights.split(text, action).uniform(),
      });
      const [tree] = await rollout({
        environment: binary(5),
        policy,
        plan: (grown, random) => carl.next(grown, options, random),
        tasks: [task('p')],
        random: createRandom(seed),
        sampling: { temperature: 1 },
      });
      const { actions } = carl.credit([tree!], options, createRandom(0));
      expect(actions.length).toBeGreaterThanOrEqual(17); // Eq. 15
      expect(actions.length).toBeLessThanOrEqual(32);
      rolled += tree!.edges.length / seeds;
      updated += actions.length / seeds;
    }
    return { rolled, updated };
  };

  // Published actions per question (reference 2.10), with trajectories of 80.9 / 16 = 5.06 actions: CARL rolls
  // out 81.8 and updates 32.0, CARL-Lite 39.8 and 30.5. The reference's own simulations give 75 and 37 to 38
  // rolled-out actions. Eq. 14 says N0 / N + 1 / 2 of GRPO's, if the average fork leaves T / 2 actions to go.
  it.each([
    ['CARL', 8, 81.8, 32.0],
    ['CARL-Lite', 1, 39.8, 30.5],
  ])(
    '%s with N0 = %i rolls out about %f actions and updates about %f',
    async (_, initial, rolled, updated) => {
      const ours = await count(initial, 100);
      expect(Math.abs(ours.rolled / rolled - 1)).toBeLessThan(0.1);
      expect(Math.abs(ours.updated - updated)).toBeLessThan(2);
      expect(Math.abs(ours.rolled / (16 * 5) - (initial / 16 + 1 / 2))).toBeLessThan(0.1);
    },
  );

  it('Eq. 14 is exact where its assumption is: forks that leave T / 2 actions on average', async () => {
    // T = 6 and forks at depth 3: N0 * T + N * T / 2.
    const trees = await rollout({
      environment: binary(6),
      policy: createTabularPolicy(),
      plan: (tree) =>
        tree.edges.length === 0
          ? Array.from({ length: 8 }, () => ({ node: 0 }))
          : leaves(tree).length < 24
            ? [{ node: tree.nodes.find((node) => node.depth === 3)!.id }]
            : [],
      tasks: [task('p')],
      random: createRandom(0),
      sampling: { temperature: 1 },
    });
    expect(trees[0]!.edges.length / (16 * 6)).toBe(8 / 16 + 1 / 2);
  });
});
