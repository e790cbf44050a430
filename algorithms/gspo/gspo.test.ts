import { describe, expect, it } from 'vitest';
import { checkAlgorithm } from '../../bench/audit/check-algorithm.ts';
import { trainingRows } from '../../bench/training/update.ts';
import { createRandom } from '../../core/random.ts';
import { exactBias } from '../exact-bias.test-helper.ts';
import { grpo } from '../grpo/index.ts';
import { evaluateLoss } from '../objective.ts';
import { chains } from '../sketch.test-helper.ts';
import { gspo } from './index.ts';

const defaults = gspo.schema.parse({});
const random = createRandom(0);

describe('GSPO credit', () => {
  // equation (gspo): A_i
  it.each([{}, { std: 'population' as const }, { epsilon: 1 }, { singleton: 'zero' as const }])(
    "is GRPO's, trajectory by trajectory, with %j",
    (options) => {
      const trees = [chains([1, 0, 0, 1], 2), chains([0.7])];
      const expected = grpo.credit(trees, { ...grpo.schema.parse({}), ...options }, random);
      expect(gspo.credit(trees, { ...defaults, ...options }, random)).toEqual(expected);
    },
  );
});

describe('GSPO loss', () => {
  // Two trajectories of two actions (one token each), returns 1 and 0: advantages +-sqrt(1/2).
  const rows = trainingRows(
    [chains([1, 0], 2)],
    gspo.credit([chains([1, 0], 2)], { ...defaults, epsilon: 0 }, random),
  );
  const objective = gspo.objective(defaults);
  const at = (...moves: readonly number[]) =>
    evaluateLoss(
      objective,
      rows,
      rows.map(({ oldLogProbs }, i) => [oldLogProbs[0]! + moves[i]!]),
    );

  // equation (gspo): s_i = exp
  // equation (gspo): gradient by token
  // equation (gspo): mean over trajectories
  it('has one ratio per trajectory, the geometric mean over the tokens of all its actions', () => {
    // Far outside a clip by token, but the mean log ratios are 0.0002 and -0.0001: inside.
    const { loss, gradient, clipFraction } = at(1, -0.9996, -2, 1.9998);
    const advantage = Math.SQRT1_2;
    expect(clipFraction).toBe(0);
    expect(loss).toBeCloseTo((-Math.exp(0.0002) * advantage + Math.exp(-0.0001) * advantage) / 2, 12);
    // s_i A_i / (G |y_i|) for each of the two tokens.
    const gradients = gradient.map((gradient) => gradient[0]!);
    for (const i of [0, 1]) expect(gradients[i]).toBeCloseTo((-Math.exp(0.0002) * advantage) / 4, 12);
    for (const i of [2, 3]) expect(gradients[i]).toBeCloseTo((Math.exp(-0.0001) * advantage) / 4, 12);
  });

  // equation (gspo): min(s_i A_i
  it('is clipped at 1 + 4e-4 above and 1 - 3e-4 below, all tokens of a trajectory at once', () => {
    const up = (move: number) => at(move, move, 0, 0).clipFraction;
    expect([up(0.00039), up(0.00041)]).toEqual([0, 0.5]);
    const down = (move: number) => at(0, 0, move, move).clipFraction;
    expect([down(-0.00029), down(-0.00031)]).toEqual([0, 0.5]);
    expect([...at(0.01, 0, 0, 0).gradient.map((gradient) => gradient[0]! + 0)].slice(0, 2)).toEqual([0, 0]);
  });

  it('takes the clip range and the rest of the objective from the options', () => {
    const options = gspo.schema.parse({ clipLow: 0.1, clipHigh: 0.3, kl: 0.01, dualClip: 3 });
    expect(gspo.objective(options)).toEqual({
      ratio: 'sequence',
      clip: { low: 0.1, high: 0.3, dual: 3 },
      aggregation: 'sequence-mean-token-mean',
      normalizer: 1,
      kl: 0.01,
    });
  });
});

describe('GSPO', () => {
  it('plans G rollouts and keeps the contract', async () => {
    expect(gspo.next(chains([]), { ...defaults, groupSize: 3 }, random)).toHaveLength(3);
    expect(gspo.budget(7)).toEqual({ groupSize: 7 });
    expect(await checkAlgorithm(gspo, { random, batches: 5 })).toEqual([]);
  });

  // Where it was sampled every ratio is 1, so the first step is GRPO's with all its bias (field notes, section E:
  // -4.406, 1.845): the wrong sign at the root. The means over tokens make it -3.52, 0.92.
  it.each([
    ['plain', -4.4063, 1.8453],
    ['own', -3.5221, 0.9227],
  ] as const)('has the exact bias of GRPO (%s loss)', async (objective, root, leaf) => {
    const bias = await exactBias(gspo, { groupSize: 4 }, { objective });
    expect(bias.kind).toBe('biased');
    expect(bias.root).toBeCloseTo(root, 3);
    expect(bias.leaf).toBeCloseTo(leaf, 3);
    const { result } = await exactBias(grpo, { groupSize: 4 }, { objective });
    expect({ ...result, algorithm: 'gspo' }).toEqual(bias.result);
  });
});
