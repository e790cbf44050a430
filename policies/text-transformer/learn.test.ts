import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRandom } from '../../core/random.ts';
import type { ActionRecord, LossGradient, TrainablePolicy } from '../policy.ts';
import { logSoftmax } from '../softmax.ts';
import { after, createPolicy, plainLogits, request, someIds, VOCABULARY } from './letters.test-helper.ts';
import { trainingRows } from './rows.ts';

const WARM = { temperature: 1 };
let policy: TrainablePolicy;
beforeAll(async () => {
  policy = await createPolicy();
});
afterAll(() => policy.dispose());

/** Two turns of nine trajectories in groups of three, one record twice, one fork at its first token. */
function someRecords(): ActionRecord[] {
  const random = createRandom(3);
  const contexts = Array.from({ length: 3 }, () => someIds(random, 1 + random.integer(20)));
  const records = Array.from({ length: 9 }, (_, index) => {
    const context = contexts[index % 3]!;
    const tokens = [...someIds(random, 1 + random.integer(6))];
    const next = Int32Array.from([...context, ...tokens, ...someIds(random, random.integer(9))]);
    return [
      { prompt: { text: '', tokens: context }, tokens },
      { prompt: { text: '', tokens: next }, tokens: [...someIds(random, 1 + random.integer(6))] },
    ];
  }).flat();
  return [...records, records[4]!, { ...records[7]!, tokens: records[7]!.tokens.slice(0, 1) }];
}

/** One action of three tokens. */
function fewRecords(): ActionRecord[] {
  const random = createRandom(11);
  return [{ prompt: { text: '', tokens: someIds(random, 9) }, tokens: [...someIds(random, 3)] }];
}

describe('training rows', () => {
  it('join the turns of a trajectory and score what predicts recorded tokens', () => {
    const record = (context: number[], tokens: number[]): ActionRecord => ({
      prompt: { text: '', tokens: Int32Array.from(context) },
      tokens,
    });
    const { rows, places } = trainingRows(
      [
        record([1, 2], [3, 4]),
        record([1, 2, 3, 4, 9, 9], [5]),
        record([1, 2], [3, 7]),
        record([1, 2, 3], [7]),
      ],
      VOCABULARY,
    );
    expect(rows).toHaveLength(2);
    const [first, second] = [rows[places[0]!.row]!, rows[places[2]!.row]!];
    expect(places.map(({ row }) => row)).toEqual([
      places[0]!.row,
      places[0]!.row,
      places[2]!.row,
      places[2]!.row,
    ]);
    expect(first).toEqual({
      ids: Int32Array.of(1, 2, 3, 4, 9, 9, 5),
      scored: Int32Array.of(1, 2, 5),
      targets: Int32Array.of(3, 4, 5),
    });
    expect(second).toEqual({
      ids: Int32Array.of(1, 2, 3, 7),
      scored: Int32Array.of(1, 2),
      targets: Int32Array.of(3, 7),
    });
    expect(places.map(({ scored }) => [...scored])).toEqual([[0, 1], [2], [0, 1], [1]]);
  });
});

describe('logProbs', () => {
  it.each([0.7, 1])('are those of the plain model at temperature %d', async (temperature) => {
    const records = someRecords();
    const found = await policy.logProbs(records, { temperature });
    for (const [index, { prompt, tokens }] of records.entries()) {
      const logits = plainLogits(policy.parameters(), [...prompt.tokens!, ...tokens]);
      for (const [step, token] of tokens.entries()) {
        const expected = logSoftmax(logits[prompt.tokens!.length - 1 + step]!, temperature)[token]!;
        expect(Math.abs(found[index]![step]! - expected)).toBeLessThan(1e-5);
      }
    }
  });

  it.each([{ temperature: 1 }, { temperature: 0.8, topP: 0.7 }])(
    'are those of act, over turns, with %o',
    async (sampling) => {
      const random = createRandom(2);
      const records: ActionRecord[] = [];
      const sampled: number[] = [];
      let requests = Array.from({ length: 16 }, (_, index) => request([1, 2, 3, index % 3], index));
      for (let turn = 0; turn < 3; turn++) {
        const actions = await policy.act(requests, sampling);
        records.push(...requests.map(({ prompt }, index) => ({ prompt, tokens: actions[index]!.tokens })));
        sampled.push(...actions.flatMap(({ logProbs }) => logProbs));
        requests = requests.map((old, index) =>
          request(after(old, actions[index]!, someIds(random, 7)), index),
        );
      }
      const found = (await policy.logProbs(records, sampling)).flatMap((row) => [...row]);
      expect(Math.max(...found.map((value, index) => Math.abs(value - sampled[index]!)))).toBeLessThan(1e-5);
    },
  );

  it('keep a token outside of the nucleus', async () => {
    const prompt = { text: '', tokens: Int32Array.of(4, 5, 6) };
    const records = Array.from({ length: VOCABULARY }, (_, token) => ({ prompt, tokens: [token] }));
    const found = (await policy.logProbs(records, { temperature: 1, topP: 0.3 })).map(([value]) => value!);
    const all = logSoftmax(plainLogits(policy.parameters(), prompt.tokens).at(-1)!, 1);
    const order = [...all.keys()].sort((a, b) => all[b]! - all[a]!);
    let size = 0;
    for (let sum = 0; sum < 0.3; size++) sum += Math.exp(all[order[size]!]!);
    const nucleus = order.slice(0, size);
    for (const [token, value] of found.entries()) {
      const kept = nucleus.includes(token) ? nucleus : [...nucleus, token];
      const sum = kept.reduce((total, id) => total + Math.exp(all[id]!), 0);
      expect(value).toBeCloseTo(all[token]! - Math.log(sum), 4);
    }
  });
});

describe('gradient', () => {
  const records = someRecords();
  /** Σ weight · (logProb + logProb² / 8) and its lossGradient. */
  const weight = (record: number, index: number): number => Math.cos(3 * record + index + 1);
  const loss = (logProbs: readonly Float64Array[]): number =>
    logProbs.reduce(
      (sum, row, record) =>
        sum + row.reduce((part, value, index) => part + weight(record, index) * (value + value ** 2 / 8), 0),
      0,
    );
  const lossGradient: LossGradient = (logProbs) =>
    logProbs.map((row, record) => row.map((value, index) => weight(record, index) * (1 + value / 4)));
  const rms = (values: Float64Array): number =>
    Math.sqrt(values.reduce((total, value) => total + value * value, 0) / values.length);

  it.each([
    { sampling: { temperature: 0.8 }, given: records, size: 2e-3 },
    // Few and short, so that no step changes a nucleus: the loss would jump there.
    { sampling: { temperature: 1.3, topP: 0.8 }, given: fewRecords(), size: 5e-4 },
    // Most taken tokens are outside of these.
    { sampling: { temperature: 1.3, topP: 0.2 }, given: fewRecords(), size: 5e-4 },
  ])(
    'agrees with finite differences along random directions with $sampling',
    async ({ sampling, given, size }) => {
      const own = await createPolicy();
      const start = own.parameters();
      const gradient = Float64Array.from(await own.gradient(given, lossGradient, sampling));
      const random = createRandom(4);
      for (let direction = 0; direction < 6; direction++) {
        const step = Float64Array.from(start, () => size * (random.uniform() - 0.5));
        const at = async (sign: number): Promise<number> => {
          own.setParameters(start.map((value, index) => value + sign * step[index]!));
          return loss(await own.logProbs(given, sampling));
        };
        const difference = ((await at(1)) - (await at(-1))) / 2;
        const expected = gradient.reduce((sum, value, index) => sum + value * step[index]!, 0);
        const scale = (size / 2) * Math.sqrt(gradient.reduce((sum, value) => sum + value * value, 0) / 3);
        expect(Math.abs(difference - expected)).toBeLessThan(0.01 * scale);
      }
      own.dispose();
    },
  );

  it('is the sum over records: shared rows and positions add up, and no position is trained beside them', async () => {
    const constant: LossGradient = (logProbs) => logProbs.map((row) => row.map((_, index) => 1 + index));
    const whole = Float64Array.from(await policy.gradient(records, constant, WARM));
    const sum = new Float64Array(whole.length);
    for (const record of records) {
      const part = await policy.gradient([record], constant, WARM);
      for (const [index, value] of part.entries()) sum[index]! += value;
    }
    expect(Math.max(...sum.map((value, index) => Math.abs(value - whole[index]!)))).toBeLessThan(
      1e-4 * rms(sum),
    );
  });

  it('does not depend on the observations after what is trained', async () => {
    // Only the first action has lossGradient, and it reads none of the observation after it.
    const context = [1, 2, 3];
    const record = (observation: number[]): ActionRecord[] => [
      { prompt: { text: '', tokens: Int32Array.from(context) }, tokens: [4, 5] },
      { prompt: { text: '', tokens: Int32Array.from([...context, 4, 5, ...observation]) }, tokens: [6] },
    ];
    const first: LossGradient = ([row, other]) => [row!.map(() => 1), other!.map(() => 0)];
    const one = await policy.gradient(record([7, 8, 9]), first, WARM);
    const other = await policy.gradient(record([10, 11, 12]), first, WARM);
    expect(one).toEqual(other);
  });

  it('is the same in parts and layer by layer, when activations do not fit, and calls the loss once', async () => {
    const random = createRandom(5);
    const many = Array.from({ length: 90 }, () => ({
      prompt: { text: '', tokens: someIds(random, 1 + random.integer(60)) },
      tokens: [...someIds(random, 1 + random.integer(5))],
    }));
    const gradients: Float64Array[] = [];
    for (const sampling of [WARM, { temperature: 0.7, topP: 0.9 }, { temperature: 1.5 }]) {
      // The second has a micro-batch or two in memory, the third one block and some logits, the last one position's logits.
      for (const activationFloats of [1e9, 2.5e6, 1000, 1]) {
        const own = await createPolicy({ activationFloats });
        let calls = 0;
        const counted: LossGradient = (logProbs) => {
          calls++;
          return lossGradient(logProbs);
        };
        gradients.push(Float64Array.from(await own.gradient(many, counted, sampling)));
        expect(calls).toBe(1);
        own.dispose();
      }
      const [whole, ...others] = gradients.splice(0);
      for (const parts of others) {
        const distance = Math.max(...whole!.map((value, index) => Math.abs(value - parts[index]!)));
        expect(distance).toBeLessThan(1e-4 * rms(whole!));
      }
    }
  });

  it('is the same bits for the same call', async () => {
    const other = await createPolicy();
    expect(await other.gradient(records, lossGradient, WARM)).toEqual(
      await policy.gradient(records, lossGradient, WARM),
    );
    other.dispose();
  });

  it('is written over the vector that is given for it, and over no other', async () => {
    const first = await policy.gradient(records, lossGradient, WARM);
    const copy = first.slice();
    const given = new Float32Array(first.length).fill(Number.NaN);
    expect(await policy.gradient(records, lossGradient, WARM, given)).toBe(given);
    expect(given).toEqual(copy);
    expect(await policy.gradient([], lossGradient, WARM, given)).toEqual(new Float32Array(first.length));
    expect(await policy.gradient(records, lossGradient, WARM, new Float32Array(3))).toEqual(copy);
    expect(first).toEqual(copy);
  });

  it('is zero without records and without tokens', async () => {
    const zero = new Float32Array(policy.parameters().length);
    expect(await policy.gradient([], lossGradient, WARM)).toEqual(zero);
    const nothing = [{ prompt: { text: '', tokens: Int32Array.of(1, 2) }, tokens: [] }];
    expect(await policy.gradient(nothing, lossGradient, WARM)).toEqual(zero);
    expect(await policy.logProbs(nothing, WARM)).toEqual([new Float64Array()]);
  });

  it('learns to write one word', async () => {
    const own = await createPolicy();
    const record = { prompt: { text: '', tokens: Int32Array.of(1, 2, 3) }, tokens: [20, 21, 22] };
    for (let step = 0; step < 60; step++) {
      const gradient = await own.gradient([record], ([row]) => [row!.map(() => -1)], WARM);
      own.setParameters(own.parameters().map((value, index) => value - 0.02 * gradient[index]!));
    }
    const [action] = await own.act([request([1, 2, 3], 0, { maxTokens: 3 })], {
      temperature: 1,
      greedy: true,
    });
    expect(action!.tokens).toEqual([20, 21, 22]);
    own.dispose();
  });

  it('refuses ids that are none', async () => {
    const bad = [{ prompt: { text: '', tokens: Int32Array.of(1) }, tokens: [-1] }];
    await expect(policy.logProbs(bad, WARM)).rejects.toThrow(/token 0 is -1/);
    await expect(
      policy.gradient([{ prompt: { text: '' }, tokens: [1] }], lossGradient, WARM),
    ).rejects.toThrow(/no tokens/);
    expect(() => policy.setParameters([1])).toThrow(/1 parameters given/);
  });
});

describe('features', () => {
  it('are what each token is predicted from: their product with the embedding gives its log-probability', async () => {
    const own = await createPolicy();
    const context = Int32Array.of(1, 2, 3);
    const records = [
      { prompt: { text: '', tokens: context }, tokens: [4, 5, 6] },
      // The same trajectory one turn later, and another one.
      { prompt: { text: '', tokens: Int32Array.of(1, 2, 3, 4, 5, 6, 9) }, tokens: [7] },
      { prompt: { text: '', tokens: Int32Array.of(8) }, tokens: [0, 1] },
    ];
    const sampling = { temperature: 1 };
    const { width, rows } = await own.features(records, sampling);
    const expected = await own.logProbs(records, sampling);
    const embedding = own.parameters().slice(0, VOCABULARY * width);
    for (const [record, { tokens }] of records.entries()) {
      expect(rows[record]).toHaveLength(tokens.length * width);
      for (const [t, token] of tokens.entries()) {
        const logits = Array.from({ length: VOCABULARY }, (_, id) => {
          let sum = 0;
          for (let i = 0; i < width; i++) sum += embedding[id * width + i]! * rows[record]![t * width + i]!;
          return sum;
        });
        const total = Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit), 0));
        expect(logits[token]! - total).toBeCloseTo(expected[record]![t]!, 4);
      }
    }
    own.dispose();
  });
});
