import { expect, it } from 'vitest';
import { findAlgorithm } from '../../algorithms/registry.ts';
import { horizon } from './horizon/index.ts';
import { CreditCounts } from './identify.ts';
import { identify } from './learn.ts';
import { recovery } from './recovery/index.ts';

/** One trajectory through a state that matters (advantages 0.5, -0.5) and one that does not, with this credit. */
function counted(...credits: readonly (readonly [matters: number, idle: number])[]) {
  const counts = new CreditCounts(
    new Map([
      ['matters', Float64Array.of(1, 0)],
      ['idle', Float64Array.of(0.5, 0.5)],
    ]),
    new Map([
      ['matters', 0.5],
      ['idle', 0.5],
    ]),
  );
  for (const [index, [first, second]] of credits.entries()) {
    const edge = (id: number, token: number) => ({ id, from: id, tokens: [token] });
    const nodes = [{ state: { at: 'matters' } }, { state: { at: 'idle' } }];
    const row = (id: number, advantage: number) => ({ tree: 0, edge: id, advantages: [advantage] });
    counts.add({
      trees: [{ nodes, edges: [edge(0, index % 2), edge(1, 0)] }],
      used: 1,
      rows: [row(0, first), row(1, second)],
    } as never);
  }
  return counts.summary();
}

it('finds nothing wrong with exact credit', () => {
  expect(counted([0.5, 0], [-0.5, 0])).toEqual({ rankCorrelation: 1, signErrors: 0, leakage: 0 });
});

it('sees credit by trajectory leak to idle steps', () => {
  const { rankCorrelation, signErrors, leakage } = counted([1, 1], [-1, -1]);
  expect({ signErrors, leakage }).toEqual({ signErrors: 0, leakage: 0.5 });
  expect(rankCorrelation).toBeGreaterThan(0);
  expect(rankCorrelation).toBeLessThan(1);
});

it('counts wrong signs, and none as half', () => {
  expect(counted([-1, 0], [0, 0])).toMatchObject({ signErrors: 0.75, leakage: 0 });
  expect(counted([0, 0], [0, 0])).toEqual({ rankCorrelation: null, signErrors: 0.5, leakage: null });
});

const look = (id: string, experiment: typeof horizon, level: number) =>
  identify({ algorithm: findAlgorithm(id), experiment, level, seed: 0 });

it('a broadcast over one choice and T idle turns leaks T / (T + 1) of its credit', async () => {
  const { leakage } = await look('rloo', horizon, 8);
  expect(leakage).toBeCloseTo(8 / 9, 12);
});

it('credit by action gives the mistake and its repair their signs more often than credit by outcome', async () => {
  const [byOutcome, random] = [await look('grpo', recovery, 0.1), await look('random-credit', recovery, 0.1)];
  expect(random.signErrors).toBeGreaterThan(0.4);
  expect(byOutcome.signErrors).toBeGreaterThan(0.2);
  expect(byOutcome.signErrors).toBeLessThan(random.signErrors!);
});

it('sets the credit of every token of a written action against its own exact advantage', () => {
  const values = new Map([
    ['first', Float64Array.of(0.5, 0.5)],
    ['second', Float64Array.of(1, 0)],
  ]);
  const decisions = (_: string, tokens: readonly number[]) =>
    tokens.map((token, t) => [t === 0 ? 'first' : 'second', token] as const);
  const counts = new CreditCounts(values, new Map([...values.keys()].map((key) => [key, 0.5])), decisions);
  const edge = (id: number, tokens: readonly number[], more = {}) => ({ id, from: 0, tokens, ...more });
  const row = (id: number, advantages: readonly number[]) => ({ tree: 0, edge: id, advantages });
  counts.add({
    // The second action has its first token from the first.
    trees: [
      {
        nodes: [{ state: { at: 'first' } }],
        edges: [edge(0, [0, 0]), edge(1, [0, 1], { shared: { tokens: 1 } })],
      },
    ],
    used: 1,
    rows: [row(0, [1, 3]), row(1, [5, 4])],
  } as never);
  expect(counts.summary()).toMatchObject({ signErrors: 0.5, leakage: 1 / 8 });
});
