import { describe, expect, it } from 'vitest';
import { closest, contrast } from '../html/sight.test-helper.ts';
import { STYLE } from '../html/style.ts';
import { ALL_STEPS, STEPS, stepClass, stepColor, stepOf } from './colors.ts';

/** Colors of the text of pages. */
const [light, dark] = [...STYLE.matchAll(/--ink:(#[0-9a-f]{6})/g)].map(([, color]) => color!);
const INK = { light: light!, dark: dark! };

describe.each(['light', 'dark'] as const)('the scale on a %s page', (scheme) => {
  it('leaves numbers legible on every step (WCAG asks 4.5 of text)', () => {
    for (const step of ALL_STEPS) {
      expect(contrast(stepColor(step, scheme), INK[scheme])).toBeGreaterThanOrEqual(4.5);
    }
  });

  it('tells above 0 from below 0 for every sight, from a quarter of the way on', () => {
    for (const sight of ['normal', 'protanopia', 'deuteranopia', 'tritanopia']) {
      for (let step = STEPS / 4; step <= STEPS; step++) {
        expect(closest([stepColor(step, scheme), stepColor(-step, scheme)], sight)).toBeGreaterThan(0.035);
      }
    }
  });
});

it('has a class for every value', () => {
  expect([-7, -1, -0.02, 0, -0, 0.07, 1, 9].map((value) => stepClass(stepOf(value)!))).toEqual([
    'n8',
    'n8',
    'p0',
    'p0',
    'p0',
    'p1',
    'p8',
    'p8',
  ]);
  expect(stepOf(Number.NaN)).toBeNull();
  expect(new Set(ALL_STEPS.map(stepClass)).size).toBe(2 * STEPS + 1);
});
