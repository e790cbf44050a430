import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkAlgorithm } from '../../bench/audit/check-algorithm.ts';
import { createRandom } from '../../core/random.ts';
import { editEdges, tokens } from '../edit.test-helper.ts';
import { exactBias } from '../exact-bias.test-helper.ts';
import { chains, type Sketch, sketchTree } from '../sketch.test-helper.ts';
import { leaves, type RolloutTree } from '../tree.ts';
import { type Fate, hazardLoss, sigmoid } from './hazard.ts';
import { fateOf, pica, picaRewards } from './index.ts';

const defaults = pica.schema.parse({});
const random = createRandom(0);
const none = { monotone: 0, margin: 0.05 };
const logit = (h: number): number => Math.log(h / (1 - h));

describe('the survival loss', () => {
  const hazards = [0.1, 0.3, 0.2];
  const logits = hazards.map(logit);
  const survival = 0.9 * 0.7 * 0.8;

  // equation (pica): success
  // equation (pica): failure
  // equation (pica): h_t
  it.each<[string, Fate, number]>([
    ['a success', { failed: false }, -Math.log(survival)],
    ['a failure whose first error is not known', { failed: true }, -Math.log(1 - survival)],
    [
      'a failure from the second step on',
      { failed: true, firstError: 1 },
      -Math.log(1 - survival) - Math.log(0.3) - Math.log(0.9),
    ],
    [
      'a failure from the first step on',
      { failed: true, firstError: 0 },
      -Math.log(1 - survival) - Math.log(0.1),
    ],
  ])('of %s', (_, fate, expected) => {
    expect(hazardLoss(logits, fate, none).loss).toBeCloseTo(expected, 12);
  });

  it('with an off-by-one first error is another', () => {
    const right = hazardLoss(logits, { failed: true, firstError: 1 }, none).loss;
    expect(hazardLoss(logits, { failed: true, firstError: 2 }, none).loss).not.toBeCloseTo(right, 1);
  });

  // equation (pica): max(0
  it('asks hazards of a success to fall, of a failure to rise from the step into the first error on', () => {
    const hinge = (fate: Fate) =>
      hazardLoss(logits, fate, { monotone: 1, margin: 0.05 }).loss - hazardLoss(logits, fate, none).loss;
    expect(hinge({ failed: false })).toBeCloseTo(0.2 + 0.05, 12); // 0.1 to 0.3; the fall of 0.1 is enough
    expect(hinge({ failed: true, firstError: 1 })).toBeCloseTo(0.1 + 0.05, 12); // 0.3 to 0.2; the rise is enough
    expect(hinge({ failed: true, firstError: 2 })).toBeCloseTo(0.15, 12);
    expect(hinge({ failed: true })).toBe(0);
  });

  const fates = fc.constantFrom<Fate>(
    { failed: false },
    { failed: true },
    { failed: true, firstError: 0 },
    { failed: true, firstError: 1 },
  );
  const steps = (most: number) =>
    fc.array(fc.double({ min: -most, max: most, noNaN: true }), { minLength: 2, maxLength: 5 });

  it('has the gradients of its own value', () => {
    fc.assert(
      fc.property(steps(4), fates, (at, fate) => {
        const options = { monotone: 0.7, margin: 0.05 };
        const { gradients } = hazardLoss(at, fate, options);
        for (const t of at.keys()) {
          const moved = (by: number) =>
            hazardLoss(
              at.map((x, i) => (i === t ? x + by : x)),
              fate,
              options,
            ).loss;
          const step = 1e-6;
          // At a kink of the hinge both sides have their own gradient; it lies between them.
          const sides = [(moved(step) - moved(0)) / step, (moved(0) - moved(-step)) / step];
          expect(gradients[t]!).toBeGreaterThan(Math.min(...sides) - 1e-4);
          expect(gradients[t]!).toBeLessThan(Math.max(...sides) + 1e-4);
        }
      }),
    );
  });

  it('is finite however sure the model is', () => {
    fc.assert(
      fc.property(steps(5000), fates, (at, fate) => {
        const { loss, gradients } = hazardLoss(at, fate, { monotone: 1, margin: 0.05 });
        expect([loss, ...gradients].every(Number.isFinite)).toBe(true);
      }),
    );
    expect([sigmoid(-5000), sigmoid(5000), sigmoid(0)]).toEqual([0, 1, 0.5]);
  });
});

/** A tree in which these are the hazards at the last tokens, every edge but the last of a chain a tool call. */
const judged = (
  tree: RolloutTree,
  hazards: readonly number[],
  lengths: readonly number[] = [],
): RolloutTree =>
  editEdges(
    tree,
    Object.fromEntries(
      hazards.map((h, edge) => {
        const length = lengths[edge] ?? 1;
        return [
          edge,
          {
            ...tokens(length),
            ...(tree.nodes[tree.edges[edge]!.to]!.end === 'open' ? { tool: true } : {}),
            outputs: {
              hazard: [...new Array<number>(length - 1).fill(3), logit(h)],
              critic: new Array(length).fill(0),
            },
          },
        ];
      }),
    ),
  );

describe('the step rewards of PiCA', () => {
  // equation (pica): 0.3 [(1 - h_i)
  // equation (pica): 1.5 R
  it('are 0.3 [(1 - h) - 0.55] for a tool call, and 1.5 times the return at the end', () => {
    const rewards = picaRewards(judged(chains([0.8], 3), [0.2, 0.6, 0.9], [2, 1, 1]), defaults);
    for (const [i, expected] of [0.3 * 0.25, 0.3 * -0.15, 1.2].entries()) {
      expect(rewards[i]).toBeCloseTo(expected, 12);
    }
  });

  // equation (pica): 0.3 [(1 - h_i)
  it('are less from the fourth tool call on: 0.45, 0.675, ...', () => {
    const rewards = picaRewards(judged(chains([0], 6), new Array(6).fill(0.45)), defaults);
    for (const [i, expected] of [0, 0, 0, -0.3 * 0.45, -0.3 * 0.675, 0].entries()) {
      expect(rewards[i]).toBeCloseTo(expected, 12);
    }
  });

  it('count the tool calls of a trajectory, not its actions', () => {
    const tree = judged(chains([0], 6), new Array(6).fill(0.45));
    const malformed = editEdges(tree, {
      0: { ...tree.edges[0], tool: false },
      1: { ...tree.edges[1], tool: false },
    });
    const rewards = picaRewards(malformed, defaults);
    expect(rewards.slice(0, 2)).toEqual([0, 0]);
    for (const reward of rewards) expect(reward).toBeCloseTo(0, 12);
  });

  it('go with the last tool call where the limit of turns ended the episode', () => {
    const tree = editEdges(judged(chains([0.5], 1), [0.2]), { 0: {} });
    const cut = editEdges(tree, { 0: { ...tree.edges[0], tool: true } });
    expect(picaRewards(cut, defaults)[0]).toBeCloseTo(0.3 * 0.25 + 0.75, 12);
  });

  // equation (pica): GAE and a critic
  it('enter GAE: each action gets the sum from itself on', () => {
    const tree = judged(chains([0.8], 3), [0.2, 0.6, 0.9], [2, 1, 1]);
    const { actions } = pica.credit([tree], { ...defaults, whiten: false }, random);
    const expected = [[1.23, 1.23], [1.155], [1.2]];
    for (const [i, { advantage }] of actions.entries()) {
      for (const [t, value] of [advantage].flat().entries()) expect(value).toBeCloseTo(expected[i]![t]!, 12);
    }
  });
});

describe('the first error', () => {
  const withMilestones = (tree: RolloutTree, milestones: readonly (number | undefined)[]): RolloutTree => ({
    ...tree,
    nodes: tree.nodes.map((node, i) =>
      milestones[i] === undefined ? node : { ...node, milestones: milestones[i] },
    ),
  });
  const chain = judged(chains([0.4], 4), [0.1, 0.1, 0.1, 0.1]);
  const fate = (milestones: readonly (number | undefined)[], tree = chain) => {
    const known = withMilestones(tree, milestones);
    return fateOf(known, leaves(known)[0]!, defaults.success);
  };

  // equation (pica): z: the first tool call
  it('is the first tool call of a failed trajectory that reached no new milestone', () => {
    expect(fate([0, 1, 1, 2, 2])).toEqual({ failed: true, firstError: 1 });
    expect(fate([0, 0, 1, 2, 2])).toEqual({ failed: true, firstError: 0 });
  });

  // equation (pica): z: the first tool call
  it('is not known where every call reached one, nor where milestones are not known', () => {
    expect(fate([0, 1, 2, 3, 3])).toEqual({ failed: true });
    expect(fate([])).toEqual({ failed: true });
  });

  it('is looked for among tool calls alone, and in failures alone', () => {
    const malformed = editEdges(chain, { 0: { tool: false } });
    expect(fate([0, 0, 1, 1, 1], malformed)).toEqual({ failed: true, firstError: 2 });
    expect(fate([0, 0, 0, 0, 0], judged(chains([1], 4), [0.1, 0.1, 0.1, 0.1]))).toEqual({ failed: false });
  });

  // equation (pica): h_t
  it('enters the loss of the hazard model, which is a mean over trajectories at last tokens', () => {
    const [, head] = pica.heads!({ ...defaults, monotone: 0 });
    expect(head).toMatchObject({ name: 'hazard', sees: 'action' });
    const tree = withMilestones(
      judged(chains([1, 0], 2), [0.1, 0.1, 0.1, 0.1], [2, 1, 1, 1]),
      [0, 1, 1, 0, 0],
    );
    const outputs = [
      [[9, logit(0.1)], [logit(0.2)], [logit(0.3)], [logit(0.4)]].map((row) => Float64Array.from(row)),
    ];
    const { loss, gradients } = head!.loss([tree])(outputs);
    const failure = -Math.log(1 - 0.7 * 0.6) - Math.log(0.3);
    expect(loss).toBeCloseTo((-Math.log(0.9 * 0.8) + failure) / 2, 12);
    expect(gradients[0]![0]![0]).toBe(0);
    expect(gradients[0]![0]![1]).toBeCloseTo(0.1 / 2, 12);
    expect(head!.loss([withMilestones(tree, [])])(outputs).loss).toBeCloseTo(loss, 12);
    const unknown = { ...tree, nodes: tree.nodes.map(({ milestones: _, ...node }) => node) };
    expect(head!.loss([unknown])(outputs).loss).toBeCloseTo((-Math.log(0.72) - Math.log(1 - 0.42)) / 2, 12);
  });
});

describe('PiCA', () => {
  it('keeps the contract of algorithms', async () => {
    const check = (options: object, constantRewards: 'zero' | 'any') =>
      checkAlgorithm(pica, {
        random: createRandom(1),
        options: { groupSize: 6, ...options },
        constantRewards,
      });
    // Equal returns teach something: a tool call is paid for, or costs.
    expect(await check({}, 'any')).toEqual([]);
    expect(await check({ stepScale: 0 }, 'zero')).toEqual([]);
    expect((await check({}, 'zero')).join()).toContain('equal returns');
  });

  it('spends the budget on independent rollouts', () => {
    expect(pica.schema.parse(pica.budget(6)).groupSize).toBe(6);
    expect(pica.next(chains([]), { ...defaults, groupSize: 3 }, random)).toHaveLength(3);
    expect(pica.next(chains([1]), defaults, random)).toEqual([]);
  });

  it.each([{ stepBaseline: 1.1 }, { penalty: -1 }, { margin: -0.1 }, { hazardSteps: 0 }])(
    'refuses %j',
    (options) => {
      expect(pica.schema.safeParse(options).success).toBe(false);
    },
  );
});

describe('the exact bias of PiCA on stop-or-search (4 rollouts, outcome-only)', () => {
  type Setting = NonNullable<Parameters<typeof exactBias>[2]>;
  // The hazard model before training says 1/2 everywhere, so a search costs 0.3 * 0.05.
  it.each<[object, Setting, number, number, string]>([
    [{}, {}, -5.128022, 1.736651, 'biased'],
    [{}, { critic: 'zero' }, -6.897679, 1.632135, 'biased'],
    [{}, { objective: 'own' }, -3.572799, 1.047456, 'biased'],
    [{ whiten: false }, {}, 1.223979, 1.5, 'biased'],
    [{ whiten: false }, { critic: 'zero' }, 1.223979, 1.5, 'biased'],
    [{ whiten: false, stepScale: 0 }, {}, 1.5, 1.5, 'scaled'],
    [{ whiten: false, stepBaseline: 0.5 }, {}, 1.5, 1.5, 'scaled'],
  ])(
    'before training with %j and %j is %d at the root, %d at the leaf',
    async (options, setting, root, leaf, kind) => {
      const found = await exactBias(pica, { groupSize: 4, ...options }, setting);
      const scale = setting.objective === 'own' ? 1 : 4;
      expect(found.root / scale).toBeCloseTo(root, 5);
      expect(found.leaf / scale).toBeCloseTo(leaf, 5);
      expect(found.kind).toBe(kind);
    },
  );

  it('of its rewards is that of paying for a search: 1.5 R + 0.3 (1/2 - 0.55) per search', async () => {
    const { root } = await exactBias(pica, { groupSize: 4, whiten: false });
    // The same with an environment that pays for searching, in units of its own gradient without that pay.
    const paid = await exactBias(
      pica,
      { groupSize: 4, whiten: false, stepScale: 0 },
      { searchReward: (0.3 * -0.05) / 1.5 },
    );
    const exact = (bias: typeof paid) =>
      bias.result.gradient.components.find(({ name }) => name === 'start: search')!;
    expect(root * exact(await exactBias(pica, { groupSize: 1 })).exact).toBeCloseTo(exact(paid).expected, 9);
  });
});

it('takes sketches of any shape', () => {
  const deep = (left: number): Sketch => (left === 0 ? { end: 1 } : { next: [deep(left - 1)] });
  const tree = judged(sketchTree([deep(12)]), new Array(13).fill(0.999999));
  const { actions } = pica.credit([tree], defaults, random);
  expect(actions.flatMap(({ advantage }) => advantage).every(Number.isFinite)).toBe(true);
});
