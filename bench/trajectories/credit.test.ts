import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AnyAlgorithm } from '../../algorithms/algorithm.ts';
import { carl } from '../../algorithms/carl/index.ts';
import { configured } from '../../algorithms/configured.ts';
import { grpo } from '../../algorithms/grpo/index.ts';
import { ppo } from '../../algorithms/ppo/index.ts';
import { ALGORITHMS } from '../../algorithms/registry.ts';
import { rloo } from '../../algorithms/rloo/index.ts';
import { createRandom } from '../../core/random.ts';
import { creditOf } from './credit.ts';
import { growTree } from './grow.ts';
import { trajectoryOf, turnOf } from './made-up.test-helper.ts';
import { MERGES, type Merge } from './merge.ts';
import type { Trajectory } from './trajectory.ts';

const say = (algorithm: AnyAlgorithm, group: readonly Trajectory[], merge: Merge, options = {}) => {
  const credit = creditOf([growTree(group, merge)], configured(algorithm, options), createRandom(0));
  if ('lacks' in credit) return credit.lacks;
  return credit.credits[0]!.map((turns) => turns.map((turn) => turn && [...turn]));
};

/** All models that methods train beside the policy. */
const HEADS = [
  ...new Set(ALGORITHMS.flatMap((one) => configured(one as AnyAlgorithm).heads.map(({ name }) => name))),
];

/** Four rollouts; the first two share their first turn. */
const GROUP = [
  trajectoryOf('a', [turnOf([1, 2]), turnOf([3])], 1),
  trajectoryOf('b', [turnOf([1, 2]), turnOf([4])], 0),
  trajectoryOf('c', [turnOf([5])], 0),
  trajectoryOf('d', [turnOf([6])], 0),
];

describe('the credit of trajectories', () => {
  it('is the advantage of each by a rule for trajectories, merged or not', () => {
    for (const merge of ['none', 'turns', 'tokens'] as const) {
      expect(say(rloo, GROUP, merge)).toEqual([
        [[1, 1], [1]],
        [[-1 / 3, -1 / 3], [-1 / 3]],
        [[-1 / 3]],
        [[-1 / 3]],
      ]);
    }
  });

  it('of a shared action is given once by a rule for actions, to the first trajectory', () => {
    // V(root) = (1/2 + 0 + 0) / 3; the fork is after the first turn, V = 1/2.
    expect(say(carl, GROUP, 'turns')).toEqual([
      [undefined, [0.5]],
      [undefined, [-0.5]],
      [undefined],
      [undefined],
    ]);
    const all = say(carl, GROUP, 'turns', { updateRule: 'siblings' });
    expect(all).toEqual([[[0.5 - 1 / 6, 0.5 - 1 / 6], [0.5]], [undefined, [-0.5]], [[-1 / 6]], [[-1 / 6]]]);
  });

  it('is in the order of the trajectories of the file, not of the tree', () => {
    const swapped = [GROUP[3]!, GROUP[1]!, GROUP[0]!, GROUP[2]!];
    expect(say(rloo, swapped, 'turns')).toEqual([
      [[-1 / 3]],
      [[-1 / 3, -1 / 3], [-1 / 3]],
      [[1, 1], [1]],
      [[-1 / 3]],
    ]);
  });

  it('says what is lacking: what the engine would measure, a critic, or a field that the rule reads', () => {
    expect(say(ppo, GROUP, 'none')).toBe('outputs of its critic (outputs.critic)');
    expect(typeof say(grpo, GROUP, 'none')).toBe('object');
    const lacks = Object.fromEntries(
      ALGORITHMS.map(
        (algorithm) => [algorithm.id, say(algorithm as AnyAlgorithm, GROUP, 'none')] as const,
      ).filter(([, said]) => typeof said === 'string'),
    );
    expect(lacks.igpo).toBe('log-probabilities of the accepted answer (gold)');
    expect(lacks.gigpo).toBe('texts of what was read (observation.text)');
    expect(lacks.actfocus).toContain('reference');
    expect(lacks).not.toHaveProperty('treerl');
  });
});

/** A file that has every field, made up: no method lacks anything. */
const anyGroup = fc
  .array(
    fc.record({
      reward: fc.constantFrom(0, 1, 0.3, -0.5),
      turns: fc.array(
        fc.record({
          tokens: fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 1, maxLength: 3 }),
          reward: fc.constantFrom(0, 0, 0.25),
        }),
        { minLength: 1, maxLength: 4 },
      ),
      end: fc.constantFrom('terminated' as const, 'truncated' as const),
    }),
    { minLength: 1, maxLength: 7 },
  )
  .map((rollouts) =>
    rollouts.map(({ turns, reward, end }, index) => {
      const full = turns.map(({ tokens, reward: own }, turn) => {
        const each = (value: number): number[] => tokens.map((token, t) => value - (token + t) / 10);
        return turnOf(tokens, {
          observation: { tokens: [turn], text: `read ${turn}` },
          text: tokens.join(' '),
          pieces: tokens.map(String),
          reward: own,
          entropies: each(1).map(Math.abs),
          ...{ logprobs: each(-1), previous: each(-1.1), reference: each(-1.2), gold: -turn },
          outputs: Object.fromEntries(HEADS.map((name) => [name, each(0.5)])),
        });
      });
      const known = { question: 'which?', answers: ['this'], end };
      return trajectoryOf(String(index), full, reward, known);
    }),
  );

/** Methods that look at how rollouts fork: merging is there for them. */
const FORKS: readonly string[] = [
  'appo',
  'carl',
  'carl-exact',
  'carl-lite',
  'treerl',
  'tree-grpo',
  'vineppo',
];
/** Methods that take means over all tokens that were drawn: a shared one was drawn once. */
const OVER_TOKENS: readonly string[] = ['actfocus', 'eapo'];

describe('methods that credit rollouts', () => {
  it.each(
    ALGORITHMS.filter(({ id }) => ![...FORKS, ...OVER_TOKENS].includes(id)).map(
      (algorithm) => [algorithm.id, algorithm as AnyAlgorithm] as const,
    ),
  )('say the same of them if they are merged: %s', (_, algorithm) => {
    fc.assert(
      fc.property(anyGroup, (group) => {
        const [alone, ...merged] = MERGES.map((merge) => say(algorithm, group, merge));
        for (const one of merged) expect(one).toEqual(alone);
      }),
      { numRuns: 60 },
    );
  });
});

describe('trees that nobody planned', () => {
  it.each(ALGORITHMS.map((algorithm) => [algorithm.id, algorithm as AnyAlgorithm] as const))(
    'are credited, or what they lack is said: %s',
    (_, algorithm) => {
      fc.assert(
        fc.property(
          fc.array(anyGroup, { minLength: 1, maxLength: 3 }),
          fc.constantFrom(...MERGES),
          (groups, merge) => {
            const credit = creditOf(
              groups.map((group) => growTree(group, merge)),
              configured(algorithm),
              createRandom(3),
            );
            if ('lacks' in credit) return;
            for (const [tree, trajectories] of credit.credits.entries()) {
              for (const [index, turns] of trajectories.entries()) {
                expect(turns.length).toBe(groups[tree]![index]!.turns.length);
                for (const values of turns) {
                  expect(values === undefined || values.some(Number.isFinite)).toBe(true);
                }
              }
            }
          },
        ),
        { numRuns: 60 },
      );
    },
  );
});
