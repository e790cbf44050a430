import { Moments } from './moments.ts';

/** One estimate: what one outcome of a pipeline gives. */
export interface Sample {
  readonly gradient: Float64Array;
  /** Sum of the advantages given to each state-action pair, and how often it was trained. */
  readonly advantages: Float64Array;
  readonly counts: Float64Array;
  readonly tokens: number;
  readonly trained: number;
}

/** Probability-weighted sums over samples. */
export class Totals {
  readonly gradient: Moments;
  private readonly advantages: Moments;
  private readonly counts: Moments;
  private readonly products: Moments;
  private readonly truth: Float64Array;
  private squared = 0;
  private projected = 0;
  private tokens = 0;
  private trained = 0;

  constructor(truth: Float64Array, pairs: number) {
    this.truth = truth;
    this.gradient = new Moments(truth.length);
    this.advantages = new Moments(pairs);
    this.counts = new Moments(pairs);
    this.products = new Moments(pairs);
  }

  add(sample: Sample, probability: number): void {
    this.gradient.add(sample.gradient, probability);
    this.advantages.add(sample.advantages, probability);
    this.counts.add(sample.counts, probability);
    this.products.add(
      sample.advantages.map((value, index) => value * sample.counts[index]!),
      probability,
    );
    this.squared += probability * dot(sample.gradient, sample.gradient);
    this.projected += probability * dot(sample.gradient, this.truth);
    this.tokens += probability * sample.tokens;
    this.trained += probability * sample.trained;
  }

  /** E[sum of advantages] / E[count] per pair, with the delta method's variance per draw. */
  conditionalAdvantages(): Moments {
    const result = new Moments(this.counts.mean.length);
    for (let index = 0; index < result.mean.length; index++) {
      const count = this.counts.mean[index]!;
      if (count === 0) {
        result.mean[index] = Number.NaN;
        continue;
      }
      const ratio = this.advantages.mean[index]! / count;
      result.mean[index] = ratio;
      // E[(sum - ratio * count)^2] / E[count]^2
      const spread =
        this.advantages.square[index]! -
        2 * ratio * this.products.mean[index]! +
        ratio ** 2 * this.counts.square[index]!;
      result.square[index] = ratio ** 2 + Math.max(0, spread) / count ** 2;
    }
    return result;
  }

  summary() {
    const { mean } = this.gradient;
    const norm = dot(this.truth, this.truth);
    const directionError =
      norm === 0 || this.squared === 0 || this.projected <= 0
        ? 1
        : 1 - this.projected ** 2 / (this.squared * norm);
    return {
      variance: this.squared - dot(mean, mean),
      meanSquaredError: this.squared - 2 * this.projected + norm,
      directionError,
      tokens: this.tokens,
      errorPerToken: directionError * this.tokens,
      trainedActions: this.trained,
      cosine: dot(mean, this.truth) / Math.sqrt(dot(mean, mean) * norm),
    };
  }
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let index = 0; index < a.length; index++) sum += a[index]! * b[index]!;
  return sum;
}
