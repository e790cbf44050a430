import { expect, it } from 'vitest';
import { analyze } from '../reports/analysis.ts';
import { COMPARISON_NAMES, comparisonTable, PAIR_NAMES, pairTable } from './comparison-tables.ts';
import type { Layout } from './layout.ts';

const layout = (rest: Partial<Layout> = {}): Layout => ({
  width: Number.POSITIVE_INFINITY,
  ascii: true,
  wide: true,
  ...rest,
});
const metrics = (start: number, f1: number, updates: number) => [
  { iteration: 0, dev_f1: start },
  { iteration: 1, dev_f1: f1, dev_em: 0.5, questions: 1, update_actions: updates, rollout_actions: 8 },
];
const cell = (
  algorithm: string,
  status: 'finished' | 'failed' | 'missing',
  { f1 = 0, updates = 8, seed = 0, start = 0.25 } = {},
) => ({
  environment: 'walk/v1',
  algorithm,
  algorithmId: algorithm,
  seed,
  status,
  fingerprint: undefined,
  options: {},
  metrics: status === 'finished' ? metrics(start, f1, updates) : [],
});
const fieldsOf = (table: string) =>
  table
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .map((line) => line.split('|').map((field) => field.trim()));

it('shows mean and gain with their intervals, ratios to GRPO, and what is not there', () => {
  const { groups } = analyze([
    cell('grpo', 'finished', { f1: 0.4 }),
    cell('grpo', 'finished', { f1: 0.5, seed: 1, start: 0.3 }),
    cell('carl', 'finished', { f1: 0.2, updates: 2 }),
    cell('carl', 'failed'),
    cell('rloo', 'missing'),
  ]);
  const lines = fieldsOf(comparisonTable(groups, layout()));
  expect(lines[0]!.slice(1, 6)).toEqual([
    ...['algorithm', 'seeds', 'dev F1 before', 'dev F1 after and 95 % interval', 'gain and 95 % interval'],
  ]);
  // t(0.975, 1) = 12.706; the standard error is 0.05 of the score and, of gains 0.15 and 0.20, 0.025.
  expect(lines.at(-3)?.slice(1, 9)).toEqual([
    ...['grpo', '2', '0.275', '0.450 +- 0.635', '+0.175 +- 0.318', '0.500', '8.0 (1.00x)', '8.0 (1.00x)'],
  ]);
  expect(lines.at(-2)?.slice(1, 8)).toEqual([
    ...['carl', '1, 1 FAILED', '0.250', '0.200', '-0.050', '0.500', '2.0 (0.25x)'],
  ]);
  expect(lines.at(-1)?.slice(1, 5)).toEqual(['rloo', '0, 1 not run', '-', '-']);
  expect(comparisonTable(groups, layout({ ascii: false }))).toContain('0.450 ± 0.635');
});

it('names the environment when there are several', () => {
  const { groups } = analyze([
    cell('grpo', 'finished'),
    { ...cell('grpo', 'finished'), environment: 'other/v1' },
  ]);
  expect(comparisonTable(groups, layout())).toContain('| other/v1');
  expect(comparisonTable(groups.slice(0, 1), layout())).not.toContain('walk/v1');
  expect(comparisonTable(groups.slice(0, 1), layout({ columns: ['environment', 'em'] }))).toContain(
    'walk/v1',
  );
});

it('knows every name that --columns may be given, one by one', () => {
  const { groups, pairs } = analyze([
    cell('grpo', 'finished', { f1: 0.4 }),
    cell('carl', 'finished', { f1: 0.5 }),
  ]);
  const named = (render: (of: Layout) => string, names: readonly string[]) =>
    names.filter((name) => !render(layout({ columns: [name] })).includes('|'));
  expect(named((of) => comparisonTable(groups, of), COMPARISON_NAMES)).toEqual([]);
  expect(named((of) => pairTable(pairs, of), PAIR_NAMES)).toEqual([]);
  // A table with none of the named columns is not shown; what was done still is.
  expect(comparisonTable(groups, layout({ columns: ['against'] }))).toBe('');
  expect(pairTable(pairs, layout({ columns: ['gain'] }))).toMatch(/^Nothing could be tested/);
});
