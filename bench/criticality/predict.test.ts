import { describe, expect, it } from 'vitest';
import { createRandom } from '../../core/random.ts';
import { parseCsv } from '../csv.ts';
import { HISTOGRAM_COLUMNS } from './columns.ts';
import type { MeasuredState } from './measure.ts';
import { agreement, predict, summarise } from './predict.ts';
import { stateTables, tableCsv } from './tables.ts';

/** States of given entropy and criticality, two per question. */
const states = (values: readonly (readonly [entropy: number, criticality: number])[]): MeasuredState[] =>
  values.map(([entropy, criticality], index) => ({
    task: { id: `q${Math.floor(index / 2)}`, question: '', answers: [], kind: 'k', hops: 2 },
    state: index,
    depth: index % 2,
    prompt: { text: `state ${index}`, actions: ['go left', 'go right', 'stop'] },
    action: index % 2 === 0 ? 'go left' : 'stop',
    likely: 'go right',
    surprisal: -entropy,
    entropy,
    criticality,
    outcomeDeviation: criticality,
    sampled: criticality,
    sampledExpected: criticality,
    sampledDeviation: 0.1,
  }));

const perfect = states(
  Array.from({ length: 40 }, (_, index) => (index % 4 === 3 ? [0.9 + index / 1000, 0.45] : [index / 100, 0])),
);
const request = { threshold: 0.4, random: createRandom(0) };

describe('predict', () => {
  it('sees a perfect predictor, and its opposite', () => {
    const entropy = predict({ ...request, states: perfect, uncertainty: 'entropy' });
    expect([entropy.states, entropy.questions, entropy.high]).toEqual([40, 20, 10]);
    expect(entropy.auc.value).toBe(1);
    expect(entropy.cliffsDelta.value).toBe(1);
    expect(entropy.falsePositive.value).toBe(0);
    expect(entropy.falseNegative.value).toBe(0);
    expect(predict({ ...request, states: perfect, uncertainty: 'surprisal' }).auc.value).toBe(0);
  });

  it('finds nothing in noise: the intervals hold chance', () => {
    const random = createRandom(5);
    const noise = states(
      Array.from({ length: 400 }, () => [random.uniform(), random.integer(2) === 0 ? 0 : 0.5]),
    );
    const { auc, spearman, cliffsDelta, brunnerMunzel } = predict({
      ...request,
      states: noise,
      uncertainty: 'entropy',
    });
    expect(Math.abs(auc.value! - 0.5)).toBeLessThan(3 * auc.standardError!);
    expect(Math.abs(spearman.value!)).toBeLessThan(3 * spearman.standardError!);
    // Independent items: the bootstrap over questions comes to the textbook error, sqrt((n + m + 1) / 12 n m).
    expect(auc.standardError! / Math.sqrt(401 / (12 * 200 * 200))).toBeCloseTo(1, 0);
    expect(cliffsDelta.standardError).toBeCloseTo(2 * auc.standardError!, 12);
    expect(brunnerMunzel!.p).toBeGreaterThan(0.01);
  });

  it('chooses the cut on other questions than it tests', () => {
    // Question q0 alone has a high state: one half has no positives.
    const one = states(Array.from({ length: 20 }, (_, index) => [index / 10, index === 1 ? 0.5 : 0]));
    const { falseNegative, auc } = predict({ ...request, states: one, uncertainty: 'entropy' });
    // Either the cut was chosen with q0 and nothing is left to miss, or there was nothing to choose by.
    expect(falseNegative.value).toBeNull();
    expect(auc.value).not.toBeNull();
  });
});

describe('summaries and tables', () => {
  it('groups, counts questions and shares', () => {
    const groups = summarise({ ...request, states: perfect, by: 'depth', groupOf: ({ depth }) => depth });
    expect(groups.map(({ group, states: count, questions }) => [group, count, questions])).toEqual([
      ['0', 20, 20],
      ['1', 20, 20],
    ]);
    expect(groups[0]!.zeroShare.value).toBe(1);
    expect(groups[1]!.highShare.value).toBe(0.5);
    expect(groups[1]!.criticality.value).toBeCloseTo(0.225, 12);
    // Of 20 independent states half are high: sqrt(0.25 / 20).
    expect(groups[1]!.highShare.standardError).toBeCloseTo(Math.sqrt(0.25 / 20), 1);
  });

  it('writes histograms that hold every state, and CSV that reads back', () => {
    const tables = stateTables({ ...request, states: perfect, samples: 16, rewardRange: [0, 1] });
    for (const estimator of ['exact', 'sampled']) {
      const bins = tables.histogram!.rows.filter((row) => row.estimator === estimator);
      expect(bins.reduce((sum, row) => sum + Number(row.count), 0)).toBe(40);
      expect(bins.reduce((sum, row) => sum + Number(row.share), 0)).toBeCloseTo(1, 12);
      expect(bins[0]!.count).toBe(30);
    }
    for (const [group, count] of [
      ['high', 10],
      ['low', 30],
    ] as const) {
      const bins = tables['entropy-histogram']!.rows.filter((row) => row.group === group);
      expect(bins.reduce((sum, row) => sum + Number(row.count), 0)).toBe(count);
      expect(bins.reduce((sum, row) => sum + Number(row.share), 0)).toBeCloseTo(1, 12);
    }
    expect(parseCsv(HISTOGRAM_COLUMNS, tableCsv(tables.histogram!))).toEqual(tables.histogram!.rows);
    for (const table of Object.values(tables)) expect(tableCsv(table)).toContain('\n');
    expect(tables.groups!.rows.map((row) => row.by)).toEqual([
      'all',
      'depth',
      'depth',
      'move',
      'move',
      'likely move',
    ]);
  });

  it('measures disagreement of sampled and exact values', () => {
    const off = perfect.map((state) => ({ ...state, sampled: state.sampledExpected! + 0.25 }));
    expect(agreement(off, 16)!.withinTwo).toBe(0);
    expect(agreement(off, 16)!.z).toBeCloseTo((0.25 / 0.1) * Math.sqrt(40), 10);
    expect(agreement(perfect, 16)!.z).toBe(0);
    expect(agreement(perfect, 0)).toBeNull();
  });
});
