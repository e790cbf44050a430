/** A column of a CSV file: its name, its unit and what it means. Code and documentation both read these. */
export interface Column {
  readonly name: string;
  readonly unit: string;
  readonly description: string;
}

/** Units of columns whose fields are texts. The fields of all others are numbers. */
const TEXT_UNITS: readonly string[] = ['id', 'name', 'hash', 'text', 'JSON'];

/** Whether the fields of columns with this unit are texts. */
export const isTextUnit = (unit: string): boolean => TEXT_UNITS.includes(unit);

/** Whether the fields of a column are texts. */
export const isText = ({ unit }: Column): boolean => isTextUnit(unit);

/** A column, in one line. */
export const column = (name: string, unit: string, description: string): Column => ({
  name,
  unit,
  description,
});

/** Columns that say which cell a row belongs to. Written in front of the others. */
export const CELL_COLUMNS = [
  column('environment', 'id', 'environment and its version'),
  column('policy', 'id', 'policy'),
  column('algorithm', 'name', 'algorithm as named in the suite'),
  column('seed', 'integer', 'training seed, the unit of replication'),
  column(
    'cell',
    'hash',
    'first 16 hexadecimal digits of the hash of everything the numbers depend on: the name of its folder',
  ),
] as const;

/** What an iteration scored, and then what it cost and trained. The environment's own metrics stand between them. */
export const COMMON_METRICS = {
  evaluation: [
    column('iteration', 'count', 'training iterations done'),
    column(
      'train_f1',
      '0..1',
      'mean F1 of the answers of the sampled training rollouts; empty without answers',
    ),
    column('train_em', '0..1', 'mean exact match of the sampled training rollouts; empty without answers'),
    column('train_return', 'reward', 'mean return of the sampled training rollouts'),
    column(
      'dev_f1',
      '0..1',
      'mean F1 of the answers to the dev questions; empty where not evaluated, or without answers',
    ),
    column(
      'dev_question_error',
      'score',
      'standard error over the dev questions of the score that the environment declares, episodes of one question together: how well they measure this policy; says nothing about other seeds',
    ),
    column(
      'dev_em',
      '0..1',
      'mean exact match on the dev questions; empty where not evaluated, or without answers',
    ),
    column('dev_return', 'reward', 'mean return on the dev questions; empty where not evaluated'),
    column('dev_actions', 'actions', 'mean episode length on the dev questions; empty where not evaluated'),
  ],
  training: [
    column('questions', 'count', 'questions rolled out in this iteration'),
    column(
      'questions_used',
      'count',
      'of these, questions that are used: fewer where a method samples others in place of those that teach nothing',
    ),
    column('trajectories', 'count', 'complete trajectories (leaves of the trees)'),
    column('rollout_actions', 'actions', 'actions generated'),
    column('generated_tokens', 'tokens', 'tokens generated'),
    column('prefill_tokens', 'tokens', 'tokens read before acting, every action reading its whole prompt'),
    column('prefill_tokens_shared', 'tokens', 'the same when a prefix shared inside a tree is read once'),
    column(
      'measured_tokens',
      'tokens',
      'tokens read to measure what a method needs beyond its rollouts (gold answers, other weights, features of heads), every record reading its whole context',
    ),
    column('environment_calls', 'calls', 'environment steps'),
    column('update_actions', 'actions', 'actions that receive a gradient, each counted once per iteration'),
    column('update_tokens', 'tokens', 'tokens that receive a gradient, each counted once per iteration'),
    column('optimizer_steps', 'count', 'optimizer steps'),
    column('action_entropy', 'nats', 'mean entropy of the sampling distribution over actions, per action'),
    column('token_entropy', 'nats', 'mean entropy of the sampling distribution, per generated token'),
    column('advantage_mean', 'advantage', 'mean over trained tokens'),
    column('advantage_std', 'advantage', 'population standard deviation over trained tokens'),
    column('advantage_min', 'advantage', 'minimum over trained tokens'),
    column('advantage_max', 'advantage', 'maximum over trained tokens'),
    column(
      'zero_signal_questions',
      'count',
      'questions whose trained actions all have advantage 0 up to rounding (or have none)',
    ),
    column('truncated', 'count', 'trajectories cut by the turn limit'),
    column('cut_actions', 'actions', 'actions cut at the limit of tokens'),
    column('cut_observations', 'observations', 'observations cut at the limit of tokens'),
    column('dropped_actions', 'actions', 'generated actions that are not trained'),
    column(
      'kl_k1',
      'nats',
      'mean of old minus new log-probability over trained tokens that the policy drew, before each step',
    ),
    column('kl_k3', 'nats', 'mean of ratio - 1 - log ratio over the same tokens, before each step'),
    column('clip_fraction', '0..1', 'share of the same tokens whose ratio was clipped'),
    column('loss', 'loss', 'mean loss of the optimizer steps'),
    column('critic_loss', 'loss', "the critic's loss before its steps; empty without a critic"),
    column(
      'critic_explained_variance',
      '..1',
      "share of the variance of the critic's targets that it explained before its steps; below 0: worse than their mean",
    ),
    column(
      'model_loss',
      'loss',
      'loss of another model that a method trains (hazards, progress); empty without',
    ),
    column('gradient_norm', 'norm', 'mean Euclidean norm of the gradient before clipping'),
  ],
} as const;

/**
 * One row per cell and iteration; iteration 0 is the evaluation before training: NOTHING_SPENT. Deterministic. These columns every
 * environment has; `metricColumns` (declaration.ts) adds those that it declares.
 */
export const METRIC_COLUMNS: readonly Column[] = [...COMMON_METRICS.evaluation, ...COMMON_METRICS.training];

/** Units of what is counted over an iteration. */
const COUNTED: readonly string[] = ['count', 'actions', 'tokens', 'calls', 'observations'];

/** What iteration 0 costs and trains, the evaluation before training: every count is 0; means and losses have no value. */
export const NOTHING_SPENT: Readonly<Record<string, 0>> = Object.fromEntries(
  COMMON_METRICS.training.filter(({ unit }) => COUNTED.includes(unit)).map(({ name }) => [name, 0]),
);

/** One row per cell and iteration, seconds. Not deterministic, so in a file of its own. */
export const TIMING_COLUMNS = [
  column('iteration', 'count', 'training iterations done'),
  column('rollout_seconds', 's', 'sampling and environment'),
  column('credit_seconds', 's', 'credit rule and bookkeeping'),
  column('update_seconds', 's', 'loss, gradient, optimizer'),
  column('evaluation_seconds', 's', 'dev evaluation'),
] as const;

/** The seconds of iteration 0 beside those of its evaluation. */
export const NO_SECONDS = { rollout_seconds: 0, credit_seconds: 0, update_seconds: 0 } as const;

/** One row per cell, training iteration and level of entropy. */
export const ENTROPY_CURVE_COLUMNS = [
  column('iteration', 'count', 'training iterations done'),
  column('level', 'name', 'action or token: what the mean is over'),
  column('entropy', 'nats', 'mean entropy of the sampling distribution'),
] as const;
