import { describe, expect, it } from 'vitest';
import { createRandom, shuffled } from './random.ts';

describe('createRandom', () => {
  it('gives the same numbers for the same seed in every release', () => {
    // Pinned: a change here changes every published number and needs a major version.
    const random = createRandom(42);
    expect([random.integer(1000), random.integer(1000), random.integer(1000)]).toMatchInlineSnapshot(`
      [
        212,
        317,
        662,
      ]
    `);
    expect(random.split('rollout', 3).uniform()).toMatchInlineSnapshot(`0.3732391981741323`);
  });

  it('splits by name, whatever was drawn before', () => {
    const fresh = createRandom(1);
    const used = createRandom(1);
    used.uniform();
    expect(used.split('a', 2).uniform()).toBe(fresh.split('a', 2).uniform());
    expect(fresh.split('a').split(2).uniform()).toBe(fresh.split('a', 2).uniform());
  });

  it('tells labels, types and seeds apart', () => {
    const random = createRandom(1);
    const streams = [
      random,
      random.split(1),
      random.split('1'),
      random.split('a', 'b'),
      random.split('ab'),
      random.split('b', 'a'),
      createRandom(2),
    ];
    expect(new Set(streams.map((stream) => stream.uniform())).size).toBe(streams.length);
  });

  it('draws categories as often as their probabilities say', () => {
    const random = createRandom(7);
    const probabilities = [0.5, 0, 0.2, 0.3];
    const counts = [0, 0, 0, 0];
    const draws = 40_000;
    for (let draw = 0; draw < draws; draw++) counts[random.categorical(probabilities)]! += 1;
    expect(counts[1]).toBe(0);
    // Pearson's chi-squared with 2 degrees of freedom: 13.8 is its 0.999 quantile.
    const distance = [0, 2, 3].reduce(
      (sum, index) =>
        sum + (counts[index]! - draws * probabilities[index]!) ** 2 / (draws * probabilities[index]!),
      0,
    );
    expect(distance).toBeLessThan(13.8);
  });

  it('refuses what is not a distribution', () => {
    const random = createRandom(0);
    expect(() => random.categorical([0.5, 0.4])).toThrow('sum to 0.9');
    expect(() => random.categorical([1.5, -0.5])).toThrow('probability 0 is 1.5');
    expect(() => random.categorical([Number.NaN, 1])).toThrow('probability 0 is NaN');
    expect(() => random.categorical([])).toThrow('sum to 0');
    expect(() => random.integer(0)).toThrow('positive integer');
    expect(() => createRandom(0.5)).toThrow('safe integer');
  });
});

describe('shuffled', () => {
  // equation (*): shuffled
  it('puts every item in every place about equally often', () => {
    const counts = Array.from({ length: 4 }, () => [0, 0, 0, 0]);
    for (let seed = 0; seed < 4000; seed++) {
      for (const [place, item] of shuffled([0, 1, 2, 3], createRandom(seed)).entries())
        counts[item]![place]! += 1;
    }
    // 1000 expected, standard deviation 27: five of them.
    for (const count of counts.flat()) expect(Math.abs(count - 1000)).toBeLessThan(137);
  });
});
