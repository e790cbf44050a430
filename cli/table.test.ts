import { expect, it } from 'vitest';
import { analyze } from '../reports/analysis.ts';
import { comparisonTable } from './table.ts';

const metrics = (f1: number, updates: number) => [
  { iteration: 0, dev_f1: 0.25 },
  { iteration: 1, dev_f1: f1, dev_em: 0.5, questions: 1, update_actions: updates, rollout_actions: 8 },
];
const cell = (algorithm: string, status: 'finished' | 'failed' | 'missing', f1 = 0, updates = 8) => ({
  environment: 'walk/v1',
  algorithm,
  algorithmId: algorithm,
  seed: 0,
  status,
  fingerprint: undefined,
  options: {},
  metrics: status === 'finished' ? metrics(f1, updates) : [],
});

it('shows mean, interval, ratios to GRPO, and what is not there', () => {
  const { groups } = analyze([
    cell('grpo', 'finished', 0.4),
    cell('grpo', 'finished', 0.5),
    cell('carl', 'finished', 0.5, 2),
    cell('carl', 'failed'),
    cell('rloo', 'missing'),
  ]);
  const lines = comparisonTable(groups, true)
    .split('\n')
    .filter((line) => line.startsWith('| ') && !line.startsWith('|  '))
    .map((line) => line.split('|').map((field) => field.trim()));
  // t(0.975, 1) = 12.706, standard error 0.05.
  expect(lines.at(-3)?.slice(1, 9)).toEqual([
    'grpo',
    '2',
    '0.250',
    '0.450 +- 0.635',
    '4.0',
    '0.500',
    '8.0 (1.00x)',
    '8.0 (1.00x)',
  ]);
  expect(lines.at(-2)?.slice(1, 8)).toEqual([
    'carl',
    '1, 1 FAILED',
    '0.250',
    '0.500',
    '-',
    '0.500',
    '2.0 (0.25x)',
  ]);
  expect(lines.at(-1)?.slice(1, 5)).toEqual(['rloo', '0, 1 not run', '-', '-']);
  expect(comparisonTable(groups, false)).toContain('0.450 ± 0.635');
});

it('names the environment when there are several', () => {
  const { groups } = analyze([
    cell('grpo', 'finished'),
    { ...cell('grpo', 'finished'), environment: 'other/v1' },
  ]);
  expect(comparisonTable(groups, true)).toContain('| other/v1');
  expect(comparisonTable(groups.slice(0, 1), true)).not.toContain('walk/v1');
});
