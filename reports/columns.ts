import { type Column, column } from '../bench/columns.ts';

const interval = (name: string, what: string): readonly Column[] => [
  column(name, '0..1', `${what} after training, mean over seeds`),
  column(
    `${name}_half_width`,
    '0..1',
    'half the width of its 95 % t interval over seeds; empty for one seed',
  ),
  column(`${name}_low`, '0..1', 'lower end of that interval'),
  column(`${name}_high`, '0..1', 'upper end of that interval'),
];

/** Costs that are reported per question and as a ratio to GRPO's. */
export const COSTS = ['update_actions', 'rollout_actions', 'generated_tokens', 'environment_calls'] as const;

/**
 * One row per environment and algorithm. Costs and shares are over all training iterations of a seed, then the
 * mean over seeds.
 */
export const COMPARISON_COLUMNS: readonly Column[] = [
  column('environment', 'id', 'environment and its version'),
  column('algorithm', 'name', 'algorithm as named in the suite'),
  column('seeds', 'count', 'finished cells: what the means are over'),
  column('failed', 'count', 'cells that failed; they are in no mean'),
  column('missing', 'count', 'cells that the run did not come to'),
  column('iterations', 'count', 'training iterations'),
  ...interval('dev_f1', 'dev F1'),
  column('dev_f1_start', '0..1', 'dev F1 before training, mean over seeds'),
  column('dev_f1_gain', '-1..1', 'dev F1 after training minus before, mean over seeds'),
  column(
    'dev_f1_gain_standard_errors',
    'count',
    'the gain divided by its standard error over seeds; empty for one seed or no spread',
  ),
  ...interval('dev_em', 'dev exact match'),
  column('update_actions', 'actions/question', 'actions that receive a gradient'),
  column('rollout_actions', 'actions/question', 'actions generated'),
  column('generated_tokens', 'tokens/question', 'tokens generated'),
  column('environment_calls', 'calls/question', 'environment steps'),
  ...COSTS.map((name) => column(`${name}_ratio`, 'ratio', `${name} divided by GRPO's; empty without GRPO`)),
  column('action_entropy', 'nats', 'mean action entropy in the last iteration'),
  column('truncated_share', '0..1', 'trajectories cut by the turn limit'),
  column('zero_signal_share', '0..1', 'questions that gave no gradient'),
];
