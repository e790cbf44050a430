import { checkBound, checkProbabilities, createRandom, type Random } from '../../core/random.ts';

/**
 * A case has more outcomes than the limit.
 * @experimental
 */
export class TooManyOutcomes extends Error {
  override readonly name = 'TooManyOutcomes';
  /** Knuth's estimate of the number of outcomes. */
  readonly estimate: number;
  constructor(estimate: number, limit: number) {
    super(`about ${estimate.toPrecision(3)} outcomes, more than the limit of ${limit}`);
    this.estimate = estimate;
  }
}

/** After so many outcomes the number of all of them is estimated. */
const ESTIMATE_AT = 2000;

/** One choice on the way to an outcome. */
interface Choice {
  readonly probabilities: ArrayLike<number>;
  index: number;
}

/**
 * Runs a pipeline once per outcome of its `Random.categorical` and `Random.integer` calls, whatever they depend
 * on, and hands each result over with its exact probability. Works by replay: every run repeats the choices of
 * the one before up to the last that has an untried alternative.
 * @param pipeline anything that draws only from the `Random` it is given; `uniform` is refused.
 * @param visit called once per outcome; a promise that it returns is waited for; the probabilities sum to 1.
 * @param limit most outcomes to visit, default 2,000,000.
 * @returns the number of outcomes.
 * @throws TooManyOutcomes with an estimate of their number: early, where it is far above the limit, or at the
 * limit. What was visited until then must be thrown away.
 * @experimental
 */
export async function enumerate<Result>(
  pipeline: (random: Random) => Promise<Result>,
  visit: (result: Result, probability: number) => unknown,
  { limit = 2_000_000, signal }: { readonly limit?: number; readonly signal?: AbortSignal } = {},
): Promise<number> {
  const path: Choice[] = [];
  for (let count = 0; ; ) {
    signal?.throwIfAborted();
    let position = 0;
    const result = await pipeline(
      chooser((probabilities) => {
        if (position === path.length) path.push({ probabilities, index: possible(probabilities, 0) });
        return path[position++]!.index;
      }),
    );
    // Small cases need no estimate; large ones are refused before much work went into them.
    if (count === Math.min(ESTIMATE_AT, limit)) {
      const estimate = await estimateOutcomes(pipeline);
      if (count === limit || estimate > 10 * limit) throw new TooManyOutcomes(estimate, limit);
    } else if (count === limit) {
      throw new TooManyOutcomes(await estimateOutcomes(pipeline), limit);
    }
    await visit(
      result,
      path.reduce((product, { probabilities, index }) => product * probabilities[index]!, 1),
    );
    count++;
    // Advance the last choice that has a further possible outcome; forget what came after it.
    while (path.length > 0) {
      const last = path.at(-1)!;
      last.index = possible(last.probabilities, last.index + 1);
      if (last.index < last.probabilities.length) break;
      path.pop();
    }
    if (path.length === 0) return count;
  }
}

/** Knuth (1975): the product of the branching factors along a random descent estimates the size of a tree. */
async function estimateOutcomes(pipeline: (random: Random) => Promise<unknown>): Promise<number> {
  const descents = 32;
  let sum = 0;
  for (let descent = 0; descent < descents; descent++) {
    const draws = createRandom(descent).split('outcomes');
    let product = 1;
    await pipeline(
      chooser((probabilities) => {
        const branches: number[] = [];
        for (
          let index = possible(probabilities, 0);
          index < probabilities.length;
          index = possible(probabilities, index + 1)
        ) {
          branches.push(index);
        }
        product *= branches.length;
        return branches[draws.integer(branches.length)]!;
      }),
    );
    sum += product;
  }
  return sum / descents;
}

/** The first index from `start` on that has a probability above 0. */
function possible(probabilities: ArrayLike<number>, start: number): number {
  let index = start;
  while (index < probabilities.length && probabilities[index] === 0) index++;
  return index;
}

/** A `Random` whose every draw is decided by `choose`. Its splits are itself: the order of draws is fixed. */
function chooser(choose: (probabilities: ArrayLike<number>) => number): Random {
  const random: Random = {
    categorical: (probabilities) => choose(Array.from(checkProbabilities(probabilities))),
    integer: (bound) => choose(new Array<number>(checkBound(bound)).fill(1 / bound)),
    uniform: () => {
      throw new Error('a continuous draw cannot be enumerated; use categorical or integer');
    },
    split: () => random,
  };
  return random;
}
