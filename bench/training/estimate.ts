import type { Catalog } from '../catalog/catalog.ts';
import type { Cell, CellContext, CellResult, Row } from '../cell.ts';
import { runCell } from './train.ts';

/**
 * What a cell would cost. Tokens of the whole cell, evaluations included.
 * @experimental
 */
export interface CostEstimate {
  /** Tokens drawn. */
  readonly writtenTokens: number;
  /** Tokens read if nothing is kept between requests. */
  readonly readTokens: number;
  /** Tokens read if a prefix is read once per question. */
  readonly readTokensShared: number;
  /** Tokens that receive a gradient, each once per pass. */
  readonly trainedTokens: number;
  /** Seconds of sampling, credit, updates and evaluations, if each takes as long per question as it did here. */
  readonly seconds: number;
}

/**
 * Trains two iterations of a cell on few questions, with evaluations on as many, and scales up the second, which finds
 * everything loaded and compiled: in proportion to questions and iterations. Episodes of a trained policy may be longer or shorter than those of the
 * starting one; more questions at once go faster on most servers, so that the seconds are more likely too many.
 * @param questions of the small iteration, at least 1.
 * @throws what `runCell` throws.
 * @experimental
 */
export async function estimateCell(
  cell: Cell,
  catalog: Catalog,
  context: CellContext,
  questions = 2,
): Promise<CostEstimate> {
  const { training } = cell;
  const small = {
    ...training,
    iterations: 2,
    questions,
    minibatches: Math.min(training.minibatches, questions),
    evaluateEvery: 1,
    evaluationQuestions: questions,
    evaluationEpisodes: 1,
  };
  const result = await runCell({ ...cell, training: small }, catalog, context);
  return scaled(cell, result, questions);
}

/** The cost of a whole cell, from the last iteration of a small one, and its last evaluation of one episode per question. */
export function scaled(
  { training }: Pick<Cell, 'training'>,
  { metrics, timings }: Pick<CellResult, 'metrics' | 'timings'>,
  questions: number,
): CostEstimate {
  const row = metrics.at(-1);
  const timing = timings.at(-1);
  const number = (from: Row | undefined, name: string): number => Number(from?.[name] ?? 0);
  const { iterations, evaluateEvery, evaluationQuestions, evaluationDecoding } = training;
  const trainings = (iterations * training.questions) / questions;
  const evaluations = 1 + Math.ceil(iterations / evaluateEvery);
  const episodes = evaluationDecoding === 'greedy' ? 1 : training.evaluationEpisodes;
  const evaluated = evaluations * evaluationQuestions * episodes;
  // What an evaluation reads and writes is not counted by it; its episodes are taken to be like those of the iteration.
  const perEpisode = evaluated / Math.max(1, number(row, 'trajectories'));
  const tokens = (name: string): number => number(row, name) * (trainings + perEpisode);
  const seconds = (name: string): number => number(timing, name) * trainings;
  return {
    writtenTokens: tokens('generated_tokens'),
    readTokens: tokens('prefill_tokens'),
    readTokensShared: tokens('prefill_tokens_shared'),
    trainedTokens: number(row, 'update_tokens') * trainings * training.epochs,
    seconds:
      seconds('rollout_seconds') +
      seconds('credit_seconds') +
      seconds('update_seconds') +
      (number(timing, 'evaluation_seconds') * evaluated) / questions,
  };
}
