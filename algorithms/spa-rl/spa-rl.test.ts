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
import type { AnyAlgorithm } from '../algorithm.ts';
import { editEdges, tokens } from '../edit.test-helper.ts';
import { exactBias } from '../exact-bias.test-helper.ts';
import { chains, sketchTree } from '../sketch.test-helper.ts';
import type { RolloutTree } from '../tree.ts';
import { spaRewards, spaRl } from './index.ts';

const defaults = spaRl.schema.parse({});
const random = createRandom(0);

/** A tree in which the estimator says these values at the tokens of every edge, and the critic 0. */
const judged = (tree: RolloutTree, progress: readonly (readonly number[])[], tools: readonly number[] = []) =>
  editEdges(
    tree,
    Object.fromEntries(
      progress.map((values, edge) => [
        edge,
        {
          ...tokens(values.length),
          outputs: { progress: values, critic: values.map(() => 0) },
          ...(tools.includes(edge) ? { tool: true } : {}),
        },
      ]),
    ),
  );

describe('the step rewards of SPA-RL', () => {
  // A malformed action, a search and an answer of return 1; and an answer of return 0.
  const tree = judged(
    sketchTree([{ next: [{ next: [{ end: 1 }] }] }, { end: 0 }]),
    [[9, 0.1], [0.2], [0.4], [-0.1]],
    [1],
  );

  // equation (spa-rl): r_t = c_t
  it('are the output at the last token, and the grounding of valid actions', () => {
    expect(spaRewards(tree, defaults)).toEqual([0.1, 0.7, 0.9, 0.4]);
    expect(spaRewards(tree, { ...defaults, grounding: 0 })).toEqual([0.1, 0.2, 0.4, -0.1]);
  });

  it('do not ground an action that a limit cut', () => {
    const cut = {
      ...tree,
      nodes: tree.nodes.map((node) =>
        node.end === 'terminated' ? { ...node, end: 'truncated' as const } : node,
      ),
    };
    expect(spaRewards(cut, defaults)).toEqual([0.1, 0.7, 0.4, -0.1]);
  });

  // equation (spa-rl): r_t = R - mean
  it('as released are the return less the mean of the others, at every step', () => {
    const outcome = { ...defaults, stepReward: 'outcome' } as const;
    expect(spaRewards(tree, outcome)).toEqual([1, 1.5, 1.5, -0.5]);
    expect(spaRewards(judged(chains([0.7], 2), [[0], [0]], [0]), outcome)).toEqual([1.2, 1.2]);
  });

  // equation (spa-rl): GAE and a critic
  it('stand in place of the environment reward, and GAE adds them up from every step on', () => {
    const { actions } = spaRl.credit([tree], { ...defaults, whiten: false }, random);
    expect(actions.map(({ advantage }) => [advantage].flat().map((value) => value.toFixed(6)))).toEqual([
      ['1.700000', '1.700000'],
      ['1.600000'],
      ['0.900000'],
      ['0.400000'],
    ]);
    const richer = { ...tree, edges: tree.edges.map((edge) => ({ ...edge, reward: 5 })) };
    expect(spaRl.credit([richer], defaults, random)).toEqual(spaRl.credit([tree], defaults, random));
  });

  // equation (spa-rl): GAE and a critic
  it('are what the critic is trained on', () => {
    const [critic] = spaRl.heads!(defaults);
    const zeros = [tree.edges.map((edge) => new Float64Array(edge.tokens.length))];
    // Returns 1.7, 1.7, 1.6, 0.9 and 0.4, values 0.
    expect(critic!.loss([tree])(zeros).loss).toBeCloseTo((2 * 1.7 ** 2 + 1.6 ** 2 + 0.81 + 0.16) / 10, 12);
  });
});

describe('the progress estimator', () => {
  const [, head] = spaRl.heads!(defaults);
  const tree = judged(chains([1, 0.25], 2), [[0, 0], [0], [0], [0, 0, 0]]);
  const at = (values: readonly (readonly number[])[]) =>
    head!.loss([tree])([values.map((row) => Float64Array.from(row))]);

  // equation (spa-rl): min mean
  it('has the mean squared miss of the sums for a loss, over the last tokens alone', () => {
    const { loss, gradients } = at([[7, 0.5], [0.3], [0.1], [7, 7, 0.05]]);
    expect(loss).toBeCloseTo((0.2 ** 2 + 0.1 ** 2) / 2, 12);
    expect(gradients[0]!.map((row) => [...row].map((gradient) => Number(gradient.toFixed(9))))).toEqual([
      [0, -0.2],
      [-0.2],
      [-0.1],
      [0, 0, -0.1],
    ]);
  });

  it('is not asked for where rewards are as released', () => {
    expect(spaRl.heads!({ ...defaults, stepReward: 'outcome' }).map(({ name }) => name)).toEqual(['critic']);
    expect(head).toMatchObject({ name: 'progress', sees: 'action' });
  });

  it('learns which action brought the return, as it sees the action', async () => {
    const policy = createTabularPolicy(STOP_OR_SEARCH_LOGITS);
    const sampling = { temperature: 1 };
    const trees = await rollout({
      environment: stopOrSearch(0),
      policy,
      plan: (sofar) => spaRl.next(sofar, { ...defaults, groupSize: 200 }, random),
      tasks: [STOP_OR_SEARCH_TASK],
      random: createRandom(3),
      sampling,
    });
    const learned = async (sees: 'action' | undefined) => {
      const options = { ...defaults, progressSteps: 300, progressLearningRate: 0.02 };
      const { sees: _, ...blind } = spaRl.heads!(options)[1]!;
      const [state] = headStates([sees === undefined ? blind : { ...blind, sees }]);
      const { trees: read, features } = await readHeads(trees, [state!], policy, sampling);
      const trained = trainHead(state!, read, features[0]!).state;
      const [tree] = (await readHeads(trees, [trained], policy, sampling)).trees;
      const of = (action: string) =>
        tree!.edges.find((edge) => edge.action === action)!.outputs!.progress![0]!;
      return { stop: of('stop'), search: of('search'), A: of('A'), B: of('B') };
    };
    const seen = await learned('action');
    expect(seen.stop).toBeCloseTo(0.3, 1);
    expect(seen.search + seen.A).toBeCloseTo(1, 1);
    expect(seen.search + seen.B).toBeCloseTo(0, 1);
    // Without the action A and B are one: an answer could not be told from another.
    const unseen = await learned(undefined);
    expect(unseen.A).toBe(unseen.B);
  });
});

describe('SPA-RL', () => {
  it('keeps the contract of algorithms', async () => {
    // Equal returns teach something: every valid action is paid, so the longer trajectory earns more.
    const check = (options: object, constantRewards: 'zero' | 'any') =>
      checkAlgorithm(spaRl, {
        random: createRandom(1),
        options: { groupSize: 6, ...options },
        constantRewards,
      });
    expect(await check({}, 'any')).toEqual([]);
    expect(await check({ stepReward: 'outcome' }, 'any')).toEqual([]);
    expect(await check({ grounding: 0 }, 'zero')).toEqual([]);
    expect(await check({ stepReward: 'outcome', grounding: 0 }, 'zero')).toEqual([]);
    expect((await check({}, 'zero')).join()).toContain('equal returns');
  });

  it('spends the budget on independent rollouts', () => {
    expect(spaRl.schema.parse(spaRl.budget(6)).groupSize).toBe(6);
    expect(spaRl.next(chains([]), { ...defaults, groupSize: 3 }, random)).toHaveLength(3);
    expect(spaRl.next(chains([1]), defaults, random)).toEqual([]);
  });

  it.each([{ grounding: -1 }, { stepReward: 'none' }, { progressSteps: 0 }])('refuses %j', (options) => {
    expect(spaRl.schema.safeParse(options).success).toBe(false);
  });
});

describe('the exact bias of SPA-RL on stop-or-search (4 rollouts, outcome-only)', () => {
  type Setting = NonNullable<Parameters<typeof exactBias>[2]>;
  const bias = async (algorithm: AnyAlgorithm, options: object, setting: Setting) => {
    const found = await exactBias(algorithm, { groupSize: 4, ...options }, setting);
    const scale = setting.objective === 'own' ? 1 : 4;
    return { ...found, root: found.root / scale, leaf: found.leaf / scale };
  };

  // The estimator before training says 0: all that is paid is being valid, and choosing right is never learned.
  it.each<[object, Setting, number, number]>([
    [{}, {}, 31.146958, 0],
    [{}, { critic: 'zero' }, 31.853782, 0],
    [{}, { objective: 'own' }, 19.645183, 0],
    [{ whiten: false }, {}, 9.2007, 0],
    [{ whiten: false }, { critic: 'zero' }, 9.2007, 0],
    [{ stepReward: 'outcome' }, {}, 7.473553, 1.280371],
    [{ stepReward: 'outcome' }, { objective: 'own' }, 4.231437, 0.781995],
    [{ stepReward: 'outcome', whiten: false }, {}, 10.602012, 1],
    [{ stepReward: 'outcome', whiten: false, grounding: 0 }, {}, 1.401312, 1],
  ])(
    'before training with %j and %j is %d at the root, %d at the leaf',
    async (options, setting, root, leaf) => {
      const found = await bias(spaRl, options, setting);
      expect(found.root).toBeCloseTo(root, 5);
      expect(found.leaf).toBeCloseTo(leaf, 5);
      expect(found.kind).toBe('biased');
    },
  );

  /** SPA-RL with a perfect estimator: V(next) - V(here), and all of V at the start. */
  const { values } = stopOrSearchExact(0);
  const perfect: Readonly<Record<string, number>> = {
    stop: 0.3,
    search: values.get('found')!.value,
    A: 1 - values.get('found')!.value,
    B: -values.get('found')!.value,
  };
  const informed: AnyAlgorithm = {
    ...spaRl,
    credit: (trees, options, draws) =>
      spaRl.credit(
        trees.map((tree) => ({
          ...tree,
          edges: tree.edges.map((edge) => ({
            ...edge,
            outputs: { ...edge.outputs, progress: [perfect[edge.action]!] },
          })),
        })),
        options,
        draws,
      ),
  };

  it.each<[object, number, number, string]>([
    [{ whiten: false, grounding: 0 }, 1, 1, 'scaled'],
    [{ whiten: false, grounding: 0, lambda: 0.9 }, 1.652042, 1, 'biased'],
    [{ whiten: false }, 10.2007, 1, 'biased'],
    [{}, 16.54985, 1.283316, 'biased'],
  ])(
    'with a perfect estimator and %j is %d at the root, %d at the leaf: %s',
    async (options, root, leaf, kind) => {
      const found = await bias(informed, options, {});
      expect(found.root).toBeCloseTo(root, 5);
      expect(found.leaf).toBeCloseTo(leaf, 5);
      expect(found.kind).toBe(kind);
    },
  );
});
