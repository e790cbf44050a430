import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkAlgorithm } from '../../bench/audit/check-algorithm.ts';
import { pearson } from '../../bench/stats/correlation.ts';
import { createRandom } from '../../core/random.ts';
import type { AnyAlgorithm } from '../algorithm.ts';
import { editEdges, tokens } from '../edit.test-helper.ts';
import { exactBias } from '../exact-bias.test-helper.ts';
import { grpo } from '../grpo/index.ts';
import { ppo } from '../ppo/index.ts';
import { chains, sketchTree } from '../sketch.test-helper.ts';
import type { RolloutTree } from '../tree.ts';
import { energies, energyVarianceCorrelation, energyWeights, reasoningTokens } from './energy.ts';
import { actFocus } from './index.ts';

const defaults = actFocus.schema.parse({});
const random = createRandom(0);

/** A tree whose edges are written like this, with these energies under the starting weights. */
const written = (
  tree: RolloutTree,
  texts: readonly (readonly (readonly [piece: string, energy: number])[])[],
): RolloutTree =>
  editEdges(
    tree,
    Object.fromEntries(
      texts.map((text, edge) => [
        edge,
        {
          ...tokens(text.length),
          pieces: text.map(([piece]) => piece),
          reference: text.map(([, energy]) => -energy),
          outputs: { critic: text.map(() => 0.1) },
        },
      ]),
    ),
  );

describe('reasoning tokens', () => {
  const classes = (...pieces: string[]) =>
    reasoningTokens({
      ...sketchTree([{ end: 1 }]).edges[0]!,
      ...tokens(pieces.length),
      pieces,
    });

  // equation (actfocus): [R]: reasoning tokens
  it('are those up to the one that completes the thought', () => {
    expect(classes('<think>', ' so', '</think>', '<search>', 'x', '</search>')).toEqual([
      true,
      true,
      true,
      false,
      false,
      false,
    ]);
    expect(classes('<think> so </', 'think> <search>', 'x</search>')).toEqual([true, true, false]);
    expect(classes('<think>a</thi', 'nk>', '<answer>', '</think>')).toEqual([true, true, false, false]);
  });

  // equation (actfocus): [R]: reasoning tokens
  it('are none where there is no tag, and all where the thought never ends', () => {
    expect(classes('move north')).toEqual([false]);
    expect(classes('<search>', 'x', '</search>')).toEqual([false, false, false]);
    expect(classes('<think>', ' and', ' so')).toEqual([true, true, true]);
    expect(classes('<thi', 'nk> and', ' so')).toEqual([true, true, true]);
  });
});

describe('energy weights', () => {
  const tree = written(sketchTree([{ next: [{ end: 1 }] }, { end: 0 }]), [
    [
      ['<think>', 0.1],
      ['</think>', 8],
      ['a', 1],
      ['b', 3],
    ],
    [['c', 2]],
    [['d', 2]],
  ]);

  // equation (actfocus): [R]: E_t
  // equation (actfocus): [R]: reasoning: w = 0.1
  it('are lambda on reasoning, and 1 + alpha z(E), cut to [-1, 1], on action tokens', () => {
    // Energies 1, 3, 2, 2: mean 2, population std sqrt(1/2), z = -1.41, 1.41, 0, 0, cut to -1 and 1.
    expect(energyWeights([tree], defaults)).toEqual([[[0.1, 0.1, 0.5, 1.5], [1], [1]]]);
    expect(energyWeights([tree], { reasoning: 0, alpha: 0 })).toEqual([[[0, 0, 1, 1], [1], [1]]]);
  });

  it('leave the energies of reasoning out of the statistics', () => {
    const other = written(sketchTree([{ next: [{ end: 1 }] }, { end: 0 }]), [
      [
        ['<think>', 40],
        ['</think>', 0],
        ['a', 1],
        ['b', 3],
      ],
      [['c', 2]],
      [['d', 2]],
    ]);
    expect(energyWeights([other], defaults)).toEqual(energyWeights([tree], defaults));
  });

  // equation (actfocus): [R]: reasoning: w = 0.1
  it('of action tokens have mean 1 and are above 0, whatever the energies', () => {
    const batch = fc.array(
      fc.array(fc.double({ min: 0, max: 60, noNaN: true }), { minLength: 1, maxLength: 5 }),
      {
        minLength: 1,
        maxLength: 6,
      },
    );
    fc.assert(
      fc.property(batch, fc.double({ min: 0, max: 0.99, noNaN: true }), (rows, alpha) => {
        const grown = written(
          chains(rows.map(() => 0)),
          rows.map((row) => row.map((energy) => ['x', energy] as const)),
        );
        const weights = energyWeights([grown], { reasoning: 0.1, alpha }).flat(2);
        expect(weights.reduce((a, b) => a + b, 0) / weights.length).toBeCloseTo(1, 9);
        expect(Math.min(...weights)).toBeGreaterThan(0);
      }),
    );
    // Cutting moves the mean: of 0, 0, 0, 9 without the division it would not be 1.
    const skewed = written(chains([0, 0, 0, 0]), [[['x', 0]], [['x', 0]], [['x', 0]], [['x', 9]]]);
    const weights = energyWeights([skewed], defaults).flat(2);
    expect(weights[3]! / weights[0]!).toBeCloseTo(1.5 / (1 - 0.5 / Math.sqrt(3)), 9);
  });

  it('are finite where the starting weights gave a token no chance, and where nothing acts', () => {
    const never = written(chains([1, 0]), [[['x', Number.POSITIVE_INFINITY]], [['x', 1]]]);
    expect(energies(never.edges[0]!)).toEqual([50]);
    expect(energyWeights([never], defaults)).toEqual([[[1.5], [0.5]]]);
    const thought = written(chains([1]), [[['<think>', 1]]]);
    expect(energyWeights([thought], defaults)).toEqual([[[0.1]]]);
    expect(energyWeights([], defaults)).toEqual([]);
  });
});

describe('ActFocus', () => {
  const tree = written(chains([1, 0]), [
    [
      ['<think></think>', 2],
      ['a', 1],
    ],
    [['b', 3]],
  ]);

  // equation (actfocus): N independent rollouts
  it.each([
    ['grpo', grpo],
    ['ppo', ppo],
  ] as const)('has the advantages of %s as they are', (host, algorithm: AnyAlgorithm) => {
    const own = actFocus.credit([tree], { ...defaults, host }, random).actions;
    const hosts = algorithm.credit([tree], algorithm.schema.parse({}), random).actions;
    expect(own.map(({ weights: _, ...action }) => action)).toEqual(hosts);
    expect(own.map(({ weights }) => weights)).toEqual([[0.1, 0.5], [1.5]]);
  });

  // equation (actfocus): [R]: sum w L / sum w
  it('divides by the sum of weights, so that reasoning takes nothing from the step', () => {
    expect(actFocus.objective(defaults).aggregation).toBe('token-mean');
  });

  it('has a critic with the PPO host alone, and reads the starting weights', () => {
    expect(actFocus.heads!(defaults)).toEqual([]);
    expect(actFocus.heads!({ ...defaults, host: 'ppo' }).map(({ name }) => name)).toEqual(['critic']);
    expect(actFocus.needs!(defaults)).toEqual(['pieces', 'reference']);
  });

  it('keeps the contract of algorithms', async () => {
    for (const host of ['grpo', 'ppo']) {
      const options = { groupSize: 6, host };
      expect(await checkAlgorithm(actFocus, { random: createRandom(1), options })).toEqual([]);
    }
  });

  // equation (actfocus): N independent rollouts
  it('spends the budget on independent rollouts', () => {
    expect(actFocus.schema.parse(actFocus.budget(6)).groupSize).toBe(6);
    expect(actFocus.next(chains([]), { ...defaults, groupSize: 3 }, random)).toHaveLength(3);
    expect(actFocus.next(chains([1]), defaults, random)).toEqual([]);
  });

  it.each([{ alpha: 1 }, { reasoning: -0.1 }, { host: 'rloo' }])('refuses %j', (options) => {
    expect(actFocus.schema.safeParse(options).success).toBe(false);
  });
});

describe('the diagnostic', () => {
  const question = (returns: readonly number[], reasoning: number, acting: number) =>
    written(
      chains(returns),
      returns.map(() => [['<think></think>', reasoning] as const, ['x', acting] as const]),
    );

  // equation (actfocus): diagnostic
  it('correlates the mean energy of each class with the variance of the returns, over questions', () => {
    const trees = [question([0, 0], 5, 1), question([0, 1], 4, 3), question([0.2, 0.6], 6, 2)];
    const found = energyVarianceCorrelation(trees);
    const variances = [0, 0.25, 0.04];
    expect(found.action).toBeCloseTo(pearson([1, 3, 2], variances)!, 12);
    expect(found.reasoning).toBeCloseTo(pearson([5, 4, 6], variances)!, 12);
    expect(found.action).toBeGreaterThan(0.8);
    expect(found.reasoning).toBeLessThan(0);
  });

  it('is null where nothing varies or nothing is of the class', () => {
    expect(energyVarianceCorrelation([])).toEqual({ action: null, reasoning: null });
    expect(energyVarianceCorrelation([question([0, 1], 1, 1), question([0, 1], 2, 3)])).toEqual({
      action: null,
      reasoning: null,
    });
    const listed = [[0, 0] as const, [0, 1] as const].map((returns, i) =>
      written(
        chains(returns),
        returns.map(() => [['go', i] as const]),
      ),
    );
    const found = energyVarianceCorrelation(listed);
    expect(found.action).toBeCloseTo(1, 12);
    expect(found.reasoning).toBeNull();
  });
});

describe('the exact bias of ActFocus on stop-or-search (4 rollouts, outcome-only)', () => {
  type Setting = NonNullable<Parameters<typeof exactBias>[2]>;
  // Every action is one action token, and the starting weights are those of now: the weight is the surprisal's.
  it.each<[object, Setting, number, number, string]>([
    [{}, {}, -7.077886, 2.150112, 'biased'],
    [{}, { objective: 'own' }, -4.723831, 1.305243, 'biased'],
    [{ alpha: 0 }, {}, -4.406283, 1.845305, 'biased'],
    [{ host: 'ppo' }, {}, -8.421661, 1.988035, 'biased'],
    [{ host: 'ppo' }, { critic: 'zero' }, -9.826729, 1.985261, 'biased'],
    [{ host: 'ppo', whiten: false }, {}, 0.355013, 1.219483, 'biased'],
    [{ host: 'ppo', whiten: false }, { critic: 'zero' }, -3.3786, 1.544035, 'biased'],
    [{ host: 'ppo', whiten: false, alpha: 0 }, {}, 1, 1, 'scaled'],
  ])('with %j and %j is %d at the root, %d at the leaf', async (options, setting, root, leaf, kind) => {
    const found = await exactBias(actFocus, { groupSize: 4, ...options }, setting);
    const scale = setting.objective === 'own' ? 1 : 4;
    expect(found.root / scale).toBeCloseTo(root, 4);
    expect(found.leaf / scale).toBeCloseTo(leaf, 4);
    expect(found.kind).toBe(kind);
  });
});
