import { type Column, column } from '../columns.ts';

const withError = (name: string, unit: string, description: string): readonly Column[] => [
  column(name, unit, description),
  column(`${name}_error`, unit, `standard error of ${name} (bootstrap over questions); empty where unknown`),
];

const MEASURED = [
  column('states', 'count', 'states measured, each once per question'),
  column('questions', 'count', 'questions that they belong to: the unit of the errors'),
];

/** `states.csv`: one row per state that a sampled trajectory met. */
export const STATE_COLUMNS = [
  column('question', 'id', 'question'),
  column('question_kind', 'name', 'kind of the question'),
  column('hops', 'count', 'facts that the question combines'),
  column('depth', 'actions', 'actions before this state'),
  column('observation', 'text', 'what the policy reads'),
  column('actions', 'count', 'legal actions'),
  column('sampled_action', 'text', 'the action that the trajectory took'),
  column('likely_action', 'text', 'the most likely action'),
  column('entropy', 'nats', 'exact entropy of the action'),
  column('surprisal', 'nats', 'minus log-probability of the sampled action: what CARL forks by'),
  column('criticality', 'return', 'exact criticality: std over actions of the outcome, greedy afterwards'),
  column(
    'outcome_std',
    'return',
    'the same with the randomness of the environment in it; equal where it has none',
  ),
  column('sampled', 'return', 'criticality from K sampled actions, divisor K - 1; empty where not sampled'),
  column('sampled_expected', 'return', 'exact expectation of that estimate: its bias is in it'),
  column('sampled_std', 'return', 'exact standard deviation of that estimate'),
] as const;

/** `states.csv` where only samples are known: actions are text. */
export const SAMPLED_STATE_COLUMNS = [
  column('question', 'id', 'question'),
  column('question_kind', 'name', 'kind of the question'),
  column('hops', 'count', 'facts that the question combines'),
  column('depth', 'actions', 'actions before this state'),
  column('observation', 'text', 'the newest of what the policy reads'),
  column('sampled_action', 'text', 'the action that the trajectory took'),
  column('entropy', 'nats', 'mean entropy of the tokens of the actions that were sampled there'),
  column(
    'entropy_is',
    'name',
    "'exact', or which estimate from the most likely tokens: lower, middle, upper",
  ),
  column('surprisal', 'nats', 'minus log-probability per token of the sampled action: what CARL forks by'),
  column(
    'criticality',
    'return',
    'std of the outcome over K sampled actions, greedy afterwards; divisor K - 1',
  ),
  column('mean_return', 'return', 'mean of these outcomes'),
  column('samples', 'count', 'K'),
] as const;

/** `histogram.csv`: Fig. 2a. Bins hold their lower edge, the last one also its upper edge. */
export const HISTOGRAM_COLUMNS = [
  column('estimator', 'name', "'exact', or 'sampled' with K actions"),
  column('bin_low', 'return', 'lower edge of the bin of criticality'),
  column('bin_high', 'return', 'upper edge'),
  column('count', 'count', 'states in the bin'),
  column('share', '0..1', 'states in the bin, of all'),
] as const;

/** `entropy-histogram.csv`: Fig. 2b. */
export const ENTROPY_COLUMNS = [
  column('group', 'name', "'high': criticality above the threshold; 'low': the others"),
  column('bin_low', 'nats', 'lower edge of the bin of exact action entropy'),
  column('bin_high', 'nats', 'upper edge'),
  column('count', 'count', 'states in the bin'),
  column('share', '0..1', 'states in the bin, of their group'),
] as const;

const ASSOCIATION = [
  column('high_states', 'count', 'states with criticality above the threshold'),
  column(
    'brunner_munzel',
    'statistic',
    'Brunner-Munzel statistic, positive where high states are more uncertain',
  ),
  column('brunner_munzel_df', 'degrees of freedom', 'of its t approximation'),
  column('brunner_munzel_p', '0..1', 'two-sided p, every state taken as independent, as published'),
  ...withError('cliffs_delta', '-1..1', 'P(high > low) - P(high < low) of the uncertainty'),
  ...withError('auc', '0..1', 'area under the ROC curve of uncertainty as a predictor of high criticality'),
  ...withError('pearson', '-1..1', 'correlation of uncertainty and criticality'),
  ...withError('spearman', '-1..1', 'rank correlation of uncertainty and criticality'),
  column('cut', 'nats', 'uncertainty above this predicts high; chosen on half of the questions (Youden)'),
  ...withError('false_positive', '0..1', 'low states above the cut, of the low ones, on the other half'),
  ...withError(
    'false_negative',
    '0..1',
    'high states not above the cut, of the high ones, on the other half',
  ),
];

/** `prediction.csv`: one row per uncertainty. */
export const PREDICTION_COLUMNS: readonly Column[] = [
  column('uncertainty', 'name', "'entropy': exact; 'surprisal': of one sampled action"),
  ...MEASURED,
  ...ASSOCIATION,
];

/** `groups.csv`: criticality by depth, by move and overall. */
export const GROUP_COLUMNS: readonly Column[] = [
  column('by', 'name', "'all', 'depth', 'move' (first word of the sampled action), 'likely move'"),
  column('group', 'name', 'the depth or the move'),
  ...MEASURED,
  ...withError('criticality', 'return', 'mean exact criticality'),
  ...withError('zero_share', '0..1', 'states with criticality below 0.01'),
  ...withError('high_share', '0..1', 'states with criticality above the threshold'),
  ...withError('entropy', 'nats', 'mean exact action entropy'),
];

/** `sampling.csv`: one row, sampled against exact. */
export const SAMPLING_COLUMNS = [
  column('states', 'count', 'states measured both ways'),
  column('samples', 'count', 'K, actions sampled per state'),
  column('exact', 'return', 'mean exact standard deviation of the outcome'),
  column('sampled', 'return', 'mean sampled criticality'),
  column('expected', 'return', 'mean of its exact expectation; minus `exact`: the bias of K samples'),
  column('standard_error', 'return', 'standard deviation of `sampled`, computed exactly'),
  column('z', 'standard errors', '(sampled - expected) / standard_error: within about 3 when both are right'),
  column('within_two', '0..1', 'states within two of their standard deviations of their expectation'),
  column('exact_zero_share', '0..1', 'states with exact criticality below 0.01'),
  column('sampled_zero_share', '0..1', 'states whose sampled criticality is below 0.01'),
  column('exact_high_share', '0..1', 'states with exact criticality above the threshold'),
  column('sampled_high_share', '0..1', 'states with sampled criticality above the threshold'),
] as const;

/** `training.csv`: one row per measured iteration, set of states and uncertainty. */
export const TRAINING_COLUMNS: readonly Column[] = [
  column('iteration', 'count', 'training iterations done'),
  column('set', 'name', "'visited': states this policy meets; 'fixed': those that the starting policy met"),
  column('uncertainty', 'name', "'entropy': exact; 'surprisal': of one sampled action"),
  ...MEASURED,
  column('criticality', 'return', 'mean exact criticality'),
  column('mean_uncertainty', 'nats', 'mean uncertainty'),
  column('zero_share', '0..1', 'states with criticality below 0.01'),
  column('high_share', '0..1', 'states with criticality above the threshold'),
  column('rose_early', '0..1', 'of the early states that were low at the start: share that is high now'),
  column('rose_late', '0..1', 'the same of the later states'),
  ...ASSOCIATION,
];

/** `ablation.csv`: one row per trained policy. */
export const ABLATION_COLUMNS = [
  column('arm', 'name', "early actions that were not forked: 'filtered' (CARL) or 'kept'"),
  column('seed', 'integer', 'training seed'),
  column('before', 'return', 'mean return on held-out questions before training'),
  column('after', 'return', 'the same after training'),
] as const;

/** `ablation-difference.csv`: one row, `kept` against `filtered`, paired by seed. */
export const DIFFERENCE_COLUMNS = [
  column('seeds', 'count', 'training seeds'),
  column(
    'difference',
    'return',
    'mean over seeds of the return after training of `kept` minus that of `filtered`',
  ),
  column('half_width', 'return', 'half the width of its 95 % t interval; empty for one seed'),
] as const;

/** `correlated.csv`: one row per setting, correlation, state and action. */
export const CORRELATED_COLUMNS = [
  column('environment', 'id', 'environment'),
  column('initial', 'count', 'N0, rollouts from the start'),
  column('forks', 'count', 'N, forks'),
  column('entropy', 'name', "what forks are chosen by: 'surprisal' (published) or 'exact'"),
  column('trees', 'count', 'sampled trees; empty: exact by enumeration'),
  column('rho', '0..1', 'correlation of the draws of siblings'),
  column('state', 'text', "state; 'all': every credited action"),
  column('action', 'text', 'action'),
  column('count', 'actions/tree', 'expected number of credited actions'),
  column('mean', 'return', 'expected estimated advantage of a credited action'),
  column('mean_error', 'return', 'its standard error; empty where exact'),
  column('exact', 'return', 'exact advantage'),
  column('bias', 'return', 'mean - exact'),
  column('variance', 'return^2', 'variance of the estimate'),
  column('rmse', 'return', 'root of the mean squared distance to the exact advantage'),
  column('zero_share', '0..1', 'credited actions with an estimate of 0'),
  column('slope', 'ratio', 'regression of estimate on truth through the origin: 1 is full credit'),
  column('slope_error', 'ratio', 'its standard error; empty where exact'),
] as const;
