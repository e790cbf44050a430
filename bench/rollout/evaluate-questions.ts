import { leaves, path, type RolloutTree } from '../../algorithms/tree.ts';
import { mean } from '../../core/statistics.ts';
import type { LoadedEnvironment } from '../../envs/environment.ts';
import type { Policy } from '../../policies/policy.ts';
import type { Row } from '../cell.ts';
import { type Column, column } from '../columns.ts';
import { type Interval, tInterval } from '../stats/interval.ts';
import { type EvaluationRequest, evaluationTrees, scoreEpisode } from './evaluate.ts';

/** Questions whose rollouts are sampled together. */
const TOGETHER = 64;

/** Columns of an evaluation's rows, before the environment's own metrics. */
export const EPISODE_COLUMNS: readonly Column[] = [
  column('question', 'id', 'question'),
  column('question_kind', 'name', 'kind of the question'),
  column('hops', 'count', 'facts that the question combines'),
  column('episode', 'count', 'which of the episodes of this question, from 0'),
  column('answer', 'text', 'the answer; empty if none was given'),
  column('f1', '0..1', "F1 of the answer by the data set's rules; empty in environments without answers"),
  column('em', '0..1', 'exact match, likewise'),
  column('return', 'return', 'sum of rewards'),
  column('actions', 'count', 'length of the episode'),
  column('tokens', 'count', 'tokens that were written'),
  column('log_prob', 'nats', 'sum of the log-probabilities of these tokens'),
  column('entropy', 'nats', 'mean entropy of these tokens'),
  column(
    'entropy_is',
    'name',
    "'exact', or which estimate from the most likely tokens: lower, middle, upper",
  ),
  column('end', 'name', "'terminated' or 'truncated'"),
];

/** A mean over questions with its 95 % interval. */
export interface EvaluatedScore extends Interval {
  readonly name: string;
}

/** How a policy answers questions, which it does not learn from. */
export interface Evaluation {
  readonly columns: readonly Column[];
  /** One per episode. */
  readonly rows: readonly Row[];
  /** Means over questions of the means over their episodes: F1, EM, return, actions, the environment's metrics. */
  readonly scores: readonly EvaluatedScore[];
}

/** Evaluates a policy question by question. The same draws for a question whatever is evaluated beside it. */
export async function evaluateQuestions(
  request: EvaluationRequest & { readonly onProgress?: (done: number) => void },
): Promise<Evaluation> {
  const { loaded, policy, tasks, random } = request;
  const rows: Row[] = [];
  for (let from = 0; from < tasks.length; from += TOGETHER) {
    request.onProgress?.(from);
    const trees = await evaluationTrees({
      ...request,
      tasks: tasks.slice(from, from + TOGETHER),
      random: random.split('questions', from),
    });
    rows.push(...trees.flatMap((tree) => episodeRows(tree, loaded, policy)));
  }
  const metrics = loaded.environment.metrics ?? [];
  return {
    columns: [
      ...EPISODE_COLUMNS,
      ...metrics.map(({ name, unit, description }) => ({ name, unit, description })),
    ],
    rows,
    scores: ['f1', 'em', 'return', 'actions', 'entropy', ...metrics.map(({ name }) => name)].flatMap((name) =>
      scoreOf(name, rows),
    ),
  };
}

function episodeRows(tree: RolloutTree, loaded: LoadedEnvironment, policy: Policy): readonly Row[] {
  const { environment } = loaded;
  return leaves(tree).map((leaf, episode) => {
    const { f1, em, metrics } = scoreEpisode(loaded, leaf, tree.task.answers);
    const edges = path(tree, leaf);
    const logProbs = edges.flatMap((edge) => edge.logProbs);
    const entropies = edges.flatMap((edge) => edge.entropies);
    return {
      question: tree.task.id,
      question_kind: tree.task.kind,
      hops: tree.task.hops,
      episode,
      answer: environment.answer?.(leaf.state) ?? null,
      f1,
      em,
      return: leaf.return,
      actions: leaf.depth,
      tokens: logProbs.length,
      log_prob: logProbs.reduce((sum, value) => sum + value, 0),
      entropy: entropies.length === 0 ? null : mean(entropies),
      entropy_is: policy.entropies ?? 'exact',
      end: leaf.end,
      ...metrics,
    };
  });
}

/** Nothing if it is defined for no question. */
function scoreOf(name: string, rows: readonly Row[]): readonly EvaluatedScore[] {
  const ofQuestion = new Map<string, number[]>();
  for (const row of rows) {
    const value = row[name];
    if (typeof value !== 'number') continue;
    const question = String(row.question);
    ofQuestion.set(question, [...(ofQuestion.get(question) ?? []), value]);
  }
  const means = [...ofQuestion.values()].map(mean);
  return means.length === 0 ? [] : [{ name, ...tInterval(means) }];
}
