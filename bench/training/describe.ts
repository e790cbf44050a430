import type { RolloutTree } from '../../algorithms/tree.ts';
import { mean, standardDeviation } from '../../core/statistics.ts';
import type { LoadedEnvironment } from '../../envs/environment.ts';
import type { Policy } from '../../policies/policy.ts';
import type { Row } from '../cell.ts';
import { rolloutCost } from '../rollout/cost.ts';
import { type Scores, score } from '../rollout/evaluate.ts';
import type { HeadStatistics } from './heads.ts';
import type { TrainedIteration } from './iteration.ts';
import type { TrainingRow, UpdateStatistics } from './update.ts';

/** Everything that is recorded of an iteration, as columns. */
export function describeIteration(
  { trees, used, rows, update, heads, referenceTokens }: Omit<TrainedIteration, 'state'>,
  loaded: LoadedEnvironment,
  policy: Policy,
): Row {
  const rollouts = describeRollouts(trees, loaded, policy);
  return {
    ...rollouts,
    measured_tokens: (rollouts.measured_tokens as number) + referenceTokens,
    ...describeCredit(trees, rows),
    questions_used: used,
    ...describeUpdate(update),
    ...describeHeads(heads),
  };
}

/** What was sampled and what it cost, of all trees of an iteration. */
export function describeRollouts(
  trees: readonly RolloutTree[],
  loaded: LoadedEnvironment,
  policy: Policy,
): Row {
  const scores = score(trees, loaded);
  const cost = rolloutCost(trees, policy);
  const edges = trees.flatMap((tree) => tree.edges);
  const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
  const entropy = sum(edges.map((edge) => sum(edge.entropies)));
  // Tokens that an action shares with another were drawn once; the entropies of forced ones are 0.
  const drawn = sum(edges.map((edge) => sum(edge.entropies.slice(edge.shared?.tokens ?? 0))));
  return {
    train_f1: scores.f1,
    train_em: scores.em,
    train_return: scores.return,
    ...scores.metrics,
    questions: trees.length,
    trajectories: cost.trajectories,
    rollout_actions: cost.actions,
    generated_tokens: cost.generatedTokens,
    prefill_tokens: cost.prefillTokens,
    prefill_tokens_shared: cost.prefillTokensShared,
    measured_tokens: trees.reduce((total, tree) => total + (tree.measuredTokens ?? 0), 0),
    environment_calls: cost.environmentCalls,
    truncated: cost.truncated,
    cut_actions: cost.cutActions,
    cut_observations: cost.cutObservations,
    // The entropies of one action's tokens add up (chain rule).
    action_entropy: entropy / cost.actions,
    token_entropy: cost.generatedTokens === 0 ? null : drawn / cost.generatedTokens,
  };
}

/** What an evaluation on the dev questions scored. */
export function describeEvaluation(scores: Scores): Row {
  return {
    dev_f1: scores.f1,
    dev_question_error: scores.questionError,
    dev_em: scores.em,
    dev_return: scores.return,
    dev_actions: scores.actions,
    ...Object.fromEntries(Object.entries(scores.metrics).map(([name, value]) => [`dev_${name}`, value])),
  };
}

/** What of it is trained, and its advantages. */
export function describeCredit(trees: readonly RolloutTree[], rows: readonly TrainingRow[]): Row {
  const actions = new Map(rows.map((row) => [`${row.tree}/${row.edge}`, row]));
  // Rows that are trained by negative log-likelihood have no advantage.
  const credited = rows.filter((row) => row.nllWeight === undefined);
  const trainedAdvantages = ({ advantages, weights }: TrainingRow): readonly number[] =>
    advantages.filter((_, token) => (weights?.[token] ?? 1) > 0);
  const advantages = credited.flatMap(trainedAdvantages);
  const signal = new Set(
    credited.filter((row) => trainedAdvantages(row).some((a) => a !== 0)).map((row) => row.tree),
  );
  const some = advantages.length > 0;
  return {
    update_actions: actions.size,
    update_tokens: [...actions.values()].reduce((sum, row) => sum + trainedTokens(row), 0),
    dropped_actions: trees.reduce((sum, tree) => sum + tree.edges.length, 0) - actions.size,
    zero_signal_questions: trees.length - signal.size,
    advantage_mean: some ? mean(advantages) : null,
    advantage_std: some ? standardDeviation(advantages, 'population') : null,
    advantage_min: some ? advantages.reduce((a, b) => Math.min(a, b)) : null,
    advantage_max: some ? advantages.reduce((a, b) => Math.max(a, b)) : null,
  };
}

const trainedTokens = ({ record, weights }: TrainingRow): number =>
  weights?.filter((weight) => weight > 0).length ?? record.tokens.length;

/** What the optimizer did. */
function describeUpdate(statistics: UpdateStatistics): Row {
  return {
    optimizer_steps: statistics.steps,
    loss: statistics.loss,
    gradient_norm: statistics.gradientNorm,
    kl_k1: statistics.klK1,
    kl_k3: statistics.klK3,
    clip_fraction: statistics.clipFraction,
  };
}

/** What the heads learned: that of the critic, and that of another model a method has. */
function describeHeads(statistics: readonly HeadStatistics[]): Row {
  const critic = statistics.find(({ name }) => name === 'critic');
  const model = statistics.find(({ name }) => name !== 'critic');
  return {
    critic_loss: critic?.loss ?? null,
    critic_explained_variance: critic?.explainedVariance ?? null,
    model_loss: model?.loss ?? null,
  };
}
