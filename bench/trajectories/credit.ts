import type { ConfiguredAlgorithm } from '../../algorithms/configured.ts';
import type { RolloutTree } from '../../algorithms/tree.ts';
import type { Random } from '../../core/random.ts';
import { type CreditedRow, creditedRows } from '../training/update.ts';
import type { GrownTree } from './grow.ts';
import { LackingField } from './lacking.ts';

/**
 * The advantage of every token of a turn, NaN for tokens that are not trained; undefined if the turn is not trained.
 * @experimental
 */
export type TurnCredit = Float64Array | undefined;

/**
 * What a method says of the trajectories of one batch.
 * @experimental
 */
export interface MethodCredit {
  /** By tree, trajectory and turn. */
  readonly credits: readonly (readonly (readonly TurnCredit[])[])[];
  /** Actions whose training an advantage per token does not tell whole, by what it leaves out. */
  readonly left: Readonly<Record<'clipScale' | 'nllWeight' | 'offPolicy', number>>;
}

/**
 * A method cannot say anything of a batch.
 * @experimental
 */
export interface NoCredit {
  /** What the file would need to have, as people read it. */
  readonly lacks: string;
}

/** What the engine measures for a method, as a file has it. */
const MEASURED = {
  gold: 'log-probabilities of the accepted answer (gold)',
  pieces: 'texts of the tokens (pieces)',
  previous: 'log-probabilities under the weights before the last update (previous)',
  reference: 'log-probabilities under the reference weights (reference)',
} as const;

/**
 * The credit of every token of every trajectory by one method's rule. Pure but for `random`, which only controls draw from.
 *
 * Trajectories that share turns: where the method credits a shared action once for each of its trajectories (GRPO), each
 * has its own; where it credits the action as such (CARL), the first of them has the credit and the others have none. So
 * the sum over trajectories of advantage times gradient of the log-probability is always the method's.
 * @param grown the trees of one batch: what is normalised together.
 */
export function creditOf(
  grown: readonly GrownTree[],
  algorithm: ConfiguredAlgorithm,
  random: Random,
): MethodCredit | NoCredit {
  const trees = grown.map(({ tree }) => tree);
  const lacks = lackingMeasurements(trees, algorithm);
  if (lacks.length > 0) return { lacks: lacks.join(', ') };
  for (const tree of trees) {
    const lacks = algorithm.lacks(tree);
    if (lacks !== undefined) return { lacks };
  }
  let rows: readonly CreditedRow[];
  try {
    rows = creditedRows(trees, algorithm.credit(trees, random));
  } catch (error) {
    if (error instanceof LackingField) return { lacks: error.field };
    throw error;
  }
  const left = { clipScale: 0, nllWeight: 0, offPolicy: 0 };
  for (const { clipScale, nllWeight, offPolicy } of rows) {
    if (clipScale !== undefined && clipScale !== 1) left.clipScale++;
    if (nllWeight !== undefined) left.nllWeight++;
    if (offPolicy !== undefined) left.offPolicy++;
  }
  const byTree = grown.map(() => [] as CreditedRow[]);
  for (const row of rows) byTree[row.tree]!.push(row);
  return { credits: grown.map((one, index) => handedOut(one, byTree[index]!)), left };
}

/** What the method has measured, and the models it trains, that the file lacks for any action. */
function lackingMeasurements(
  trees: readonly RolloutTree[],
  { needs, heads }: ConfiguredAlgorithm,
): readonly string[] {
  const isMissing = {
    // Questions without answers have none; a file in which none has it lacks it.
    gold: () => trees.every(({ nodes }) => nodes.every(({ gold }) => gold === undefined)),
    pieces: () => trees.some(({ edges }) => edges.some(({ pieces }) => pieces === undefined)),
    previous: () => trees.some(({ edges }) => edges.some(({ previous }) => previous === undefined)),
    reference: () => trees.some(({ edges }) => edges.some(({ reference }) => reference === undefined)),
  };
  const missingHeads = heads.filter(({ name }) =>
    trees.some(({ edges }) => edges.some(({ outputs }) => outputs?.[name] === undefined)),
  );
  return [
    ...needs.filter((need) => isMissing[need]()).map((need) => MEASURED[need]),
    ...missingHeads.map(({ name }) => `outputs of its critic (outputs.${name})`),
  ];
}

/** The rows of one tree, given to the trajectories that its edges belong to: by trajectory and turn. */
export function handedOut(
  { tree, paths }: GrownTree,
  rows: readonly CreditedRow[],
): readonly (readonly TurnCredit[])[] {
  const credits = paths.map((path) => new Array<TurnCredit>(path.length).fill(undefined));
  const rowsOf = tree.edges.map(() => [] as CreditedRow[]);
  for (const row of rows) rowsOf[row.edge]!.push(row);
  const users = tree.edges.map(() => [] as { trajectory: number; turn: number; leaf: number }[]);
  for (const [trajectory, path] of paths.entries()) {
    for (const [turn, edge] of path.entries()) users[edge]!.push({ trajectory, turn, leaf: path.at(-1)! });
  }
  for (const [edge, own] of rowsOf.entries()) {
    if (own.length === 0) continue;
    const [owner] = users[edge]!;
    const inOrder = users[edge]!.toSorted((a, b) => a.leaf - b.leaf);
    for (const [index, row] of own.entries()) {
      // A row of a whole trajectory is named by its leaf (`trajectoryRows`); not every leaf may have one.
      const named = inOrder.find(({ leaf }) => row.sequence === `${row.tree}/${tree.edges[leaf]!.to}`);
      const { trajectory, turn } = named ?? (own.length === inOrder.length ? inOrder[index]! : owner!);
      const sum = credits[trajectory]![turn] ?? new Float64Array(row.advantages.length).fill(Number.NaN);
      credits[trajectory]![turn] = sum;
      for (const [t, advantage] of row.advantages.entries()) {
        const weight = row.weights?.[t] ?? 1;
        if (weight !== 0) sum[t] = (Number.isNaN(sum[t]!) ? 0 : sum[t]!) + advantage * weight;
      }
    }
  }
  return credits;
}
