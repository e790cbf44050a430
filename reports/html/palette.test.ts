import { describe, expect, it } from 'vitest';
import { COLORS, look, PAGE } from './palette.ts';
import { closest, contrast } from './sight.test-helper.ts';

describe.each(['light', 'dark'] as const)('the palette on a %s page', (scheme) => {
  const colors = COLORS.map((color) => color[scheme]);

  it('stays apart for every sight', () => {
    for (const sight of ['normal', 'protanopia', 'deuteranopia'])
      expect(closest(colors, sight)).toBeGreaterThan(0.099);
    expect(closest(colors, 'tritanopia')).toBeGreaterThan(0.069);
  });

  it('stands out from the page (WCAG asks 3 of graphics)', () => {
    for (const color of colors) expect(contrast(color, PAGE[scheme])).toBeGreaterThanOrEqual(3);
  });
});

it('would find a palette that is not safe', () => {
  // Red and green of equal lightness, and a common palette of ten.
  expect(closest(['#d62728', '#2ca02c'], 'normal')).toBeGreaterThan(0.2);
  const common = ['#1f77b4', '#ff7f0e', '#2ca02c', '#d62728', '#9467bd', '#8c564b', '#e377c2', '#7f7f7f'];
  expect(closest(common, 'deuteranopia')).toBeLessThan(0.05);
});

it('gives 32 algorithms 32 looks', () => {
  const looks = Array.from({ length: 32 }, (_, index) => look(index));
  expect(new Set(looks.map(({ color, dash }) => `${color} ${dash}`)).size).toBe(32);
  expect(new Set(looks.map(({ color, symbol }) => `${color} ${symbol}`)).size).toBe(32);
});
