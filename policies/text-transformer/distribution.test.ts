import fc from 'fast-check';
import { expect, it } from 'vitest';
import { entropy, logSoftmax } from '../softmax.ts';
import { createDistribution } from './distribution.ts';

const logitRows = fc.array(fc.integer({ min: -40, max: 40 }), { minLength: 4, maxLength: 40 });

it('is the softmax at the temperature', () => {
  fc.assert(
    fc.property(logitRows, fc.double({ min: 0.1, max: 5, noNaN: true }), (values, temperature) => {
      const logits = Float32Array.from(values, (value) => value / 8);
      const found = createDistribution(logits.length, { temperature })(logits);
      const expected = logSoftmax(logits, temperature);
      expect(found.best).toBe(logits.indexOf(Math.max(...logits)));
      expect(found.entropy).toBeCloseTo(entropy(expected), 10);
      for (const [id, value] of expected.entries()) {
        expect(found.logProb(id)).toBeCloseTo(value, 10);
        expect(found.probabilities[id]).toBeCloseTo(Math.exp(value), 12);
      }
    }),
  );
});

it('is the renormalised smallest nucleus that reaches topP, the first of equals first, and what is kept', () => {
  const topPs = fc.double({ min: 0.01, max: 0.999, noNaN: true });
  fc.assert(
    fc.property(logitRows, topPs, fc.option(fc.nat(3)), (values, topP, kept) => {
      const logits = Float32Array.from(values, (value) => value / 8);
      const keep = kept ?? undefined;
      const found = createDistribution(logits.length, { temperature: 1, topP })(logits, keep);
      const all = logSoftmax(logits, 1).map(Math.exp);
      const order = [...all.keys()].sort((a, b) => all[b]! - all[a]! || a - b);
      const inside = new Set<number>();
      let sum = 0;
      for (const id of order) {
        // A sum that is topP up to rounding is undecided.
        if (Math.abs(sum - topP) < 1e-12) return;
        if (sum > topP) break;
        inside.add(id);
        sum += all[id]!;
      }
      if (keep !== undefined) inside.add(keep);
      const total = [...inside].reduce((part, id) => part + all[id]!, 0);
      let spread = 0;
      for (const [id, probability] of found.probabilities.entries()) {
        const expected = inside.has(id) ? all[id]! / total : 0;
        expect(probability).toBeCloseTo(expected, 12);
        if (expected === 0) continue;
        expect(found.logProb(id)).toBeCloseTo(Math.log(expected), 10);
        spread -= expected * Math.log(expected);
      }
      expect(found.entropy).toBeCloseTo(spread, 10);
    }),
  );
});

it.each([
  [{ temperature: 0 }, /temperature must be above 0, got 0/],
  [{ temperature: Number.NaN }, /temperature/],
  [{ temperature: 1, topP: 1.5 }, /topP must be above 0 and at most 1, got 1.5/],
])('refuses %o', (sampling, message) => {
  expect(() => createDistribution(4, sampling)).toThrow(message);
});
