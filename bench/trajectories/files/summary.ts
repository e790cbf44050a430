import type { Random } from '../../../core/random.ts';
import { spearman } from '../../stats/correlation.ts';
import type { MethodCredit, NoCredit } from '../credit.ts';
import type { GrownTree } from '../grow.ts';
import { ApartFinder, type Disagreement, type Named } from './disagreement.ts';
import { type Distribution, QuantileSketch } from './quantile-sketch.ts';
import { isConstant } from './row.ts';

/** Actions that rank correlations are worked out from, at most: an even sample of all. */
const SAMPLED = 10_000;

/**
 * What one method says of a file.
 * @experimental
 */
export interface MethodSummary {
  readonly method: string;
  /** What it lacks, and in how many batches; [] if nothing. */
  readonly lacks: readonly { readonly fields: string; readonly batches: number }[];
  /** Batches of which it could say something. All numbers below are about those. */
  readonly batches: number;
  readonly groups: number;
  /** Groups in which every advantage is 0, or nothing is trained. */
  readonly zeroGroups: number;
  /** Actions, one that trajectories share counting once. */
  readonly actions: number;
  readonly trainedActions: number;
  readonly tokens: number;
  readonly trainedTokens: number;
  /** Of the advantages of trained tokens, as the rows have them. Null if there are none. */
  readonly advantages: Distribution | null;
  /** Actions whose training an advantage per token does not tell whole, by what it leaves out. */
  readonly left: MethodCredit['left'];
}

/**
 * How two methods agree.
 * @experimental
 */
export interface PairSummary {
  readonly methods: readonly [string, string];
  /** Spearman's correlation of the credit of actions that both train. Null if one does not vary, or there are fewer than 3. */
  readonly spearman: number | null;
  /** Actions that it is worked out from. */
  readonly actions: number;
  /** The trajectories on which they disagree most, each with the action on which they do: most first. */
  readonly apart: readonly Disagreement[];
}

/**
 * What methods say of a file.
 * @experimental
 */
export interface CreditSummary {
  readonly trajectories: number;
  readonly groups: number;
  /** Groups of one trajectory. */
  readonly singletons: number;
  readonly batches: number;
  /** Actions and their tokens, one that trajectories share counting once. */
  readonly actions: number;
  readonly tokens: number;
  /** Trajectories that share actions with others. */
  readonly sharing: number;
  readonly methods: readonly MethodSummary[];
  readonly pairs: readonly PairSummary[];
}

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

interface MethodSums extends Mutable<Omit<MethodSummary, 'lacks' | 'advantages' | 'left'>> {
  readonly lacks: Map<string, number>;
  readonly sketch: QuantileSketch;
  readonly left: Mutable<MethodCredit['left']>;
}

/** Puts the summary together, batch by batch, in bounded memory. */
export class Summing {
  private readonly methods: readonly MethodSums[];
  private readonly random: Random;
  private readonly apart: ApartFinder;
  /** By sampled action: the credit that each method gives it, NaN if it is not trained. */
  private readonly sample: Float64Array[] = [];
  private seen = 0;
  private readonly whole = {
    ...{ trajectories: 0, groups: 0, singletons: 0, batches: 0 },
    ...{ actions: 0, tokens: 0, sharing: 0 },
  };

  /** @param random draws the sample. */
  constructor(names: readonly string[], random: Random) {
    this.random = random;
    this.apart = new ApartFinder(names.length);
    this.methods = names.map((method) => ({
      ...{ method, batches: 0, groups: 0, zeroGroups: 0, actions: 0, trainedActions: 0 },
      ...{ tokens: 0, trainedTokens: 0, lacks: new Map(), sketch: new QuantileSketch() },
      left: { clipScale: 0, nllWeight: 0, offPolicy: 0 },
    }));
  }

  /** What one method says of a batch. @returns the credit of every action, tree by tree: NaN if it is not trained. */
  addMethod(which: number, grown: readonly GrownTree[], said: MethodCredit | NoCredit): Float64Array {
    const method = this.methods[which]!;
    const actions = new Float64Array(grown.reduce((sum, { tree }) => sum + tree.edges.length, 0)).fill(NaN);
    if ('lacks' in said) {
      method.lacks.set(said.lacks, (method.lacks.get(said.lacks) ?? 0) + 1);
      return actions;
    }
    method.batches++;
    for (const kind of ['clipScale', 'nllWeight', 'offPolicy'] as const) method.left[kind] += said.left[kind];
    let from = 0;
    for (const [index, { tree, paths }] of grown.entries()) {
      const trained = new Int32Array(tree.edges.length);
      let isZero = true;
      for (const [trajectory, path] of paths.entries()) {
        for (const [turn, edge] of path.entries()) {
          const values = said.credits[index]![trajectory]![turn];
          if (values === undefined) continue;
          const { sum, count, hasSignal } = added(values, method.sketch);
          if (hasSignal) isZero = false;
          trained[edge] = Math.max(trained[edge]!, count);
          const before = actions[from + edge]!;
          actions[from + edge] = (Number.isNaN(before) ? 0 : before) + sum / values.length;
        }
      }
      method.groups++;
      if (isZero) method.zeroGroups++;
      for (const [edge, { tokens }] of tree.edges.entries()) {
        method.actions++;
        method.tokens += tokens.length;
        method.trainedTokens += trained[edge]!;
        if (trained[edge]! > 0) method.trainedActions++;
      }
      from += tree.edges.length;
    }
    return actions;
  }

  /**
   * A batch of which all methods have said what they say.
   * @param credits by method, what `addMethod` returned.
   * @param names by tree and trajectory.
   */
  endBatch(
    grown: readonly GrownTree[],
    credits: readonly Float64Array[],
    names: readonly (readonly Named[])[],
  ): void {
    this.whole.batches++;
    this.whole.groups += grown.length;
    let from = 0;
    for (const { tree, paths } of grown) {
      const users = new Int32Array(tree.edges.length);
      for (const path of paths) for (const edge of path) users[edge]!++;
      this.whole.trajectories += paths.length;
      this.whole.sharing += paths.filter((path) => path.some((edge) => users[edge]! > 1)).length;
      if (paths.length === 1) this.whole.singletons++;
      this.whole.actions += tree.edges.length;
      for (const [edge, { tokens }] of tree.edges.entries()) {
        this.whole.tokens += tokens.length;
        this.draw(() => Float64Array.from(credits, (own) => own[from + edge]!));
      }
      from += tree.edges.length;
    }
    this.apart.add(grown, credits, names);
  }

  summary(): CreditSummary {
    return {
      ...this.whole,
      methods: this.methods.map(({ lacks, sketch, ...sums }) => ({
        ...sums,
        lacks: [...lacks].map(([fields, batches]) => ({ fields, batches })),
        advantages: sketch.summary(),
      })),
      pairs: this.methods.flatMap((a, first) =>
        this.methods.slice(first + 1).flatMap((b, more) => {
          const second = first + 1 + more;
          if (a.batches === 0 || b.batches === 0) return [];
          const both = this.sample.filter((one) => !Number.isNaN(one[first]!) && !Number.isNaN(one[second]!));
          const [x, y] = [first, second].map((which) => both.map((one) => one[which]!)) as [
            number[],
            number[],
          ];
          return {
            methods: [a.method, b.method] as const,
            spearman: both.length < 3 ? null : spearman(x, y),
            actions: both.length,
            apart: this.apart.found(first, second),
          };
        }),
      ),
    };
  }

  /** Takes an action into the sample, or not (Vitter's algorithm R). */
  private draw(credit: () => Float64Array): void {
    this.seen++;
    if (this.sample.length < SAMPLED) this.sample.push(credit());
    else {
      const place = this.random.integer(this.seen);
      if (place < SAMPLED) this.sample[place] = credit();
    }
  }
}

/** Adds the advantages of trained tokens to a sketch. */
function added(
  values: Float64Array,
  sketch: QuantileSketch,
): { readonly sum: number; readonly count: number; readonly hasSignal: boolean } {
  if (isConstant(values)) {
    const value = values[0]!;
    if (Number.isNaN(value)) return { sum: 0, count: 0, hasSignal: false };
    sketch.add(value, values.length);
    return { sum: value * values.length, count: values.length, hasSignal: value !== 0 };
  }
  let [sum, count, hasSignal] = [0, 0, false];
  for (const value of values) {
    if (Number.isNaN(value)) continue;
    sketch.add(value);
    sum += value;
    count++;
    if (value !== 0) hasSignal = true;
  }
  return { sum, count, hasSignal };
}
