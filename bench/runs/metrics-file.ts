import type { Row } from '../cell.ts';
import { type Column, column } from '../columns.ts';
import { parseCsv } from '../csv.ts';
import { ANSWER_F1, type Declaration, metricColumns } from '../declaration.ts';

/** How results are read that are older than declarations of scores: as scored by the F1 of their answers. */
export const OLD_DECLARATION: Declaration = {
  score: ANSWER_F1,
  metrics: ['tool_calls', 'malformed_actions', 'gold_recall', 'answered', 'valid_format'].map((name) => ({
    name,
    unit: 'per trajectory',
    description: name.replace('_', ' '),
  })),
};

/** The columns of those results, in order. */
const OLD_COLUMNS =
  'iteration train_f1 train_em train_reward dev_f1 dev_f1_question_error dev_em dev_reward dev_actions dev_tool_calls dev_malformed_actions dev_gold_recall dev_answered dev_valid_format tool_calls malformed_actions gold_recall answered valid_format questions questions_used trajectories rollout_actions generated_tokens prefill_tokens prefill_tokens_shared measured_tokens environment_calls update_actions update_tokens optimizer_steps action_entropy token_entropy advantage_mean advantage_std advantage_min advantage_max zero_signal_questions truncated cut_actions cut_observations dropped_actions kl_k1 kl_k3 clip_fraction loss critic_loss critic_explained_variance model_loss gradient_norm'
    .split(' ')
    .map((name) => column(name, 'number', ''));

/** Columns that have been renamed since. */
const RENAMED: Readonly<Record<string, string>> = {
  train_reward: 'train_return',
  dev_reward: 'dev_return',
  dev_f1_question_error: 'dev_question_error',
};

/**
 * Reads a metrics.csv, of a cell or of a run.
 * @param before columns in front of the metrics.
 * @param declarations of the environments in it; undefined: the file is older than declarations.
 * @throws Error as `parseCsv` does.
 */
export function parseMetrics(
  before: readonly Column[],
  declarations: Iterable<Declaration> | undefined,
  text: string,
): readonly Row[] {
  if (declarations !== undefined) return parseCsv([...before, ...metricColumns(declarations)], text);
  return parseCsv([...before, ...OLD_COLUMNS], text).map((row) =>
    Object.fromEntries(Object.entries(row).map(([name, value]) => [RENAMED[name] ?? name, value])),
  );
}
