import type { Row } from '../bench/cell.ts';
import type { Anchors } from '../bench/stats/anchors.ts';
import type { Interval } from '../bench/stats/interval.ts';
import type { COSTS } from './columns.ts';
import type { Score } from './score.ts';

/** One cell as the comparison sees it. */
export interface ComparedCell {
  readonly environment: string;
  /** Name in the suite; with the folder where several runs have it. */
  readonly algorithm: string;
  /** Name in the suite. Default: `algorithm`. */
  readonly entry?: string;
  /** Id of the algorithm, to find GRPO. */
  readonly algorithmId: string;
  /** Training seed: equal seeds of one environment are compared in pairs. */
  readonly seed: number;
  readonly status: 'finished' | 'failed' | 'missing';
  /** First 16 digits of its hash: of two runs, equal ones are the same cell. Default: all are different. */
  readonly cell?: string;
  /** What its environment is scored by. Default: the F1 of answers, 0 to 1. Read of finished cells only. */
  readonly score?: Score | undefined;
  /** Rows of `metricColumns`; empty unless finished. */
  readonly metrics: readonly Row[];
  /** Fingerprint of its environment (data, corpus, retrieval, options); undefined unless finished. */
  readonly fingerprint: string | undefined;
  /** The environment's options, to say what differs. */
  readonly options: Readonly<Record<string, unknown>>;
  /** Which run it is of, where there are several: ratios are within a run. */
  readonly run?: number;
}

/** Options of an analysis. Everything else follows from the cells. */
export interface AnalysisOptions {
  /** Compares cells of one environment although their data or retrieval differ. Default false. */
  readonly allowMixed?: boolean;
  /**
   * Name of the algorithm that the others are compared with. Default: the one of the same run that is named grpo,
   * or whose algorithm is grpo; without one the same of the first run that has one; else the first of all.
   */
  readonly baseline?: string;
  /**
   * Score whose first reaching is counted in iterations, within the range of at least one environment's score; not
   * counted for environments whose range does not have it. Default: not counted.
   */
  readonly threshold?: number;
  /** Anchors by environment id, within the range of its score. Default: no optimality gap. */
  readonly anchors?: Readonly<Record<string, Anchors>>;
  /** Seed of the bootstrap: any safe integer. Default 0. */
  readonly seed?: number;
  /** Replicates of every bootstrap: 100 or more. Default 5000: the 2.5 % point is known to 0.2 % in level. */
  readonly replicates?: number;
}

/** A cost of training per question, mean over seeds. */
export interface Cost {
  readonly value: number | null;
  /** Divided by that of the run's GRPO (`ratiosTo`); null without one. */
  readonly ratio: number | null;
}

/** Numbers of one finished cell: a seed. Null if the metrics do not have them; NaN if they diverged. */
export interface SeedAnalysis {
  readonly seed: number;
  /** Digits of the cell's hash, if given: equal ones are the same cell. */
  readonly cell: string | undefined;
  /** The score (`GroupAnalysis.declared`) before training. */
  readonly start: number | null;
  /** The score of the last evaluation. */
  readonly score: number | null;
  /** Standard error of `score` over the dev questions: of one policy, not over seeds. */
  readonly questionError: number | null;
  /** F1 and exact match of the answers there; null in environments without answers. */
  readonly f1: number | null;
  readonly em: number | null;
  /** `score` minus `start`. */
  readonly gain: number | null;
  /** Mean height of the curve of the score over its iterations (trapezoids over the width). */
  readonly auc: number | null;
  /** First evaluated iteration with a score at or above the threshold, or the last one, not reached. */
  readonly steps: { readonly iteration: number; readonly reached: boolean } | null;
  /** Training iterations done. */
  readonly iterations: number | null;
}

/** Iterations until the score reaches the threshold, over seeds, with those that never do. */
export interface StepsAnalysis {
  readonly threshold: number;
  /** Seeds that reached it. */
  readonly reached: number;
  /** Kaplan and Meier's median; null if half of the seeds never arrive. */
  readonly median: number | null;
  /** Mean of the steps cut at `horizon`: a lower bound of the mean, equal for algorithms of one horizon. */
  readonly restrictedMean: Interval;
  /** The last iteration that every seed of the environment has reached. */
  readonly horizon: number;
}

/** One algorithm in one environment: the numbers of a row of comparison.csv, and what they are made of. */
export interface GroupAnalysis {
  readonly environment: string;
  /** Name as shown: that in the suite, with the folder where several runs have it. */
  readonly algorithm: string;
  readonly algorithmId: string;
  /** Name in the suite. */
  readonly entry: string;
  /** Which run it is of, from 0. */
  readonly run: number;
  /** What its environment is scored by: all that is called score here. Null if no cell of the environment finished. */
  readonly declared: Score | null;
  /** Of its environment's data, corpus and retrieval; undefined if no cell finished. */
  readonly fingerprint: string | undefined;
  /** Number of cells by status; only finished ones are in the numbers. */
  readonly finished: number;
  readonly failed: number;
  readonly missing: number;
  /** The finished cells, by seed. */
  readonly seeds: readonly SeedAnalysis[];
  readonly iterations: number | null;
  /** Means over seeds of what SeedAnalysis has; null if no seed has it. */
  readonly score: Interval | null;
  /** Interquartile mean over seeds: a quarter trimmed at either end. */
  readonly scoreIqm: Interval | null;
  /** Mean over seeds of the error over questions that each seed's last evaluation has. Never part of an interval. */
  readonly questionError: number | null;
  readonly f1: Interval | null;
  readonly em: Interval | null;
  readonly start: Interval | null;
  readonly gain: Interval | null;
  readonly auc: Interval | null;
  /** 1 - mean over seeds of min(1, (score - random) / (oracle - random)); null without anchors. */
  readonly optimalityGap: Interval | null;
  /** Null without a threshold, or with one outside the range of the score. */
  readonly steps: StepsAnalysis | null;
  /** Name of the algorithm that ratios of costs are to: the GRPO of the same run and environment. Null without one. */
  readonly ratiosTo: string | null;
  readonly costs: Readonly<Record<(typeof COSTS)[number], Cost>>;
  /** Mean action entropy of the last iteration, nats. */
  readonly actionEntropy: Interval | null;
  readonly truncatedShare: number | null;
  readonly zeroSignalShare: number | null;
}

/** An algorithm against a baseline, on the seeds that both finished. */
export interface PairAnalysis {
  readonly environment: string;
  readonly algorithm: string;
  readonly baseline: string;
  /** What both are scored by; null if that is not known, or differs. */
  readonly declared: Score | null;
  /** Seeds that both finished, as different cells: what everything here is over. */
  readonly pairs: number;
  /** Finished cells of either whose seed the other did not finish, or of which it is the same cell: left out. */
  readonly unpaired: number;
  /** Mean over seeds of the algorithm's score minus the baseline's. */
  readonly difference: Interval | null;
  /** Standard deviation of that difference over seeds; null for one pair. */
  readonly deviation: number | null;
  /** Two-sided, of the paired t test; null if it is not defined. */
  readonly p: number | null;
  /** Holm's, over all comparisons of this analysis. */
  readonly adjustedP: number | null;
  /** How many comparisons Holm's adjustment counts. */
  readonly comparisons: number;
  /** P(algorithm > baseline) + P(equal) / 2 over two runs drawn at random; null for one pair. */
  readonly improvement: Interval | null;
  /** Why a number is missing, in words; null if none is. */
  readonly note: string | null;
}

/** The share of runs that score above a threshold. */
export interface ProfilePoint {
  readonly environment: string;
  readonly algorithm: string;
  readonly declared: Score;
  /** Value of the score, within its range. */
  readonly threshold: number;
  /** Share of seeds whose final score is above it. */
  readonly share: Interval;
}

/** Everything that the comparison of runs says. CSV files, tables and the page only show it. */
export interface Analysis {
  readonly groups: readonly GroupAnalysis[];
  readonly pairs: readonly PairAnalysis[];
  readonly profiles: readonly ProfilePoint[];
  /** Cells without a result, in the order of the cells. */
  readonly unfinished: readonly {
    readonly environment: string;
    readonly algorithm: string;
    readonly seed: number;
    readonly status: 'failed' | 'missing';
  }[];
  /** The options of the analysis, defaults filled in. */
  readonly options: {
    readonly threshold: number | null;
    readonly anchors: Readonly<Record<string, Anchors>>;
    readonly seed: number;
    /** Bootstrap replicates. */
    readonly replicates: number;
    readonly confidence: number;
  };
}
