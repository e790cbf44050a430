import type { GrownTree } from '../grow.ts';

/** Trajectories that are named per pair of methods. */
const NAMED = 5;

/** Where a trajectory is. */
export interface Named {
  readonly group: string;
  readonly id: string;
  /** In the file: 'line 12'. */
  readonly at: string;
}

/**
 * A trajectory on which two methods disagree, and the action on which they do so most.
 * @experimental
 */
export interface Disagreement {
  readonly group: string;
  readonly id: string;
  /** Where the trajectory is in the file: 'line 12'. */
  readonly at: string;
  /** From 0. */
  readonly turn: number;
  /** The credit of the action by either method, mean over its tokens; null if it is not trained. */
  readonly credit: readonly [number | null, number | null];
  /** How far apart they are, each divided by the root mean square of its method's credit in the batch. */
  readonly distance: number;
}

/** Finds the trajectories on which methods disagree most. */
export class ApartFinder {
  private readonly methods: number;
  private readonly kept = new Map<number, Disagreement[]>();

  constructor(methods: number) {
    this.methods = methods;
  }

  /**
   * @param credits by method, the credit of every action of the batch, NaN if it is not trained.
   * @param names by tree and trajectory.
   */
  add(
    grown: readonly GrownTree[],
    credits: readonly Float64Array[],
    names: readonly (readonly Named[])[],
  ): void {
    const scales = credits.map(rootMeanSquare);
    for (let first = 0; first < this.methods; first++) {
      for (let second = first + 1; second < this.methods; second++) {
        if (Number.isNaN(scales[first]!) || Number.isNaN(scales[second]!)) continue;
        this.addPair(grown, names, [first, second], credits, scales);
      }
    }
  }

  found(first: number, second: number): readonly Disagreement[] {
    return this.kept.get(this.key(first, second)) ?? [];
  }

  private addPair(
    grown: readonly GrownTree[],
    names: readonly (readonly Named[])[],
    [first, second]: readonly [number, number],
    credits: readonly Float64Array[],
    scales: readonly number[],
  ): void {
    const [a, b] = [credits[first]!, credits[second]!];
    const scaled = (credit: Float64Array, which: number, at: number): number => {
      const value = credit[at]!;
      return Number.isNaN(value) || scales[which] === 0 ? 0 : value / scales[which]!;
    };
    const kept = this.kept.get(this.key(first, second)) ?? [];
    this.kept.set(this.key(first, second), kept);
    let from = 0;
    for (const [tree, { paths, tree: whole }] of grown.entries()) {
      const isSeen = new Uint8Array(whole.edges.length);
      for (const [trajectory, path] of paths.entries()) {
        let [distance, turn] = [0, -1];
        for (const [index, edge] of path.entries()) {
          // A shared action is that of the first trajectory that has it.
          if (isSeen[edge]) continue;
          isSeen[edge] = 1;
          const apart = Math.abs(scaled(a, first, from + edge) - scaled(b, second, from + edge));
          if (apart > distance) [distance, turn] = [apart, index];
        }
        if (turn === -1 || (kept.length === NAMED && distance <= kept.at(-1)!.distance)) continue;
        const at = from + path[turn]!;
        const credit = [a[at]!, b[at]!].map((value) => (Number.isNaN(value) ? null : value));
        kept.push({
          ...names[tree]![trajectory]!,
          ...{ turn, credit: credit as [number | null, number | null], distance },
        });
        kept.sort((x, y) => y.distance - x.distance);
        if (kept.length > NAMED) kept.pop();
      }
      from += whole.edges.length;
    }
  }

  private key(first: number, second: number): number {
    return first * this.methods + second;
  }
}

/** Over the actions that are trained; NaN if there are none. */
function rootMeanSquare(credits: Float64Array): number {
  let [sum, count] = [0, 0];
  for (const value of credits) {
    if (Number.isNaN(value)) continue;
    sum += value * value;
    count++;
  }
  return Math.sqrt(sum / count);
}
