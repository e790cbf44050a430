import type { Credit } from '../../algorithms/algorithm.ts';
import type { LossRow } from '../../algorithms/loss-row.ts';
import { evaluateLoss, type Objective } from '../../algorithms/objective.ts';
import { type RolloutTree, returnScale, returnsOf } from '../../algorithms/tree.ts';
import { areEqual, ROUNDING } from '../../core/statistics.ts';
import type { ActionRecord, Sampling } from '../../policies/policy.ts';
import type { Optimizer } from './learners/learner.ts';
import type { TrainingOptions } from './options.ts';

/** A credited action with all that the loss and the policy need of it. */
export interface TrainingRow extends LossRow {
  readonly tree: number;
  readonly edge: number;
  readonly record: ActionRecord;
}

/**
 * A credited action as far as its credit goes.
 * @experimental
 */
export type CreditedRow = Omit<TrainingRow, 'record' | 'oldLogProbs'>;

/** The rows of the loss: credit joined to what was sampled. @throws RangeError as `creditedRows`. */
export function trainingRows(trees: readonly RolloutTree[], credit: Credit): readonly TrainingRow[] {
  return creditedRows(trees, credit).map((row) => {
    const edge = trees[row.tree]!.edges[row.edge]!;
    const { prompt } = trees[row.tree]!.nodes[edge.from]!;
    return { ...row, oldLogProbs: edge.logProbs, record: { prompt, tokens: edge.tokens } };
  });
}

/**
 * Credit, token by token. The one place that decides what is trained: edges without credit are not, nor are tokens of
 * weight 0. Advantages that are mere rounding become 0 (`roundingOf`).
 * @throws RangeError when credit names an edge that is not there, is not finite, has the wrong length, or has a
 * weight, clip scale, negative log-likelihood weight or off-policy value out of range.
 */
export function creditedRows(trees: readonly RolloutTree[], credit: Credit): readonly CreditedRow[] {
  const trained = credit.actions.filter(
    ({ weights }) => weights === undefined || weights.some((w) => w !== 0),
  );
  const rounding = trees.map(roundingOf);
  return trained.map(({ tree, edge: id, advantage, sequence, weights, clipScale, nllWeight, offPolicy }) => {
    const edge = trees[tree]?.edges[id];
    if (edge === undefined) throw new RangeError(`credit: there is no edge ${id} in tree ${tree}`);
    const credited = typeof advantage === 'number' ? edge.tokens.map(() => advantage) : advantage;
    const advantages =
      rounding[tree] === 0 ? credited : credited.map((a) => (Math.abs(a) <= rounding[tree]! ? 0 : a));
    if (advantages.length !== edge.tokens.length || !advantages.every(Number.isFinite)) {
      throw new RangeError(
        `credit: edge ${id} of tree ${tree} has ${edge.tokens.length} tokens, its advantage is [${advantages}]`,
      );
    }
    const isWeight = (weight: number): boolean => Number.isFinite(weight) && weight >= 0;
    if (weights !== undefined && (weights.length !== edge.tokens.length || !weights.every(isWeight))) {
      throw new RangeError(
        `credit: edge ${id} of tree ${tree} has ${edge.tokens.length} tokens, its weights are [${weights}]; valid: at least 0 each`,
      );
    }
    const check = (name: string, value: number | undefined): void => {
      if (value !== undefined && !(value > 0 && Number.isFinite(value))) {
        throw new RangeError(`credit: edge ${id} of tree ${tree} has ${name} ${value}; valid: above 0`);
      }
    };
    check('clipScale', clipScale);
    check('nllWeight', nllWeight);
    check('offPolicy', offPolicy);
    if (nllWeight !== undefined && advantages.some((value) => value !== 0)) {
      throw new RangeError(
        `credit: edge ${id} of tree ${tree} is trained by negative log-likelihood, so its advantage must be 0`,
      );
    }
    return {
      tree,
      edge: id,
      sequence,
      advantages,
      ...(weights === undefined ? {} : { weights }),
      ...(clipScale === undefined ? {} : { clipScale }),
      ...(nllWeight === undefined ? {} : { nllWeight }),
      ...(offPolicy === undefined ? {} : { offPolicy }),
    };
  });
}

/**
 * Advantages of a question up to this size are rounding. If all its returns are equal, a baseline should cancel them, and
 * what it leaves is of the order of 1e-17: not a signal, and nothing to train on. If they differ, nothing is rounding.
 */
function roundingOf(tree: RolloutTree): number {
  return areEqual(returnsOf(tree)) ? ROUNDING * returnScale(tree) : 0;
}

/** Means over the optimizer steps of one iteration. */
export interface UpdateStatistics {
  readonly steps: number;
  readonly loss: number;
  /** Null if a server takes the steps and does not tell. */
  readonly gradientNorm: number | null;
  readonly klK1: number;
  readonly klK3: number;
  readonly clipFraction: number;
}

/**
 * The optimizer steps of one iteration: questions are split into minibatches, each minibatch with rows is one
 * step on its own loss.
 */
export async function update(request: {
  readonly optimizer: Optimizer;
  readonly objective: Objective;
  readonly rows: readonly TrainingRow[];
  /** Number of questions, for the split. */
  readonly questions: number;
  readonly options: TrainingOptions;
  readonly sampling: Sampling;
  readonly signal?: AbortSignal;
}): Promise<UpdateStatistics> {
  const { optimizer, objective, rows, questions, options, sampling, signal } = request;
  const sums = { loss: 0, klK1: 0, klK3: 0, clipFraction: 0 };
  let steps = 0;
  let norms: number | null = 0;
  for (let epoch = 0; epoch < options.epochs; epoch++) {
    for (let part = 0; part < options.minibatches; part++) {
      signal?.throwIfAborted();
      const isOf = (tree: number): boolean => Math.floor((tree * options.minibatches) / questions) === part;
      const share = Array.from({ length: questions }, (_, tree) => tree).filter(isOf).length / questions;
      // `nllWeight` is for the whole iteration; a step has a share of its questions, and means are by step.
      const chosen = rows
        .filter((row) => isOf(row.tree))
        .map((row) => (row.nllWeight === undefined ? row : { ...row, nllWeight: row.nllWeight / share }));
      if (chosen.length === 0) continue;
      const ramp = Math.min(1, (optimizer.steps + 1) / (options.warmupSteps + 1));
      const norm = await optimizer.step(
        chosen.map((row) => row.record),
        (logProbs) => {
          const loss = evaluateLoss(objective, chosen, logProbs);
          for (const key of ['loss', 'klK1', 'klK3', 'clipFraction'] as const) sums[key] += loss[key];
          return loss.gradient;
        },
        sampling,
        {
          learningRate: options.learningRate * ramp,
          epsilon: options.adamEpsilon,
          maxGradientNorm: options.maxGradientNorm,
        },
      );
      norms = norms === null || norm === null ? null : norms + norm;
      steps++;
    }
  }
  const mean = (sum: number): number => (steps === 0 ? 0 : sum / steps);
  return {
    steps,
    loss: mean(sums.loss),
    gradientNorm: norms === null ? null : mean(norms),
    klK1: mean(sums.klK1),
    klK3: mean(sums.klK3),
    clipFraction: mean(sums.clipFraction),
  };
}
