import { expect, it } from 'vitest';
import { CATALOG } from '../../catalog.ts';
import { mean } from '../../core/statistics.ts';
import { EXPERIMENTS } from './experiments.ts';
import { profile } from './profile.ts';
import { summarize, toldApart } from './summary.ts';

it('does not tell GRPO apart from itself, nor random credit from nothing', async () => {
  const units = await profile({ algorithms: ['random-credit'], seeds: 3, quick: true, again: 1 }, CATALOG);
  const again = summarize(units.filter(({ algorithm }) => algorithm !== 'random-credit'));
  expect(again.filter(({ p }) => p !== null)).toHaveLength(EXPERIMENTS.length);
  expect(again.filter((one) => toldApart(one) !== 0)).toEqual([]);
  const random = units.filter(({ algorithm }) => algorithm === 'random-credit');
  expect(Math.abs(mean(random.flatMap(({ runs }) => runs.map(({ score }) => score))))).toBeLessThan(0.1);
});
