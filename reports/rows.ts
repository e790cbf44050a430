import type { Row } from '../bench/cell.ts';
import type { Analysis, PairAnalysis, ProfilePoint } from './analyzed.ts';
import { comparisonRows, intervalRow } from './comparison.ts';

/** The rows of PAIRWISE_COLUMNS. */
export function pairwiseRows(pairs: readonly PairAnalysis[]): readonly Row[] {
  return pairs.map((pair) => ({
    environment: pair.environment,
    algorithm: pair.algorithm,
    baseline: pair.baseline,
    score: pair.declared?.name ?? null,
    pairs: pair.pairs,
    unpaired: pair.unpaired,
    ...intervalRow('difference', pair.difference),
    difference_deviation: pair.deviation,
    p: pair.p,
    p_holm: pair.adjustedP,
    comparisons: pair.comparisons,
    ...intervalRow('probability_of_improvement', pair.improvement),
    note: pair.note,
  }));
}

/** The rows of PROFILE_COLUMNS. */
export function profileRows(profiles: readonly ProfilePoint[]): readonly Row[] {
  return profiles.map(({ environment, algorithm, declared, threshold, share }) => ({
    environment,
    algorithm,
    score: declared.name,
    threshold,
    seeds: share.n,
    ...intervalRow('share', share),
  }));
}

/** The JSON twin of comparison.csv, pairwise.csv and profiles.csv. JSON has no NaN: it becomes a text. */
export function resultsJson(analysis: Analysis, version: string): string {
  const content = {
    creditbench: version,
    analysis: analysis.options,
    unfinished: analysis.unfinished,
    comparison: comparisonRows(analysis.groups),
    pairwise: pairwiseRows(analysis.pairs),
    profiles: profileRows(analysis.profiles),
  };
  const plain = (_: string, value: unknown): unknown =>
    typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
  return `${JSON.stringify(content, plain, 1)}\n`;
}
