import type { Row } from '../bench/cell.ts';
import type { Analysis, PairAnalysis, ProfilePoint } from './analyzed.ts';
import { comparisonRows, intervalRow } from './comparison.ts';

/** A finished cell as the files name it: values of CELL_COLUMNS, and its metrics. */
export interface IdentifiedCell {
  readonly environment: string;
  readonly policy: string;
  readonly algorithm: string;
  readonly seed: number;
  /** First 16 digits of its hash. */
  readonly cell: string;
  /** Rows of `metricColumns`. */
  readonly metrics: readonly Row[];
}

/** Values of CELL_COLUMNS. */
export const cellRow = ({ environment, policy, algorithm, seed, cell }: IdentifiedCell): Row => ({
  environment,
  policy,
  algorithm,
  seed,
  cell,
});

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

/** The rows of ENTROPY_CURVE_COLUMNS: what every training iteration recorded. */
export function entropyRows(cells: readonly IdentifiedCell[]): readonly Row[] {
  return cells.flatMap((cell) =>
    cell.metrics.flatMap((row) =>
      (['action', 'token'] as const).flatMap((level) => {
        const entropy = row[`${level}_entropy`] ?? null;
        return entropy === null
          ? []
          : [{ ...cellRow(cell), iteration: row.iteration ?? null, level, entropy }];
      }),
    ),
  );
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
