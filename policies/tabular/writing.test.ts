import { describe, expect, it } from 'vitest';
import { createRandom } from '../../core/random.ts';
import { createWritingTable, type Reading } from './writing.ts';

const LETTERS = 'ab.';
const codec = {
  encode: (text: string) => [...text].map((letter) => LETTERS.indexOf(letter)),
  decode: (ids: ArrayLike<number>) => Array.from(ids, (id) => LETTERS[id] ?? '?').join(''),
};
/** Two letters, then the stop. The second letter's row depends on the first. */
const end: Reading = { row: 'end', tokens: [2], initial: [0], after: () => undefined };
const after = (first: string, initial: readonly number[]): Reading => ({
  ...{ row: `after ${first}`, tokens: [0, 1], initial },
  after: () => end,
});
const afters = [after('a', [0.5, 0]), after('b', [0, 1])];
const start: Reading = { row: 'start', tokens: [0, 1], initial: [0, 0.25], after: (token) => afters[token] };

const policy = createWritingTable({ codec, readings: [start, ...afters, end], read: () => start });
const prompt = { text: '', tokens: Int32Array.of(0) };
const generation = { stops: ['.'], maxTokens: 8 };
const sampling = { temperature: 1 };
const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

describe('writing table', () => {
  it('gives every token the log-probability of its row', async () => {
    const [values] = await policy.logProbs([{ prompt, tokens: codec.encode('ba.') }], sampling);
    expect([...values!]).toEqual([
      expect.closeTo(Math.log(sigmoid(0.25)), 12),
      expect.closeTo(Math.log(sigmoid(-1)), 12),
      0,
    ]);
  });

  it('draws actions as often as it says, and begins with a prefix as it was', async () => {
    const prefix = { tokens: [0], logProbs: [-0.125], entropies: [0.375] };
    const random = createRandom(3);
    const requests = Array.from({ length: 4000 }, (_, index) => ({
      ...{ prompt, random: random.split(index), generation },
    }));
    const free = await policy.act(requests, sampling);
    const share = free.filter(({ text }) => text === 'bb.').length / free.length;
    expect(Math.abs(share - sigmoid(0.25) * sigmoid(1))).toBeLessThan(0.03);
    const [forked] = await policy.act([{ ...requests[0]!, generation: { ...generation, prefix } }], sampling);
    expect(forked).toMatchObject({ text: expect.stringMatching(/^a[ab]\.$/), cut: false });
    expect(forked!.logProbs[0]).toBe(-0.125);
    expect(forked!.entropies[0]).toBe(0.375);
    const [cut] = await policy.act(
      [{ ...requests[0]!, generation: { stops: ['.'], maxTokens: 2 } }],
      sampling,
    );
    expect(cut).toMatchObject({ cut: true, tokens: { length: 2 } });
  });

  it('has the gradient of finite differences', async () => {
    const records = ['aa.', 'ba.', 'bb.'].map((text) => ({ prompt, tokens: codec.encode(text) }));
    const weights = [
      [1, -2, 0.5],
      [0.25, 3, 1],
      [-1, 1.5, 0],
    ];
    const gradient = await policy.gradient(
      records,
      (logProbs) => logProbs.map((_, i) => Float64Array.from(weights[i]!)),
      sampling,
    );
    const before = policy.parameters();
    const loss = async (parameters: Float64Array): Promise<number> => {
      policy.setParameters(parameters);
      const logProbs = await policy.logProbs(records, sampling);
      policy.setParameters(before);
      return logProbs.reduce(
        (sum, values, i) => values.reduce((all, value, t) => all + weights[i]![t]! * value, sum),
        0,
      );
    };
    for (const index of before.keys()) {
      const shifted = (by: number) => before.map((value, at) => value + (at === index ? by : 0));
      const slope =
        ((await loss(Float64Array.from(shifted(1e-5)))) - (await loss(Float64Array.from(shifted(-1e-5))))) /
        2e-5;
      expect(gradient[index]).toBeCloseTo(slope, 8);
    }
  });

  it('knows before each token which row it is in', async () => {
    const { width, rows } = await policy.features([{ prompt, tokens: codec.encode('ba.') }], sampling);
    expect(width).toBe(4);
    expect([...rows[0]!]).toEqual([1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]);
  });
});
