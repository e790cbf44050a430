import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AnyAlgorithm } from '../../algorithms/algorithm.ts';
import { ALGORITHMS } from '../../algorithms/registry.ts';
import { chains } from '../../algorithms/sketch.test-helper.ts';
import { type RolloutTree, returnsOf } from '../../algorithms/tree.ts';
import { createRandom } from '../../core/random.ts';
import { lookAhead } from '../../envs/look-ahead.ts';
import { createTabularPolicy } from '../../policies/tabular/index.ts';
import { type MdpChoice, playable } from '../audit/small-mdp.ts';
import { rollout } from '../rollout/engine.ts';
import { describeCredit } from './describe.ts';
import { headStates, readHeads } from './heads.ts';
import { trainingRows } from './update.ts';

/** No baseline, or none of the question's own: what every rollout of a question is paid is a signal to them. */
const WITHOUT_QUESTION_BASELINE: readonly string[] = [
  'pica',
  'ppo',
  'random-credit',
  'reinforce',
  'reinforce-pp',
  'spa-rl',
];
/** A single rollout is compared with nothing, and its return (or a sign, random-credit) is the advantage. */
const KEEPS_SINGLE_RETURN: readonly string[] = [
  'aipo',
  'akbe',
  'arpo',
  'dapo',
  'eapo',
  'gigpo',
  'grpo',
  'gspo',
  'random-credit',
  'reinforce',
  'rloo',
  'shuffled-credit',
  'tao-rl',
];
const METHODS = ALGORITHMS.map((algorithm) => [algorithm.id, algorithm as AnyAlgorithm] as const);
/** Those that can credit independent rollouts, without anything measured beside them. */
const PLAIN = METHODS.filter(([, { needs, heads }]) => needs === undefined && heads === undefined).filter(
  ([id]) => id !== 'tree-grpo' && id !== 'vineppo',
);
const WITH_BASELINE = METHODS.filter(([id]) => !WITHOUT_QUESTION_BASELINE.includes(id));

/** What the algorithm's own plan grows on a question; its heads say 0, as before any training. */
async function grow(
  algorithm: AnyAlgorithm,
  options: unknown,
  mdp: MdpChoice,
  seed: number,
): Promise<RolloutTree> {
  const { environment, task, policy } = playable(mdp);
  const sampling = { temperature: 1 };
  const trees = await rollout({
    environment,
    policy,
    tasks: [task],
    random: createRandom(seed),
    plan: (tree, draws) => algorithm.next(tree, options, draws),
    measuring: { needs: algorithm.needs?.(options) ?? [] },
    expert: lookAhead(environment),
    sampling,
  });
  const { trees: read } = await readHeads(
    trees,
    headStates(algorithm.heads?.(options) ?? []),
    createTabularPolicy(),
    sampling,
  );
  return read[0]!;
}

function described(algorithm: AnyAlgorithm, options: unknown, trees: readonly RolloutTree[]) {
  const rows = trainingRows(trees, algorithm.credit(trees, options, createRandom(1)));
  return { rows, row: describeCredit(trees, rows) };
}

/** A question of one action or two, whose episodes end in one of two actions. */
const question = (rewards: readonly [number, number], length: number): MdpChoice => {
  const end = rewards.map((reward) => ({ logit: 0, reward }));
  return length === 1 ? end : [0, 1].map(() => ({ logit: 0, reward: 0, next: end }));
};

describe('questions without signal', () => {
  // Rounding leaves residues of 1e-17 of the means of these.
  const reward = fc.oneof(
    fc.constantFrom(0.1, 0.3, 0.4, 2 / 3, 0.7, -0.1),
    fc.double({ min: -1e3, max: 1e3, noNaN: true }),
  );

  it.each(WITH_BASELINE)('are those of equal returns: %s', async (_, algorithm) => {
    const cases = fc.record({
      rewards: fc.array(reward, { minLength: 3, maxLength: 3 }),
      rollouts: fc.integer({ min: 6, max: 12 }),
      length: fc.constantFrom(1, 2),
      seed: fc.integer({ min: 0, max: 1000 }),
    });
    await fc.assert(
      fc.asyncProperty(cases, async ({ rewards, rollouts, length, seed }) => {
        const options = algorithm.schema.parse(algorithm.budget(rollouts));
        const trees = await Promise.all(
          rewards.map((value, i) => grow(algorithm, options, question([value, value], length), seed + i)),
        );
        const { rows, row } = described(algorithm, options, trees);
        expect(row.zero_signal_questions).toBe(3);
        for (const { advantages } of rows) expect(advantages).toEqual(advantages.map(() => 0));
      }),
      { numRuns: 25 },
    );
  });

  it.each(METHODS)('are not those whose returns differ by a thousandth: %s', async (_, algorithm) => {
    // The estimator of progress attributes nothing before it is trained.
    const own = algorithm.id === 'spa-rl' ? { stepReward: 'outcome' } : {};
    const options = algorithm.schema.parse({ ...algorithm.budget(12), ...own });
    const trees = await Promise.all(
      Array.from({ length: 24 }, (_, seed) => grow(algorithm, options, question([0.4, 0.401], 1), seed)),
    );
    const differing = trees.filter((tree) => new Set(returnsOf(tree)).size > 1).length;
    expect(differing).toBeGreaterThan(20);
    const { row } = described(algorithm, options, trees);
    const signals = trees.length - (row.zero_signal_questions as number);
    // Some methods compare a few of the rollouts only (appo, akbe), and those may be equal.
    expect(signals).toBeGreaterThan(differing / 2);
  });

  it.each(PLAIN.filter(([id]) => !WITHOUT_QUESTION_BASELINE.includes(id)))(
    'are three of three whose means are rounded: %s',
    (_, algorithm) => {
      const trees = [chains(Array(3).fill(0.4)), chains(Array(4).fill(2 / 3)), chains(Array(3).fill(0.1))];
      expect(described(algorithm, algorithm.schema.parse({}), trees).row.zero_signal_questions).toBe(3);
      // Equal up to the order in which rewards were added.
      const sums = [0.1 + 0.2 + 0.3, 0.3 + 0.2 + 0.1, 0.6];
      expect(described(algorithm, algorithm.schema.parse({}), [chains(sums)]).row.zero_signal_questions).toBe(
        1,
      );
    },
  );

  it.each(PLAIN)('are those of a single rollout unless its return is kept: %s', (id, algorithm) => {
    const { rows, row } = described(algorithm, algorithm.schema.parse({}), [chains([0.1])]);
    const advantages = rows.flatMap((one) => one.advantages);
    // Kept or 0, and nothing in between.
    for (const advantage of advantages) expect([0, 0.1, 1, -1]).toContain(advantage);
    expect(row.zero_signal_questions).toBe(KEEPS_SINGLE_RETURN.includes(id) ? 0 : 1);
  });

  it('are told by the tokens that are trained, as is the mean advantage', () => {
    const tree = chains([1, 0]);
    const trees = [
      { ...tree, edges: tree.edges.map((edge) => ({ ...edge, tokens: [0, 0], logProbs: [-1, -1] })) },
    ];
    const actions = [
      { tree: 0, edge: 0, advantage: [1, 0], sequence: 'a' },
      { tree: 0, edge: 1, advantage: 0, sequence: 'b' },
    ];
    const describedWith = (change: object) =>
      describeCredit(trees, trainingRows(trees, { actions: [{ ...actions[0]!, ...change }, actions[1]!] }));
    expect(describedWith({})).toMatchObject({ zero_signal_questions: 0, advantage_mean: 0.25 });
    expect(describedWith({ weights: [0, 1] })).toMatchObject({ zero_signal_questions: 1, advantage_mean: 0 });
    // What is trained by negative log-likelihood has no advantage.
    const target = { tree: 0, edge: 1, advantage: 0, sequence: 'b', nllWeight: 1 };
    expect(describeCredit(trees, trainingRows(trees, { actions: [actions[0]!, target] }))).toMatchObject({
      advantage_mean: 0.5,
      update_tokens: 4,
    });
  });
});
