import { createHash } from 'node:crypto';
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { xoroshiro128plusFromState } from 'pure-rand/generator/xoroshiro128plus';

/**
 * The only source of chance in creditbench. Every function that draws takes one as an argument.
 *
 * Streams are split by name, not by order of use: `random.split('rollout', 3)` gives the same
 * stream whatever else was drawn before, so batching, worker counts and skipped work change no number.
 *
 * Rollouts, plans and environments draw through `categorical` and `integer` only (but see `uniform`). That lets the audit pass
 * an enumerating `Random` instead and visit every outcome with its exact probability.
 */
export interface Random {
  /**
   * Draws an index with the given probabilities.
   * @param probabilities non-negative, finite, summing to 1 within 1e-6.
   * @throws RangeError when they are not.
   */
  categorical(probabilities: ArrayLike<number>): number;
  /** Draws an integer in [0, bound), each equally likely. `bound` is a positive integer. */
  integer(bound: number): number;
  /**
   * Draws a number in [0, 1) with 53 bits. Not enumerable: for weights and shuffles, and in rollouts only in the place of
   * a `categorical` whose probabilities are on a GPU.
   */
  uniform(): number;
  /** A new, independent stream named by the labels. Splitting draws nothing from this stream. */
  split(...labels: readonly (string | number)[]): Random;
}

/**
 * A seeded `Random` on xoroshiro128+ (pure-rand). A stream's key is the SHA-256 of its parent's key and its
 * labels, so that `split('a', 'b')` and `split('a').split('b')` are the same stream.
 * @param seed any safe integer.
 */
export function createRandom(seed: number): Random {
  if (!Number.isSafeInteger(seed)) {
    throw new RangeError(`createRandom: seed must be a safe integer, got ${seed}`);
  }
  return fromKey(digest('creditbench', seed));
}

function fromKey(key: Buffer): Random {
  // The generator is made on first use: most streams are only split further.
  let generator: ReturnType<typeof xoroshiro128plusFromState> | undefined;
  const uniform = (): number => {
    if (generator === undefined) {
      // xoroshiro must not start at the all-zero state.
      const state = [0, 4, 8, 12].map((offset) => key.readInt32LE(offset));
      if (!state.some((word) => word !== 0)) state[0] = 1;
      generator = xoroshiro128plusFromState(state);
    }
    return uniformFloat64(generator);
  };
  return {
    uniform,
    categorical: (probabilities) => pick(checkProbabilities(probabilities), uniform()),
    integer: (bound) => Math.floor(uniform() * checkBound(bound)),
    split: (...labels) => fromKey(labels.reduce<Buffer>((parent, label) => digest(parent, label), key)),
  };
}

function digest(parent: Buffer | string, label: string | number): Buffer {
  return createHash('sha256')
    .update(parent)
    .update(`${typeof label}:${label}`)
    .digest();
}

/** The index at which the running sum of probabilities passes `point`; never an index of probability 0. */
function pick(probabilities: ArrayLike<number>, point: number): number {
  let rest = point;
  let last = 0;
  for (let index = 0; index < probabilities.length; index++) {
    const probability = probabilities[index]!;
    if (probability === 0) continue;
    if (rest < probability) return index;
    rest -= probability;
    last = index;
  }
  return last; // rounding left a crumb above the last probability
}

/** Returns `probabilities` when they are a distribution; throws what is wrong with them otherwise. */
export function checkProbabilities(probabilities: ArrayLike<number>): ArrayLike<number> {
  let sum = 0;
  for (let index = 0; index < probabilities.length; index++) {
    const probability = probabilities[index]!;
    if (!(probability >= 0 && probability <= 1 + 1e-6)) {
      throw new RangeError(`Random.categorical: probability ${index} is ${probability}, not in [0, 1]`);
    }
    sum += probability;
  }
  if (!(Math.abs(sum - 1) <= 1e-6)) {
    throw new RangeError(`Random.categorical: ${probabilities.length} probabilities sum to ${sum}, not to 1`);
  }
  return probabilities;
}

/** Returns `bound` when it is a positive integer; throws otherwise. */
export function checkBound(bound: number): number {
  if (!Number.isSafeInteger(bound) || bound < 1) {
    throw new RangeError(`Random.integer: bound must be a positive integer, got ${bound}`);
  }
  return bound;
}

/** The items in an order drawn from `random` (Fisher and Yates). The input is left as it is. */
export function shuffled<Item>(items: readonly Item[], random: Random): Item[] {
  const result = [...items];
  for (let index = result.length - 1; index > 0; index--) {
    const other = random.integer(index + 1);
    [result[index], result[other]] = [result[other]!, result[index]!];
  }
  return result;
}
