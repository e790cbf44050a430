import type { GrownTree } from '../../bench/trajectories/grow.ts';
import type { ShownTree } from './input.ts';
import type { ActionRow } from './rows.ts';

/**
 * A method's credit by token of the rows: the sum over all rollouts that share the token, which is what the gradient has
 * there. NaN if none of them trains it.
 */
export function creditByToken(
  { grown, credits }: Pick<ShownTree, 'grown' | 'credits'>,
  method: string,
  rows: readonly ActionRow[],
): Float64Array | undefined {
  const credit = credits[method];
  if (credit === undefined || 'lacks' in credit) return undefined;
  const byEdge = grown.tree.edges.map(() => [] as Float64Array[]);
  for (const [trajectory, path] of grown.paths.entries()) {
    for (const [turn, edge] of path.entries()) {
      const own = credit[trajectory]?.[turn];
      if (own !== undefined) byEdge[edge]!.push(own);
    }
  }
  const last = rows.at(-1);
  const values = new Float64Array(last === undefined ? 0 : last.first + last.to - last.from).fill(Number.NaN);
  for (const { edges, from, to, first } of rows) {
    for (const own of edges.flatMap((edge) => byEdge[edge]!)) {
      for (let token = from; token < to; token++) {
        const value = own[token]!;
        if (Number.isNaN(value)) continue;
        const at = first + token - from;
        values[at] = (Number.isNaN(values[at]!) ? 0 : values[at]!) + value;
      }
    }
  }
  return values;
}

/**
 * How much methods disagree on a tree, 0 to 1: over all pairs of methods and all tokens, the mean of 1 where one method
 * makes the token likelier and the other less likely, 1/2 where only one of them moves it, 0 otherwise.
 */
export function disagreement(methods: readonly Float64Array[]): number {
  const [one] = methods;
  if (one === undefined || one.length === 0 || methods.length < 2) return 0;
  let sum = 0;
  for (const at of one.keys()) {
    let [up, down] = [0, 0];
    for (const values of methods) {
      if (values[at]! > 0) up++;
      else if (values[at]! < 0) down++;
    }
    const still = methods.length - up - down;
    sum += up * down + (still * (up + down)) / 2;
  }
  return sum / one.length / ((methods.length * (methods.length - 1)) / 2);
}

/** What is said of the numbers of one method on one tree. */
export interface CreditSummary {
  readonly tokens: number;
  readonly trained: number;
  readonly zero: number;
  readonly mean: number;
  readonly low: number;
  readonly high: number;
}

/** Of the trained tokens: how many, how many of 0, mean, least and most. */
export function summaryOf(values: Float64Array): CreditSummary {
  const trained = values.filter((value) => !Number.isNaN(value));
  const mean = trained.reduce((sum, value) => sum + value, 0) / trained.length;
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  let zero = 0;
  for (const value of trained) {
    [low, high] = [Math.min(low, value), Math.max(high, value)];
    if (value === 0) zero++;
  }
  return { tokens: values.length, trained: trained.length, zero, mean, low, high };
}

/** What returns of a tree's rollouts are. */
export function returnsOfTree({ tree }: GrownTree): readonly number[] {
  return tree.nodes.flatMap(({ end, return: value }) => (end === 'open' ? [] : [value]));
}
