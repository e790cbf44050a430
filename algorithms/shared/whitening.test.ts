import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CreditedAction } from '../algorithm.ts';
import { chains } from '../sketch.test-helper.ts';
import type { RolloutTree } from '../tree.ts';
import { whiten } from './whitening.ts';

/** A tree of one-action chains whose actions have so many tokens each. */
function withTokens(counts: readonly number[]): RolloutTree {
  const tree = chains(counts.map(() => 0));
  const edges = tree.edges.map((edge, i) => ({ ...edge, tokens: new Array<number>(counts[i]!).fill(0) }));
  return { ...tree, edges };
}

const credit = (advantages: readonly CreditedAction['advantage'][]) => ({
  actions: advantages.map((advantage, edge) => ({ tree: 0, edge, advantage, sequence: `${edge}` })),
});

describe('whiten', () => {
  // Reference 1.5: [.5, .4, .3] over three tokens with the unbiased variance.
  // equation (*): whiten
  it.each([
    ['one action', [3], [[0.5, 0.4, 0.3]], [[1, 0, -1]]],
    ['three actions', [1, 1, 1], [0.5, 0.4, 0.3], [1, 0, -1]],
  ])('of reference 1.5, in %s', (_, counts, advantages, expected) => {
    const { actions } = whiten([withTokens(counts)], credit(advantages), 0);
    const values = actions.flatMap(({ advantage }) => advantage);
    for (const [i, value] of expected.flat().entries()) expect(values[i]).toBeCloseTo(value, 12);
  });

  // equation (*): whiten
  it('adds epsilon to the variance, not to the deviation', () => {
    const { actions } = whiten([withTokens([1, 1, 1])], credit([0.5, 0.4, 0.3]), 0.03);
    expect(actions[0]!.advantage).toBeCloseTo(0.1 / 0.2, 12);
  });

  it('counts the advantage of an action once per token', () => {
    // Tokens 1, 1, 1, 0: mean 3/4, sample variance 1/4.
    const { actions } = whiten([withTokens([3, 1])], credit([1, 0]), 0);
    expect(actions[0]!.advantage).toBeCloseTo(0.5, 12);
    expect(actions[1]!.advantage).toBeCloseTo(-1.5, 12);
  });

  it('makes equal advantages exactly 0, and those of one token or none', () => {
    expect(whiten([withTokens([1, 2, 1])], credit([0.1, [0.1, 0.1], 0.1]), 0).actions).toEqual(
      credit([0, [0, 0], 0]).actions,
    );
    expect(whiten([withTokens([1])], credit([0.7]), 0).actions[0]!.advantage).toBe(0);
    expect(whiten([], { actions: [] }, 0)).toEqual({ actions: [] });
  });

  it('gives mean 0 and sample variance 1 over the tokens, blind to an offset and a scale', () => {
    const rows = fc.array(
      fc.record({
        count: fc.integer({ min: 1, max: 4 }),
        value: fc.double({ min: -1, max: 1, noNaN: true }),
      }),
      { minLength: 2, maxLength: 8 },
    );
    fc.assert(
      fc.property(rows, (batch) => {
        const tree = withTokens(batch.map(({ count }) => count));
        const values = batch.map(({ value }) => value);
        fc.pre(Math.max(...values) - Math.min(...values) > 1e-3);
        const of = (advantages: readonly number[]) =>
          whiten([tree], credit(advantages), 0).actions.map(({ advantage }) => advantage as number);
        const whitened = of(values);
        const tokens = whitened.flatMap((value, i) => new Array<number>(batch[i]!.count).fill(value));
        const sum = tokens.reduce((a, b) => a + b, 0);
        const squares = tokens.reduce((a, b) => a + b * b, 0);
        expect(sum).toBeCloseTo(0, 8);
        expect(squares / (tokens.length - 1)).toBeCloseTo(1, 8);
        for (const [i, value] of of(values.map((value) => 3 * value - 5)).entries()) {
          expect(value).toBeCloseTo(whitened[i]!, 6);
        }
      }),
    );
  });
});
