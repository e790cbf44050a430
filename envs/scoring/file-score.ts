import type { NamedText } from './json.ts';

/**
 * The files to score.
 * @experimental
 */
export interface ScoreInput {
  /** The prediction file. */
  readonly predictions: NamedText;
  /** The gold file. */
  readonly gold: NamedText;
  /** 2WikiMultihopQA's `id_aliases.json` (JSON Lines). Without it every answer has one gold. */
  readonly aliases?: NamedText;
}

/**
 * What a prediction file scored.
 * @experimental
 */
export interface FileScore {
  /** Questions in the gold file: what the means are over. */
  readonly questions: number;
  /**
   * The official script's metrics under its own names, unrounded, in `unit`. Groups of metrics that the
   * files cannot have are left out (no supporting facts predicted, no unanswerable question, …).
   */
  readonly metrics: Readonly<Record<string, number>>;
  /** 'fraction' of 1 or 'percent', as the official script prints. */
  readonly unit: 'fraction' | 'percent';
  /** Decimals that the official script rounds to; null: it does not round. */
  readonly decimals: number | null;
  /** Sizes of parts of the gold file, where a script reports them. */
  readonly counts: Readonly<Record<string, number>>;
  /** Ids of gold questions without a prediction, by part of the prediction. Each scored 0 in that part. */
  readonly missing: Readonly<Record<string, readonly string[]>>;
  /** Ids that were predicted but are not in the gold file. They do not count. */
  readonly unknown: readonly string[];
  /** Remarks about the files that do not stop the scoring. */
  readonly notes: readonly string[];
}

/** Precision, recall, F1 and exact match of one question or summed over several. */
export interface Parts {
  em: number;
  f1: number;
  prec: number;
  recall: number;
}

/** Parts that are all 0. */
export function zeroParts(): Parts {
  return { em: 0, f1: 0, prec: 0, recall: 0 };
}

/** Adds one question's parts to a sum, in place. */
export function addParts(sum: Parts, parts: Parts): void {
  sum.em += parts.em;
  sum.f1 += parts.f1;
  sum.prec += parts.prec;
  sum.recall += parts.recall;
}

/** The parts divided by the number of questions and scaled, under the names `{prefix}em`, … */
export function namedParts(prefix: string, sum: Parts, questions: number, scale: number) {
  return Object.fromEntries(
    (['em', 'f1', 'prec', 'recall'] as const).map((key) => [
      `${prefix}${key}`,
      (sum[key] / questions) * scale,
    ]),
  );
}
