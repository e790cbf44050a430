import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AnyAlgorithm } from '../../algorithms/algorithm.ts';
import { carl } from '../../algorithms/carl/index.ts';
import { carlLite } from '../../algorithms/carl-lite/index.ts';
import { grpo } from '../../algorithms/grpo/index.ts';
import { AGGREGATIONS, evaluateLoss } from '../../algorithms/objective.ts';
import { rloo } from '../../algorithms/rloo/index.ts';
import { createRandom } from '../../core/random.ts';
import { trainingRows } from '../training/update.ts';
import { audit } from './audit.ts';
import { reinforce } from './estimators.test-helper.ts';
import { grow, INVARIANCES } from './invariances.test-helper.ts';
import { describeMdp, type MdpChoice, playable, smallMdp } from './small-mdp.ts';

const CASES: readonly (readonly [string, AnyAlgorithm, object])[] = [
  // Without epsilon the division by the std is exactly free of scale.
  ['grpo', grpo, { groupSize: 4, epsilon: 0 }],
  ['rloo', rloo, { groupSize: 3 }],
  ['carl, surprisal', carl, { initial: 2, forks: 3 }],
  ['carl, exact, all siblings', carl, { initial: 3, forks: 2, entropy: 'exact', updateRule: 'siblings' }],
  ['carl, random, inherited', carl, { initial: 2, forks: 3, entropy: 'random', updateRule: 'all_inherit' }],
  ['carl-lite', carlLite, { forks: 3 }],
];

describe.each(CASES)('advantages of %s', (name, algorithm, given) => {
  const options = algorithm.schema.parse(given);
  const scaleFree = name === 'grpo';
  for (const [change, check] of Object.entries(INVARIANCES)) {
    if (change === 'every return times 4' && !scaleFree) continue;
    if (change === 'every return times 4 gives 4 times the advantage' && scaleFree) continue;
    if (change === 'no trajectory is left out of the loss' && algorithm.description.granularity === 'action')
      continue;
    it(`keep: ${change}`, () => check(algorithm, options));
  }
});

describe('the invariances themselves', () => {
  it('tell REINFORCE from a method with a baseline', async () => {
    const options = reinforce.schema.parse({ groupSize: 3 });
    const shift = INVARIANCES['a constant added to every return'];
    await expect(shift(reinforce, options)).rejects.toThrow(/tree \d, edge \d+: .* for /);
  });

  it("tell GRPO's epsilon", async () => {
    const check = INVARIANCES['every return times 4'];
    await expect(check(grpo, grpo.schema.parse({ epsilon: 0.01 }))).rejects.toThrow(
      /tree \d, edge \d+: .* for /,
    );
  });
});

describe('the expected gradient', () => {
  const mirrored = (choice: MdpChoice): MdpChoice =>
    choice
      .toReversed()
      .map((action) => (action.next === undefined ? action : { ...action, next: mirrored(action.next) }));
  /** The name in the mirrored MDP of a component of the original: '/a0: a1'. */
  const mirror = (mdp: MdpChoice, name: string): string => {
    const [path, action] = name.split(': ') as [string, string];
    let at = mdp;
    const turn = (part: string): string => {
      const index = Number(part.slice(1));
      const result = `a${at.length - 1 - index}`;
      at = at[index]!.next ?? [];
      return result;
    };
    const parts = path.split('/').filter((part) => part !== '');
    const turned = `/${parts.map(turn).join('/')}`;
    return `${turned}: ${turn(action)}`;
  };

  it.each([
    ['grpo', grpo, { groupSize: 2 }],
    ['rloo', rloo, { groupSize: 2 }],
    // Ties of the fork score are broken by the order of nodes, not of actions.
    ['carl', carl, { initial: 1, forks: 2 }],
    ['carl, exact', carl, { initial: 1, forks: 2, entropy: 'exact' }],
  ] as const)('of %s does not depend on the numbering of actions', async (_, algorithm, given) => {
    const options = (algorithm as AnyAlgorithm).schema.parse(given);
    await fc.assert(
      fc.asyncProperty(smallMdp({ depth: 2 }), async (mdp) => {
        const run = async (of: MdpChoice) => {
          const request = { algorithm: algorithm as AnyAlgorithm, options, ...playable(of) };
          return (await audit({ ...request, limit: 1000, samples: 2 })) as Awaited<ReturnType<typeof audit>>;
        };
        const [before, after] = [await run(mdp), await run(mirrored(mdp))];
        fc.pre(before.method === 'exact');
        for (const { name, expected } of before.gradient.components) {
          const other = after.gradient.components.find((each) => each.name === mirror(mdp, name))!;
          expect(Math.abs(other.expected - expected), `${name}\n${describeMdp(mdp)}`).toBeLessThan(1e-9);
        }
      }),
      { numRuns: 25, seed: 0 },
    );
  });
});

describe('the gradient of one step', () => {
  it.each(AGGREGATIONS)(
    'is the sum over micro-batches, weights from the whole step: %s',
    async (aggregation) => {
      await fc.assert(
        fc.asyncProperty(
          smallMdp(),
          fc.integer({ min: 0, max: 99 }),
          fc.integer({ min: 1, max: 5 }),
          async (mdp, seed, size) => {
            const options = rloo.schema.parse({ groupSize: 3, aggregation, kl: 0, normalizer: 5 });
            const trees = await grow(rloo, options, mdp, seed);
            const rows = trainingRows(trees, rloo.credit(trees, options, createRandom(0)));
            const objective = rloo.objective(options);
            const { policy } = playable(mdp);
            const records = rows.map(({ record }) => record);
            const sampling = { temperature: 0.7 }; // off the sampling policy: ratios differ from 1
            const whole = await policy.gradient(
              records,
              (logProbs) => evaluateLoss(objective, rows, logProbs).gradient,
              sampling,
            );
            const logProbs = await policy.logProbs(records, sampling);
            const gradients = evaluateLoss(objective, rows, logProbs).gradient;
            const sum = new Float64Array(whole.length);
            for (let start = 0; start < rows.length; start += size) {
              const part = await policy.gradient(
                records.slice(start, start + size),
                () => gradients.slice(start, start + size),
                sampling,
              );
              for (const [index, value] of part.entries()) sum[index]! += value;
            }
            for (const [index, value] of whole.entries()) expect(sum[index]).toBeCloseTo(value, 12);
          },
        ),
        { numRuns: 30, seed: 0 },
      );
    },
  );

  it.each([
    ['sequence-mean-token-sum', 1],
    ['token-sum-norm', 1],
    ['token-mean', 1 / 3],
    ['sequence-mean-token-mean', 1 / 3],
  ] as const)('of %s: a token of an action cut into three weighs %d times as much', (aggregation, share) => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 0, max: 2 }), fc.double({ min: -2, max: 2, noNaN: true })), {
          minLength: 1,
        }),
        (actions) => {
          const gradient = (tokens: number): readonly number[] => {
            const rows = actions.map(([sequence, advantage]) => ({
              sequence: `${sequence}`,
              advantages: new Array<number>(tokens).fill(advantage),
              oldLogProbs: new Array<number>(tokens).fill(-1 / tokens),
            }));
            const objective = { clip: { low: 0.2, high: 0.2 }, aggregation };
            return evaluateLoss(
              objective,
              rows,
              rows.map((row) => row.oldLogProbs),
            ).gradient.map((gradients) => gradients[0]!);
          };
          const [one, three] = [gradient(1), gradient(3)];
          for (const [index, value] of one.entries()) expect(three[index]).toBeCloseTo(share * value, 12);
        },
      ),
      { seed: 0 },
    );
  });
});
