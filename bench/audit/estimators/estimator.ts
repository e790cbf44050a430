import type { Credit, CreditedAction } from '../../../algorithms/algorithm.ts';
import type { Trajectory } from '../../trajectories/trajectory.ts';

/**
 * What an estimator says of one batch. By trajectory and turn: the advantage of all tokens of the turn, or one for every
 * token (null: this token is not trained), or null: the turn is not trained.
 * @experimental
 */
export type EstimatorAdvantages = readonly (readonly (number | readonly (number | null)[] | null)[])[];

/**
 * A credit rule that is no algorithm of ours: somebody else's function from rollouts to advantages, which `audit` judges
 * in place of a credit rule. Equal batches must be given equal advantages.
 * @experimental
 */
export interface Estimator {
  /** Its name in tables. */
  readonly id: string;
  /**
   * The advantages of many batches, in their order. A batch is what is normalised together: the rollouts of one question,
   * in the order in which they were sampled.
   */
  advantages(
    batches: readonly (readonly Trajectory[])[],
    signal?: AbortSignal,
  ): readonly EstimatorAdvantages[] | Promise<readonly EstimatorAdvantages[]>;
}

const VALID = 'a number, a list of numbers, or null if the turn is not trained';

/** What is wrong with an answer to a batch, and what is valid; undefined if nothing is. */
export function advantagesProblem(answer: unknown, batch: readonly Trajectory[]): string | undefined {
  if (!Array.isArray(answer)) {
    return `advantages is ${shown(answer)}; valid: a list with one row per trajectory`;
  }
  if (answer.length !== batch.length) {
    return `advantages has ${answer.length} rows; valid: ${batch.length}, one per trajectory`;
  }
  for (const [at, { turns }] of batch.entries()) {
    const row: unknown = answer[at];
    if (!Array.isArray(row))
      return `advantages[${at}] is ${shown(row)}; valid: a list with one value per turn`;
    if (row.length !== turns.length) {
      return `advantages[${at}] has ${row.length} values; valid: ${turns.length}, one per turn`;
    }
    for (const [turn, { tokens }] of turns.entries()) {
      const problem = turnProblem(row[turn], tokens.length);
      if (problem !== undefined) return `advantages[${at}][${turn}]${problem}`;
    }
  }
  return undefined;
}

function turnProblem(value: unknown, tokens: number): string | undefined {
  if (value === null || isNumber(value)) return undefined;
  if (!Array.isArray(value)) return ` is ${shown(value)}; valid: ${VALID}`;
  if (value.length !== tokens) return ` has ${value.length} numbers; valid: ${tokens}, one per token`;
  const wrong = value.findIndex((one) => one !== null && !isNumber(one));
  return wrong === -1
    ? undefined
    : `[${wrong}] is ${shown(value[wrong])}; valid: a number, or null if the token is not trained`;
}

const isNumber = (value: unknown): boolean => typeof value === 'number' && Number.isFinite(value);

/** A value in a message. */
export function shown(value: unknown): string {
  const text = typeof value === 'number' ? String(value) : (JSON.stringify(value) ?? 'missing');
  return text.length > 60 ? `${text.slice(0, 60)} …` : text;
}

/**
 * The credit of an answer that has no problem: every trajectory is a row of the loss, and an action that trajectories
 * share is trained in each that has an advantage for it.
 * @param batch the trajectories of one tree, as `trajectoriesOf` makes them.
 */
export function creditOfAnswer(answer: EstimatorAdvantages, batch: readonly Trajectory[]): Credit {
  const actions = batch.flatMap(({ turns }, at) =>
    turns.flatMap(({ tokens, order }, turn): readonly CreditedAction[] => {
      const value = answer[at]![turn]!;
      if (value === null) return [];
      const perToken = typeof value === 'number' ? tokens.map(() => value) : value;
      return [
        {
          ...{ tree: 0, edge: order!, sequence: String(at) },
          advantage: perToken.map((one) => one ?? 0),
          ...(perToken.includes(null) ? { weights: perToken.map((one) => (one === null ? 0 : 1)) } : {}),
        },
      ];
    }),
  );
  return { actions };
}
