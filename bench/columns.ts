/** A column of a CSV file: its name, its unit and what it means. Code and documentation both read these. */
export interface Column {
  readonly name: string;
  readonly unit: string;
  readonly description: string;
}

/** Units of columns whose fields are texts. The fields of all others are numbers. */
const TEXT_UNITS: readonly string[] = ['id', 'name', 'hash', 'text', 'JSON'];

/** Whether the fields of a column are texts. */
export const isText = ({ unit }: Column): boolean => TEXT_UNITS.includes(unit);

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

/** What an environment measures of an episode that ended, as means over trajectories; empty in the others. */
const MEASURES = [
  column('tool_calls', 'calls', 'searches per trajectory'),
  column('malformed_actions', 'actions', 'actions without a valid tag per trajectory'),
  column(
    'gold_recall',
    '0..1',
    'share of the gold passages that were retrieved, whether or not the observation was cut',
  ),
  column('answered', '0..1', 'trajectories that end with an answer'),
  column('valid_format', '0..1', 'trajectories that keep to the format throughout'),
] as const;

/** One row per cell and iteration; iteration 0 is the evaluation before training. Deterministic. */
export const METRIC_COLUMNS = [
  column('iteration', 'count', 'training iterations done'),
  column('train_f1', '0..1', 'mean token F1 of the sampled training rollouts'),
  column('train_em', '0..1', 'mean exact match of the sampled training rollouts'),
  column('train_reward', 'reward', 'mean return of the sampled training rollouts'),
  column('dev_f1', '0..1', 'mean token F1 on the dev questions; empty where not evaluated'),
  column(
    'dev_f1_question_error',
    '0..1',
    'standard error of dev_f1 over the dev questions, episodes of one question together: how well they measure this policy; says nothing about other seeds',
  ),
  column('dev_em', '0..1', 'mean exact match on the dev questions; empty where not evaluated'),
  column('dev_reward', 'reward', 'mean return on the dev questions; empty where not evaluated'),
  column('dev_actions', 'actions', 'mean episode length on the dev questions; empty where not evaluated'),
  ...MEASURES.map(({ name, unit, description }) =>
    column(`dev_${name}`, unit, `${description}; on the dev questions`),
  ),
  ...MEASURES,
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
] as const;

/** One row per cell and iteration, seconds. Not deterministic, so in a file of its own. */
export const TIMING_COLUMNS = [
  column('iteration', 'count', 'training iterations done'),
  column('rollout_seconds', 's', 'sampling and environment'),
  column('credit_seconds', 's', 'credit rule and bookkeeping'),
  column('update_seconds', 's', 'loss, gradient, optimizer'),
  column('evaluation_seconds', 's', 'dev evaluation'),
] as const;
