import { describe, expect, it } from 'vitest';
import type { Fact, NodeType } from './facts.ts';
import { createGraph } from './graph.ts';

function star(neighbours: number): ReturnType<typeof createGraph> {
  const others = Array.from({ length: neighbours }, (_, index) => `N${index}`);
  const types = new Map<string, NodeType>(['Hub', ...others].map((name) => [name, 'country']));
  const facts = others.flatMap((other): Fact[] => [
    ['Hub', 'borders', other],
    [other, 'borders', 'Hub'],
    [other, 'currency', 'Coin'],
  ]);
  types.set('Coin', 'currency');
  return createGraph({ types, facts });
}

describe('createGraph', () => {
  it('leaves a relation out as a whole where it has too many values, and keeps the facts', () => {
    expect(star(5).targets('Hub', 'borders')).toHaveLength(5);
    expect(star(6).targets('Hub', 'borders')).toEqual([]);
    expect(star(6).targets('N0', 'borders')).toEqual(['Hub']);
    expect(star(6).values('Hub', 'borders')).toHaveLength(6);
  });

  it('tells inverses only where they lead to few places', () => {
    expect(star(4).targets('Coin', 'currency-of')).toEqual(['N0', 'N1', 'N2', 'N3']);
    expect(star(5).targets('Coin', 'currency-of')).toEqual([]);
  });

  it('leaves out the relation with the most values where all together are too many', () => {
    const neighbours = ['B1', 'B2', 'B3', 'B4', 'B5'];
    const facts: Fact[] = [
      ...neighbours.map((name): Fact => ['A', 'borders', name]),
      ...['L1', 'L2', 'L3'].map((name): Fact => ['A', 'language', name]),
      ['A', 'capital', 'C'],
      ['A', 'subregion', 'S'],
    ];
    const types = new Map<string, NodeType>([['A', 'country']]);
    expect(createGraph({ types, facts }).edges('A')).toHaveLength(10);
    const more = createGraph({ types, facts: [...facts, ['A', 'currency', 'D']] });
    expect(more.targets('A', 'borders')).toEqual([]);
    expect(more.edges('A')).toHaveLength(6);
  });

  it('measures the distance along the moves', () => {
    const distances = star(5).distancesTo(['Coin']);
    expect([distances.get('Coin'), distances.get('N3'), distances.get('Hub')]).toEqual([0, 1, 2]);
    expect(star(5).distancesTo(['N1']).has('Coin')).toBe(false);
  });
});
