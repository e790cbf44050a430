import type { Random } from '../../core/random.ts';
import type { Row } from '../cell.ts';
import type { Column } from '../columns.ts';
import { formatCsv } from '../csv.ts';
import type { ClusteredEstimate } from '../stats/cluster-bootstrap.ts';
import { histogram } from '../stats/histogram.ts';
import type { AblationDifference, AblationRun } from './ablation.ts';
import {
  ABLATION_COLUMNS,
  CORRELATED_COLUMNS,
  DIFFERENCE_COLUMNS,
  ENTROPY_COLUMNS,
  GROUP_COLUMNS,
  HISTOGRAM_COLUMNS,
  PREDICTION_COLUMNS,
  SAMPLING_COLUMNS,
  STATE_COLUMNS,
  TRAINING_COLUMNS,
} from './columns.ts';
import type { EdgeRow } from './correlated.ts';
import { type MeasuredState, moveKind } from './measure.ts';
import {
  ABOUT_ZERO,
  agreement,
  type Prediction,
  predict,
  type ScoredState,
  summarise,
  UNCERTAINTIES,
} from './predict.ts';
import type { TrainingPoint } from './training.ts';

/**
 * A file to write: its rows with the columns that they may have.
 * @experimental
 */
export interface CriticalityTable {
  readonly columns: readonly Column[];
  readonly rows: readonly Row[];
}

/**
 * Tables by the name of their CSV file, without '.csv'.
 * @experimental
 */
export type CriticalityTables = Readonly<Record<string, CriticalityTable>>;

/** The CSV text of a table. */
export const tableCsv = ({ columns, rows }: CriticalityTable): string => formatCsv(columns, rows);

/** What states have in common with those of which only samples are known: prediction, groups. */
export function commonTables<State extends ScoredState>(
  of: { readonly states: readonly State[]; readonly threshold: number; readonly random: Random },
  groupings: readonly { readonly by: string; readonly groupOf: (state: State) => string | number }[],
): { readonly prediction: CriticalityTable; readonly groups: CriticalityTable } {
  const { states, threshold, random } = of;
  return {
    prediction: {
      columns: PREDICTION_COLUMNS,
      rows: UNCERTAINTIES.map((uncertainty) => {
        const prediction = predict({ states, threshold, uncertainty, random: random.split('prediction') });
        return { uncertainty, ...predictionRow(prediction) };
      }),
    },
    groups: {
      columns: GROUP_COLUMNS,
      rows: groupings.flatMap((grouping) =>
        summarise({ states, threshold, ...grouping, random: random.split('groups') }).map((summary) => ({
          by: summary.by,
          group: summary.group,
          states: summary.states,
          questions: summary.questions,
          ...estimated('criticality', summary.criticality),
          ...estimated('zero_share', summary.zeroShare),
          ...estimated('high_share', summary.highShare),
          ...estimated('entropy', summary.entropy),
        })),
      ),
    },
  };
}

/**
 * The tables and figure data of measured states: states, histogram (Fig. 2a), entropy-histogram (Fig. 2b),
 * prediction, groups and, where K > 0, sampling.
 * @param rewardRange lowest and highest return; criticality is at most half of their distance.
 * @param random for the bootstrap and the split into halves.
 */
export function stateTables(request: {
  readonly states: readonly MeasuredState[];
  readonly samples: number;
  readonly threshold: number;
  readonly rewardRange: readonly [number, number];
  readonly random: Random;
}): CriticalityTables {
  const { states, samples, threshold, random } = request;
  const compared = agreement(states, samples);
  const share = (of: (state: MeasuredState) => boolean): number => states.filter(of).length / states.length;
  const groupings = [
    { by: 'all', groupOf: () => 'all' },
    { by: 'depth', groupOf: (state: MeasuredState) => state.depth },
    { by: 'move', groupOf: (state: MeasuredState) => moveKind(state.action) },
    { by: 'likely move', groupOf: (state: MeasuredState) => moveKind(state.likely) },
  ];
  return {
    states: { columns: STATE_COLUMNS, rows: states.map(stateRow) },
    histogram: { columns: HISTOGRAM_COLUMNS, rows: criticalityHistogram(request) },
    'entropy-histogram': { columns: ENTROPY_COLUMNS, rows: entropyHistogram(states, threshold) },
    ...commonTables({ states, threshold, random }, groupings),
    ...(compared === null
      ? {}
      : {
          sampling: {
            columns: SAMPLING_COLUMNS,
            rows: [
              {
                states: compared.states,
                samples: compared.samples,
                exact: compared.exact,
                sampled: compared.sampled,
                expected: compared.expected,
                standard_error: compared.standardError,
                z: compared.z,
                within_two: compared.withinTwo,
                exact_zero_share: share((state) => state.outcomeDeviation < ABOUT_ZERO),
                sampled_zero_share: share((state) => state.sampled! < ABOUT_ZERO),
                exact_high_share: share((state) => state.outcomeDeviation > threshold),
                sampled_high_share: share((state) => state.sampled! > threshold),
              },
            ],
          },
        }),
  };
}

function stateRow(state: MeasuredState): Row {
  return {
    question: state.task.id,
    question_kind: state.task.kind,
    hops: state.task.hops,
    depth: state.depth,
    observation: state.prompt.text,
    actions: state.prompt.actions!.length,
    sampled_action: state.action,
    likely_action: state.likely,
    entropy: state.entropy,
    surprisal: state.surprisal,
    criticality: state.criticality,
    outcome_std: state.outcomeDeviation,
    sampled: state.sampled,
    sampled_expected: state.sampledExpected,
    sampled_std: state.sampledDeviation,
  };
}

/** Ten bins up to the greatest possible criticality, and more where the divisor K - 1 lets estimates exceed it. */
function criticalityHistogram({
  states,
  samples,
  rewardRange: [lowest, highest],
}: Parameters<typeof stateTables>[0]): readonly Row[] {
  const width = (highest - lowest) / 2 / 10;
  const bins = samples > 1 ? Math.ceil(10 * Math.sqrt(samples / (samples - 1)) - 1e-9) : 10;
  const rows = (estimator: string, values: readonly number[]): readonly Row[] =>
    histogram(values, { low: 0, high: width * bins, bins }).map(({ low, high, count }) => ({
      estimator,
      bin_low: low,
      bin_high: high,
      count,
      share: count / values.length,
    }));
  return [
    ...rows(
      'exact',
      states.map((state) => state.criticality),
    ),
    ...(samples > 0
      ? rows(
          'sampled',
          states.map((state) => state.sampled!),
        )
      : []),
  ];
}

function entropyHistogram(states: readonly MeasuredState[], threshold: number): readonly Row[] {
  const most = Math.max(...states.map((state) => Math.log(state.prompt.actions!.length)), 0.25);
  const bins = Math.ceil(most / 0.25 - 1e-9);
  return ['high', 'low'].flatMap((group) => {
    const members = states.filter((state) => state.criticality > threshold === (group === 'high'));
    const entropies = members.map((state) => state.entropy);
    return histogram(entropies, { low: 0, high: bins * 0.25, bins }).map(({ low, high, count }) => ({
      group,
      bin_low: low,
      bin_high: high,
      count,
      share: members.length === 0 ? null : count / members.length,
    }));
  });
}

/** A column and that of its error. */
function estimated(name: string, { value, standardError }: ClusteredEstimate): Row {
  return { [name]: value, [`${name}_error`]: standardError };
}

/** The columns that all predictions have. */
function predictionRow(prediction: Prediction): Row {
  return {
    states: prediction.states,
    questions: prediction.questions,
    high_states: prediction.high,
    brunner_munzel: prediction.brunnerMunzel?.statistic ?? null,
    brunner_munzel_df: prediction.brunnerMunzel?.degreesOfFreedom ?? null,
    brunner_munzel_p: prediction.brunnerMunzel?.p ?? null,
    ...estimated('cliffs_delta', prediction.cliffsDelta),
    ...estimated('auc', prediction.auc),
    ...estimated('pearson', prediction.pearson),
    ...estimated('spearman', prediction.spearman),
    cut: prediction.cut,
    ...estimated('false_positive', prediction.falsePositive),
    ...estimated('false_negative', prediction.falseNegative),
  };
}

/** Check (a): the prediction on held-out questions along training. */
export function trainingTables(points: readonly TrainingPoint[]): CriticalityTables {
  return {
    training: {
      columns: TRAINING_COLUMNS,
      rows: points.map((point) => ({
        iteration: point.iteration,
        set: point.set,
        uncertainty: point.uncertainty,
        criticality: point.meanCriticality,
        mean_uncertainty: point.meanUncertainty,
        zero_share: point.zeroShare,
        high_share: point.highShare,
        rose_early: point.roseEarly,
        rose_late: point.roseLate,
        ...predictionRow(point.prediction),
      })),
    },
  };
}

/** Check (b): keeping or filtering early actions that were not forked. */
export function ablationTables(result: {
  readonly runs: readonly AblationRun[];
  readonly difference: AblationDifference;
}): CriticalityTables {
  return {
    ablation: { columns: ABLATION_COLUMNS, rows: result.runs.map((run) => ({ ...run })) },
    'ablation-difference': {
      columns: DIFFERENCE_COLUMNS,
      rows: [
        {
          seeds: result.difference.seeds,
          difference: result.difference.difference,
          half_width: result.difference.halfWidth,
        },
      ],
    },
  };
}

/** Check (c): siblings on a shared random stream. */
export function correlatedTables(
  cases: readonly {
    readonly environment: string;
    readonly initial: number;
    readonly forks: number;
    readonly entropy: string;
    readonly trees: number | 'exact';
    readonly rows: readonly EdgeRow[];
  }[],
): CriticalityTables {
  return {
    correlated: {
      columns: CORRELATED_COLUMNS,
      rows: cases.flatMap(({ rows, trees, environment, initial, forks, entropy }) =>
        rows.map(({ meanError, slopeError, zeroShare, ...row }) => ({
          environment,
          initial,
          forks,
          entropy,
          trees: trees === 'exact' ? null : trees,
          ...row,
          mean_error: meanError,
          zero_share: zeroShare,
          slope_error: slopeError,
        })),
      ),
    },
  };
}
