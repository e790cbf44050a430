import { type Column, column } from '../bench/columns.ts';

/** A number over seeds with its 95 % interval. */
const withInterval = (name: string, unit: string, what: string): readonly Column[] => [
  column(name, unit, what),
  column(`${name}_low`, unit, `lower end of the 95 % interval of \`${name}\`; empty where there is none`),
  column(`${name}_high`, unit, 'upper end of that interval'),
  column(
    `${name}_interval`,
    'name',
    'how that interval was made: t (below 10 seeds), BCa (bootstrap over seeds), exact binomial, or none',
  ),
];

const halfWidth = (name: string, unit: string): Column =>
  column(
    `${name}_half_width`,
    unit,
    `half the width of the interval of \`${name}\`; empty where there is none`,
  );

const ENVIRONMENT = column('environment', 'id', 'environment and its version');
const ALGORITHM = column(
  'algorithm',
  'name',
  'algorithm as named in the suite; with the folder where several runs have it',
);

const SCORE = column(
  'score',
  'name',
  'what the environment is scored by, on the dev questions: f1 or em of the answers, return (the sum of rewards), or one of its metrics; its range is in suite.json. Empty if no cell of it finished',
);

/** Costs that are reported per question and as a ratio to GRPO's. */
export const COSTS = ['update_actions', 'rollout_actions', 'generated_tokens', 'environment_calls'] as const;

/**
 * `comparison.csv`: one row per environment and algorithm. Costs and shares are over all training iterations of a
 * seed, then the mean over seeds.
 */
export const COMPARISON_COLUMNS: readonly Column[] = [
  ENVIRONMENT,
  ALGORITHM,
  SCORE,
  column('seeds', 'count', 'finished cells: what the means are over'),
  column('failed', 'count', 'cells that failed; they are in no mean'),
  column('missing', 'count', 'cells that the run did not come to'),
  column('iterations', 'count', 'training iterations'),
  ...withInterval('score_mean', 'score', 'the score after training, mean over seeds'),
  halfWidth('score_mean', 'score'),
  column(
    'score_question_error',
    'score',
    "standard error of one seed's score over the dev questions, mean over seeds; not part of the interval, which is over seeds",
  ),
  ...withInterval(
    'score_iqm',
    'score',
    'interquartile mean of the score after training: a quarter of the seeds, rounded down, left out at either end',
  ),
  column('score_start', 'score', 'the score before training, mean over seeds'),
  ...withInterval('score_gain', 'score', 'the score after training minus before, mean over seeds'),
  column(
    'score_gain_standard_errors',
    'count',
    'the gain divided by its standard error over seeds; empty for one seed or no spread',
  ),
  ...withInterval(
    'score_auc',
    'score',
    'mean height of the curve of the score: area by trapezoids over iterations, over its width; mean over seeds',
  ),
  ...withInterval(
    'optimality_gap',
    '0..',
    '1 - min(1, (score - random) / (oracle - random)), mean over seeds; empty without stated anchors',
  ),
  column(
    'threshold',
    'score',
    'score to be reached; empty where none was stated, or it is outside the range of the score, and so the next six',
  ),
  column('threshold_reached', 'count', 'seeds that reached it'),
  column(
    'steps_to_threshold_median',
    'iterations',
    "Kaplan and Meier's median of the first evaluation at or above it; empty where half of the seeds never arrive",
  ),
  ...withInterval(
    'steps_to_threshold',
    'iterations',
    'mean over seeds of the steps, cut at the horizon: seeds that never arrive count as arriving there',
  ),
  column(
    'steps_to_threshold_horizon',
    'iterations',
    'the last iteration that all finished cells of the environment came to',
  ),
  ...withInterval(
    'dev_f1',
    '0..1',
    'F1 of the answers to the dev questions after training, mean over seeds; empty without answers',
  ),
  halfWidth('dev_f1', '0..1'),
  ...withInterval('dev_em', '0..1', 'the same of exact match'),
  halfWidth('dev_em', '0..1'),
  column('update_actions', 'actions/question', 'actions that receive a gradient, per question that is used'),
  column(
    'rollout_actions',
    'actions/question',
    'actions generated, those of questions that are not used included',
  ),
  column('generated_tokens', 'tokens/question', 'tokens generated, likewise'),
  column('environment_calls', 'calls/question', 'environment steps, likewise'),
  ...COSTS.map((name) => column(`${name}_ratio`, 'ratio', `${name} divided by GRPO's; empty without GRPO`)),
  column('action_entropy', 'nats', 'mean action entropy in the last iteration'),
  column('truncated_share', '0..1', 'trajectories cut by the turn limit'),
  column('zero_signal_share', '0..1', 'questions that gave no gradient'),
];

/** `pairwise.csv`: one row per comparison, on the seeds that both finished. */
export const PAIRWISE_COLUMNS: readonly Column[] = [
  ENVIRONMENT,
  ALGORITHM,
  column(
    'baseline',
    'name',
    'what it is compared with: GRPO or the one that was asked for, or the same algorithm in an earlier run',
  ),
  SCORE,
  column('pairs', 'count', 'seeds that both finished: what the numbers are over'),
  column('unpaired', 'count', 'finished cells of either without the other: left out'),
  ...withInterval(
    'difference',
    'score',
    "the score after training minus the baseline's of the same seed, mean over pairs",
  ),
  column(
    'difference_deviation',
    'score',
    'standard deviation of that difference over pairs: what `creditbench power` plans with',
  ),
  column('p', '0..1', 'two-sided p of the paired t test; empty for one pair or no spread'),
  column('p_holm', '0..1', "p after Holm's adjustment for all comparisons of this file"),
  column('comparisons', 'count', 'comparisons that the adjustment counts: all rows that have a p'),
  ...withInterval(
    'probability_of_improvement',
    '0..1',
    "chance that a run of the algorithm scores above one of the baseline's, ties half: over all pairs of seeds",
  ),
  column('note', 'text', 'why a number is not there, or what else differs'),
];

/** `profiles.csv`: performance profiles, one row per environment, algorithm and threshold. */
export const PROFILE_COLUMNS: readonly Column[] = [
  ENVIRONMENT,
  ALGORITHM,
  SCORE,
  column('threshold', 'score', 'score after training: 101 values over the range of the score'),
  column('seeds', 'count', 'finished cells'),
  ...withInterval('share', '0..1', 'share of the seeds that score above the threshold'),
];
