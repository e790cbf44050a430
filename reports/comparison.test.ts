import { describe, expect, it } from 'vitest';
import type { Row } from '../bench/cell.ts';
import type { ComparedCell } from './analyzed.ts';
import { COMPARISON_COLUMNS } from './columns.ts';
import { compare } from './comparison.ts';

interface Numbers {
  readonly start?: number;
  readonly f1: number;
  readonly em?: number;
  /** Update actions of the two training iterations, with 2 and 6 questions. */
  readonly updates?: readonly [number, number];
}

function metrics({ start = 0.25, f1, em = 0, updates = [10, 30] }: Numbers): readonly Row[] {
  const training = (iteration: number, questions: number, updated: number): Row => ({
    iteration,
    questions,
    update_actions: updated,
    rollout_actions: 2 * updated,
    generated_tokens: 3 * updated,
    environment_calls: 2 * updated,
    trajectories: 4 * questions,
    truncated: questions,
    zero_signal_questions: questions / 2,
    action_entropy: iteration / 4,
  });
  return [
    { iteration: 0, dev_f1: start, dev_em: 0.125 },
    { ...training(1, 2, updates[0]), dev_f1: null, dev_em: null },
    { ...training(2, 6, updates[1]), dev_f1: f1, dev_em: em },
  ];
}

function cell(algorithm: string, numbers?: Numbers, changes: Partial<ComparedCell> = {}): ComparedCell {
  return {
    environment: 'walk/v1',
    algorithm,
    algorithmId: algorithm,
    seed: 0,
    status: 'finished',
    metrics: numbers ? metrics(numbers) : [],
    fingerprint: numbers ? 'f' : undefined,
    options: {},
    ...changes,
  };
}

describe('compare', () => {
  it('gives mean, t interval and gain in standard errors over seeds', () => {
    // Mean 0.5, standard deviation 0.1, t(0.975, 2) = 4.302652729911275 (tables: 4.303).
    const seeds = [0.4, 0.5, 0.6].map((f1) => cell('grpo', { f1, em: f1 / 2 }));
    const [row] = compare(seeds);
    const half = (4.302652729911275 * 0.1) / Math.sqrt(3);
    expect(row).toMatchObject({
      environment: 'walk/v1',
      algorithm: 'grpo',
      seeds: 3,
      failed: 0,
      iterations: 2,
    });
    expect(row?.score_mean).toBeCloseTo(0.5, 12);
    expect(row?.score_mean_half_width).toBeCloseTo(half, 10);
    expect(row?.score_mean_low).toBeCloseTo(0.5 - half, 10);
    expect(row?.score_mean_high).toBeCloseTo(0.5 + half, 10);
    expect(row?.dev_em).toBeCloseTo(0.25, 12);
    expect(row?.dev_em_half_width).toBeCloseTo(half / 2, 10);
    expect(row?.score_gain).toBeCloseTo(0.25, 12);
    expect(row?.score_gain_standard_errors).toBeCloseTo(0.25 / (0.1 / Math.sqrt(3)), 8);
  });

  it('counts costs per question over all training iterations, and shares of what was sampled', () => {
    const [row] = compare([cell('grpo', { f1: 1 }), cell('grpo', { f1: 1, updates: [2, 6] })]);
    // (10 + 30) / 8 questions and (2 + 6) / 8 questions.
    expect(row).toMatchObject({
      update_actions: 3,
      rollout_actions: 6,
      generated_tokens: 9,
      environment_calls: 6,
      update_actions_ratio: 1,
      truncated_share: 0.25,
      zero_signal_share: 0.5,
      action_entropy: 0.5,
    });
  });

  it('leaves intervals empty for one seed and standard errors empty without spread', () => {
    const [one] = compare([cell('grpo', { f1: 0.5 })]);
    expect(one).toMatchObject({ dev_f1: 0.5, score_mean_half_width: null, score_gain_standard_errors: null });
    const [same] = compare([cell('grpo', { f1: 0.5 }), cell('grpo', { f1: 0.5 })]);
    expect(same).toMatchObject({ score_mean_half_width: 0, score_gain_standard_errors: null });
  });

  it("takes ratios to the same environment's entry named grpo, else to the algorithm grpo", () => {
    const elsewhere = { environment: 'other/v1' };
    const rows = compare([
      cell('wide', { f1: 0.5, updates: [40, 40] }, { algorithmId: 'grpo' }),
      cell('carl', { f1: 0.5, updates: [4, 4] }),
      cell('grpo', { f1: 0.5, updates: [8, 8] }),
      cell('carl', { f1: 0.5, updates: [4, 4] }, elsewhere),
      cell('wide', { f1: 0.5, updates: [32, 32] }, { ...elsewhere, algorithmId: 'grpo/v1' }),
      cell('carl', { f1: 0.5 }, { environment: 'third/v1' }),
    ]);
    expect(rows.map((row) => [row.environment, row.algorithm, row.update_actions_ratio])).toEqual([
      ['walk/v1', 'wide', 5],
      ['walk/v1', 'carl', 0.5],
      ['walk/v1', 'grpo', 1],
      ['other/v1', 'carl', 0.125],
      ['other/v1', 'wide', 1],
      ['third/v1', 'carl', null],
    ]);
  });

  it('keeps failed and missing cells in sight and out of the means', () => {
    const rows = compare([
      cell('grpo', { f1: 0.75 }),
      cell('grpo', undefined, { status: 'failed' }),
      cell('carl', undefined, { status: 'failed' }),
      cell('carl', undefined, { status: 'missing' }),
    ]);
    expect(rows[0]).toMatchObject({ seeds: 1, failed: 1, missing: 0, dev_f1: 0.75 });
    expect(rows[1]).toMatchObject({
      seeds: 0,
      failed: 1,
      missing: 1,
      dev_f1: null,
      update_actions_ratio: null,
    });
  });

  it('lets a diverged seed show', () => {
    expect(compare([cell('grpo', { f1: 0.5 }), cell('grpo', { f1: Number.NaN })])[0]?.dev_f1).toBeNaN();
  });

  it('fills every declared column and no other', () => {
    const [row] = compare([cell('grpo', { f1: 0.5 })]);
    expect(Object.keys(row!)).toEqual(COMPARISON_COLUMNS.map(({ name }) => name));
  });

  it('takes ratios within a run', () => {
    const rows = compare([
      cell('grpo (x)', { f1: 0.5, updates: [10, 30] }, { algorithmId: 'grpo', run: 0 }),
      cell('grpo (y)', { f1: 0.5, updates: [20, 60] }, { algorithmId: 'grpo', run: 1 }),
      cell('carl (y)', { f1: 0.5, updates: [10, 30] }, { algorithmId: 'carl', run: 1 }),
    ]);
    expect(rows.map((row) => row.update_actions_ratio)).toEqual([1, 1, 0.5]);
  });

  it('refuses to mix data or retrieval, and says what differs', () => {
    const cells = [
      cell('grpo', { f1: 0.5 }, { options: { topK: 3, b: 0.4 } }),
      cell('failed'),
      cell('carl', { f1: 0.5 }, { fingerprint: 'g', options: { topK: 5, b: 0.4 } }),
    ];
    expect(() => compare(cells)).toThrow(
      'walk/v1: grpo and carl were run on different data or retrieval (fingerprints f and g); differing options: topK 3 and 5; valid:',
    );
    expect(compare(cells, { allowMixed: true })).toHaveLength(3);
    const elsewhere = cells.map((one, i) => ({ ...one, environment: `walk/v${i}` }));
    expect(compare(elsewhere)).toHaveLength(3);
  });
});
