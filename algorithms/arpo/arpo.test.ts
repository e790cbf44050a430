import { describe, expect, it } from 'vitest';
import { checkAlgorithm } from '../../bench/audit/check-algorithm.ts';
import { enumerate } from '../../bench/audit/enumerate.ts';
import { rollout } from '../../bench/rollout/engine.ts';
import { trainingRows } from '../../bench/training/update.ts';
import { createRandom, type Random } from '../../core/random.ts';
import { treeEnvironment, treeTask } from '../../envs/diagnostic/random-tree.ts';
import { createTabularPolicy } from '../../policies/tabular/index.ts';
import type { AnyAlgorithm } from '../algorithm.ts';
import { exactBias } from '../exact-bias.test-helper.ts';
import { grpo } from '../grpo/index.ts';
import { evaluateLoss } from '../objective.ts';
import { searchBias } from '../shared/information-gain.test-helper.ts';
import { chains, sketchTree } from '../sketch.test-helper.ts';
import { leaves, path, type RolloutTree } from '../tree.ts';
import { type ArpoOptions, arpo, arpoAdvantages } from './index.ts';
import { branchOnTheWay } from './on-the-way.test-helper.ts';
import { arpoPlan } from './plan.ts';

const defaults = arpo.schema.parse({});
const random = createRandom(0);

/** Marks every action that does not end the episode as a tool call. */
const withTools = (tree: RolloutTree): RolloutTree => ({
  ...tree,
  edges: tree.edges.map((edge) => (tree.nodes[edge.to]!.end === 'open' ? { ...edge, tool: true } : edge)),
});

// Up to three actions, two of them tool calls; every state with an entropy of its own.
const spec = { a: { a: { a: 1, b: 0 }, b: 0.2 }, b: 0.5 };
const environment = treeEnvironment(spec);
const task = treeTask(spec);
const logits: Readonly<Record<string, number>> = { '/': 2, '/a': 0.2, '/a/a': -1 };
const policy = createTabularPolicy({ initial: ({ text }, action) => (action === 0 ? logits[text]! : 0) });
const grow = async (options: ArpoOptions, draws: Random): Promise<RolloutTree> => {
  const [tree] = await rollout({
    environment,
    policy,
    plan: (grown, own) => arpoPlan(grown, options, own),
    tasks: [task],
    random: draws,
    sampling: { temperature: 1 },
  });
  return tree!;
};

/** All rollouts in the order in which they began, as `shared actions > all actions`. */
function describeRollouts(tree: RolloutTree): string {
  return leaves(tree)
    .map((leaf) => {
      const edges = path(tree, leaf);
      const start = edges.findLast((edge) => edge.start)!;
      return { id: start.id, text: `${edges.indexOf(start)}>${edges.map(({ action }) => action).join('')}` };
    })
    .toSorted((a, b) => a.id - b.id)
    .map(({ text }) => text)
    .join(' ');
}

async function distribution(of: (draws: Random) => Promise<string>): Promise<Map<string, number>> {
  const result = new Map<string, number>();
  await enumerate(of, (key, probability) => void result.set(key, (result.get(key) ?? 0) + probability));
  return result;
}

/** Half the sum of the absolute differences: 0 for the same distribution, 1 for nothing in common. */
function distance(a: ReadonlyMap<string, number>, b: ReadonlyMap<string, number>): number {
  const keys = new Set([...a.keys(), ...b.keys()]);
  return [...keys].reduce((sum, key) => sum + Math.abs((a.get(key) ?? 0) - (b.get(key) ?? 0)), 0) / 2;
}

describe('deciding turn by turn when the rollouts are whole', () => {
  const planned = (options: ArpoOptions) =>
    distribution(async (draws) => describeRollouts(await grow(options, draws)));
  const direct = (options: ArpoOptions) =>
    distribution((draws) => branchOnTheWay(options, environment, task, policy, draws));

  // equation (arpo): initial rollouts
  // equation (arpo): P(branch)
  it.each([
    { rollouts: 4, initial: 2, beta: 0.5 },
    { rollouts: 4, initial: 2, beta: 0.5, entropyOf: 'reaction' },
    // Fresh rollouts begin here, and branch in their turn.
    { rollouts: 4, initial: 1, beta: 0.2 },
    { rollouts: 4, initial: 1, beta: 0.9, entropyOf: 'reaction', alpha: 0.2 },
    { rollouts: 4, initial: 3, alpha: 1 },
    { rollouts: 3, initial: 1, alpha: 0, beta: 0 },
  ] as const)('has the distribution of branching on the way, with %j', async (chosen) => {
    const options = arpo.schema.parse({ vocabulary: 2, ...chosen });
    const [a, b] = [await planned(options), await direct(options)];
    expect([...a.values()].reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 12);
    expect(distance(a, b)).toBeLessThan(1e-12);
  });

  it('would not with another rule', async () => {
    const options = arpo.schema.parse({ rollouts: 4, initial: 2, beta: 0.5, vocabulary: 2 });
    const actual = await planned(options);
    for (const other of [
      { entropyOf: 'reaction' as const },
      { beta: 0 },
      { beta: 0.4 },
      { initial: 1 },
      { tokens: 1, vocabulary: 3 },
    ]) {
      expect(distance(actual, await direct({ ...options, ...other })), JSON.stringify(other)).toBeGreaterThan(
        1e-3,
      );
    }
  });
});

describe('ARPO plan', () => {
  // equation (arpo): initial rollouts
  // equation (arpo): a branch shares everything
  it('spends its budget exactly, one branch per rollout and turn, after tool results only', async () => {
    for (let seed = 0; seed < 40; seed++) {
      const options = arpo.schema.parse({ rollouts: 12, initial: 5, alpha: 0.7 });
      const tree = await grow(options, createRandom(seed));
      expect(leaves(tree)).toHaveLength(12);
      for (const node of tree.nodes) {
        const branches = node.children.filter((id) => tree.edges[id]!.start);
        if (node.id === 0) continue;
        expect(branches.length).toBeLessThanOrEqual(1);
        if (branches.length > 0) expect(tree.edges[node.parent!]!.tool).toBe(true);
      }
    }
  });

  it('begins with the initial rollouts, no more than the budget, and ends with it', () => {
    expect(arpoPlan(chains([]), defaults, random)).toHaveLength(8);
    expect(arpoPlan(chains([]), { ...defaults, rollouts: 3 }, random)).toHaveLength(3);
    expect(arpoPlan(chains(Array(16).fill(0)), defaults, random)).toEqual([]);
  });

  it('never branches where no tool answered: it begins afresh', () => {
    const tree = sketchTree([{ next: [{ end: 1 }] }]);
    expect(arpoPlan(tree, { ...defaults, alpha: 1 }, random)).toEqual([{ node: 0 }]);
    expect(arpoPlan(withTools(tree), { ...defaults, alpha: 1 }, random)).toEqual([{ node: 1 }]);
  });

  // Two rollouts, two calls each; entropies by surprisal.
  const two = withTools(
    sketchTree([
      { surprisal: 1, next: [{ surprisal: 3, next: [{ surprisal: 2, end: 1 }] }] },
      { surprisal: 2, next: [{ surprisal: 1, next: [{ surprisal: 4, end: 0 }] }] },
    ]),
  );
  const decide = (options: Partial<ArpoOptions>, tree = two) =>
    arpoPlan(
      tree,
      { ...defaults, rollouts: 8, rule: 'threshold', vocabulary: 3, beta: 1, ...options },
      random,
    );

  it('goes on to the next turn where nothing branches, and leaves later turns to later calls', () => {
    // The entropy of the call against the rollout's first: 0, 2 in the first rollout, 0, -1 in the second.
    expect(decide({})).toEqual([{ node: 2 }]);
    // alpha 0.6 is above the threshold of 0.5 at a rise of 0: both branch in the first turn.
    expect(decide({ alpha: 0.6 })).toEqual([{ node: 1 }, { node: 4 }]);
    expect(decide({ alpha: 0.6, rollouts: 3 })).toEqual([{ node: 1 }]);
    // Of the reaction against the trajectory's opening: 2, 1 and -1, 2.
    expect(decide({ entropyOf: 'reaction' })).toEqual([{ node: 1 }]);
    expect(decide({ entropyOf: 'reaction', threshold: 2.4 })).toEqual([{ node: 0 }]);
    expect(decide({ entropyOf: 'reaction', threshold: 2.2 })).toEqual([{ node: 1 }]);
  });

  // equation (arpo): H = sum of the entropies
  it('divides the summed entropies of the first tokens by ln |V|', () => {
    // The rise is 2 nats at node 2: over ln 3 it is 1.82, over ln 4096 it is 0.24.
    expect(decide({ threshold: 2.3 })).toEqual([{ node: 2 }]);
    expect(decide({ threshold: 2.33 })).toEqual([{ node: 0 }]);
    expect(decide({ threshold: 0.74, vocabulary: 4096 })).toEqual([{ node: 2 }]);
    expect(decide({ threshold: 0.75, vocabulary: 4096 })).toEqual([{ node: 0 }]);
    const long = {
      ...two,
      edges: two.edges.map((edge) =>
        edge.id === 1
          ? { ...edge, entropies: [...Array(19).fill(0), 2.5, 9, 9], tokens: Array(22).fill(0) }
          : edge,
      ),
    };
    // Tokens 20 and 21 do not count: 2.5 - 1 = 1.5 nats.
    expect(decide({ threshold: 1.86 }, long)).toEqual([{ node: 2 }]);
    expect(decide({ threshold: 1.87 }, long)).toEqual([{ node: 0 }]);
    expect(decide({ threshold: 1.87, tokens: 21 }, long)).toEqual([{ node: 2 }]);
  });

  // equation (arpo): dH = H - H_first
  it('compares a branch with its own first action, and decides no turn twice', () => {
    // The second rollout forked the first after its first call (node 1), in the next call of the plan.
    const forked = withTools(
      sketchTree([
        {
          surprisal: 5,
          next: [
            { surprisal: 1, next: [{ surprisal: 1, end: 0 }] },
            { surprisal: 1, round: 1, start: true, next: [{ surprisal: 3, next: [{ end: 0 }] }] },
          ],
        },
      ]),
    );
    // Second turn, nodes 2 and 4: rises -4 and 0. Third turn, node 5: 3 - 1 = 2.
    expect(decide({ alpha: 0.6 }, forked)).toEqual([{ node: 4 }]);
    expect(decide({}, forked)).toEqual([{ node: 5 }]);
    // Were it compared with the trajectory's first action (5), it would never branch.
    expect(decide({ threshold: 2.3 }, forked)).toEqual([{ node: 5 }]);
  });
});

describe('ARPO credit', () => {
  // One action shared by the leaves 1 and 0, which are 2 and 3 actions long; another leaf of 1.
  const tree = sketchTree([
    { name: 's', next: [{ end: 1 }, { round: 1, start: true, next: [{ end: 0 }] }] },
    { name: 'alone', end: 1 },
  ]);
  const rowsOf = (options: Partial<ArpoOptions>) =>
    arpo
      .credit([tree], { ...defaults, epsilon: 0, ...options }, random)
      .actions.map(({ edge, advantage, sequence }) => [
        tree.edges[edge]!.action,
        Number((advantage as number).toFixed(4)),
        sequence,
      ]);
  const [good, bad] = [0.5774, -1.1547]; // (1 - 2/3) / std, std of 1, 0, 1 = 0.5774

  // equation (arpo): soft
  // equation (arpo): A_i
  // equation (arpo): PPO-clip, one sequence per leaf
  it('soft: every leaf a row of all its actions, shared ones included', () => {
    expect(rowsOf({})).toEqual([
      ['s', good, '0/2'],
      ['1', good, '0/2'],
      ['s', bad, '0/4'],
      ['2', bad, '0/4'],
      ['3', bad, '0/4'],
      ['alone', good, '0/5'],
    ]);
  });

  // equation (arpo): hard
  it('hard: shared actions have the mean of their leaves', () => {
    const mean = Number(((good! + bad!) / 2).toFixed(4));
    expect(rowsOf({ advantage: 'hard' }).map(([, value]) => value)).toEqual([
      mean,
      good,
      mean,
      bad,
      bad,
      good,
    ]);
  });

  it('is the same gradient for both where it was sampled, under a mean over tokens', () => {
    const gradient = (options: Partial<ArpoOptions>, move = 0) => {
      const chosen = { ...defaults, ...options };
      const rows = trainingRows([tree], arpo.credit([tree], chosen, random));
      const { gradient: gradients } = evaluateLoss(
        arpo.objective(chosen),
        rows,
        rows.map(({ oldLogProbs }) => oldLogProbs.map((value) => value + move)),
      );
      const sums = new Float64Array(tree.edges.length);
      for (const [i, { edge }] of rows.entries()) sums[edge]! += gradients[i]![0]!;
      return [...sums];
    };
    const close = (a: readonly number[], b: readonly number[]) =>
      Math.max(...a.map((value, i) => Math.abs(value - b[i]!)));
    expect(close(gradient({}), gradient({ advantage: 'hard' }))).toBeLessThan(1e-12);
    // The clip takes them apart: of a shared token soft may clip the good leaf's row and keep the bad one's.
    expect(close(gradient({}, 0.3), gradient({ advantage: 'hard' }, 0.3))).toBeGreaterThan(0.01);
    // So do means over sequences, where the leaves below are not equally long.
    const means = { aggregation: 'sequence-mean-token-mean' } as const;
    expect(close(gradient(means), gradient({ ...means, advantage: 'hard' }))).toBeGreaterThan(0.01);
  });

  it('of rollouts without a branch is that of GRPO; equal returns give exactly 0', () => {
    const flat = chains([1, 0, 0.5], 2);
    for (const advantage of ['soft', 'hard'] as const) {
      const own = arpo.credit([flat], { ...defaults, advantage }, random).actions;
      expect(own).toEqual(grpo.credit([flat], grpo.schema.parse({}), random).actions);
      expect(
        new Set(arpoAdvantages(chains([0.1, 0.1, 0.1]), { ...defaults, advantage, epsilon: 0 }).flat()),
      ).toEqual(new Set([0]));
      expect(arpoAdvantages(chains([0.7]), { ...defaults, advantage })).toEqual([[0.7]]);
    }
  });
});

describe('ARPO', () => {
  it.each([2, 3, 7, 16])('spends a budget of %d', async (rollouts) => {
    const options = arpo.schema.parse(arpo.budget(rollouts));
    expect(leaves(await grow(options, createRandom(1)))).toHaveLength(rollouts);
  });

  it('keeps the contract of algorithms', async () => {
    for (const options of [
      { rollouts: 6, initial: 3 },
      { rollouts: 6, initial: 2, advantage: 'hard', entropyOf: 'reaction', rule: 'threshold' },
    ]) {
      expect(await checkAlgorithm(arpo, { random, batches: 5, options })).toEqual([]);
    }
    expect(arpo.objective(defaults)).toMatchObject({
      aggregation: 'token-mean',
      kl: 0,
      clip: { low: 0.2, high: 0.2 },
    });
  });

  it.each([{ alpha: 1.1 }, { vocabulary: 1 }, { tokens: 0 }, { rule: 'always' }])('refuses %j', (options) => {
    expect(arpo.schema.safeParse(options).success).toBe(false);
  });
});

describe('the exact bias of ARPO (4 rollouts, 2 of them initial)', () => {
  const options = { rollouts: 4, initial: 2 };

  it.each<[object, 'plain' | 'own', number, number]>([
    [{}, 'plain', -3.5878, 1.9474],
    [{}, 'own', -2.3798, 1.1463],
    [{ advantage: 'hard' }, 'plain', -3.5878, 1.9474],
    [{ advantage: 'hard' }, 'own', -2.3798, 1.1463],
    [{ rule: 'threshold', threshold: 0.4 }, 'plain', -2.9222, 2.0183],
    // No branches at all: GRPO's.
    [{ initial: 4 }, 'plain', -4.4063, 1.8453],
  ])('on stop-or-search with %j, %s loss', async (chosen, objective, root, leaf) => {
    const found = await exactBias(arpo as AnyAlgorithm, { ...options, ...chosen }, { objective });
    expect(found.kind).toBe('biased');
    expect(found.root).toBeCloseTo(root, 3);
    expect(found.leaf).toBeCloseTo(leaf, 3);
  });

  it('on two searches', async () => {
    const { ratios } = await searchBias(arpo as AnyAlgorithm, options);
    for (const [i, value] of [0.0047, 12.6078, 2.233, 2.9469].entries()) {
      expect(ratios[i]).toBeCloseTo(value, 3);
    }
  });
});
