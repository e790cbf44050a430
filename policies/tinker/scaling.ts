import { InputError } from '../../core/errors.ts';
import type { Datum, ServedModel } from './client.ts';

/**
 * How a server turns the losses of the tokens of a step into the loss that it takes the gradient of.
 * - `sum`: adds them up.
 * - `sequence-mean-sum`: divides each sequence's sum by the sum of its weights.
 * - `sequence-mean`: also divides by the number of sequences, those without weights included.
 * - `datum-mean`: divides by that number only.
 * - `token-mean`: divides by the sum of all weights.
 */
export type Scaling = 'sum' | 'sequence-mean-sum' | 'sequence-mean' | 'datum-mean' | 'token-mean';

const sumOf = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

/** What advantages of each sequence of a step have to be multiplied by, so that the server takes the gradient of their sum. */
export function factors(scaling: Scaling, data: readonly Pick<Datum, 'weights'>[]): readonly number[] {
  const masks = data.map(({ weights }) => sumOf(weights));
  const total = sumOf(masks);
  switch (scaling) {
    case 'sum':
      return data.map(() => 1);
    case 'sequence-mean-sum':
      return masks;
    case 'sequence-mean':
      return masks.map((mask) => mask * data.length);
    case 'datum-mean':
      return data.map(() => data.length);
    case 'token-mean':
      return data.map(() => total);
  }
}

const SCALINGS: readonly Scaling[] = [
  'sum',
  'sequence-mean-sum',
  'sequence-mean',
  'datum-mean',
  'token-mean',
];

/** The measured ratio is within this share of the expected one. They are 10 % apart and more. */
const TOLERANCE = 0.03;

/** Ids that the probe needs. */
export const PROBE_IDS = 6;

/** What a probe has found. */
export interface Probed {
  readonly scaling: Scaling;
  /** What was compared: the norms that the server tells, or changes of log-probabilities. */
  readonly by: 'gradient norms' | 'changes of log-probabilities';
  /** The gradient of the second step over that of the first. */
  readonly ratio: number;
}

/** A sequence of no weight: what a request is filled up with. */
export const padding = (id: number): Datum => ({
  tokens: [id],
  targets: [id],
  weights: [0],
  advantages: [0],
  logProbs: [0],
});

/**
 * Finds out how a server scales, on a model that is not needed afterwards. In both of two steps the gradient has the
 * direction of one token's log-probability: first that token is alone; then it is there twice, once among four more
 * trained tokens of advantage 0, with two sequences of no weight beside it. Each way to scale has a ratio of its own.
 * @param ids any `PROBE_IDS` ids.
 * @throws InputError saying what was measured, if it is none of them.
 */
export async function probeScaling(
  model: ServedModel,
  ids: readonly number[],
  server: string,
): Promise<Probed> {
  const { first, second } = probes(ids);
  // A rate that moves the log-probability visibly, if the server tells no norms.
  let rate = 1e-6;
  let one = await measure(model, first, rate);
  while (one.norm === undefined && Math.abs(one.change) < VISIBLE && rate < 1e9) {
    rate *= 10;
    one = await measure(model, first, rate);
  }
  const two = await measure(model, second, rate);
  const by = one.norm === undefined ? 'changes of log-probabilities' : 'gradient norms';
  const ratio = (two.norm ?? two.change) / (one.norm ?? one.change);
  const scaling = SCALINGS.find(
    (each) => Math.abs(ratio / expectedRatio(each, first, second) - 1) < TOLERANCE,
  );
  if (scaling === undefined) {
    const valid = SCALINGS.map((each) => `${expectedRatio(each, first, second).toFixed(3)} (${each})`);
    throw new InputError(
      `tinker server ${server}: how it scales gradients is not known: a token that is there twice, once among 4 others, with 2 empty sequences, gave ${ratio.toFixed(4)} times the gradient of that token alone, by ${by} (${one.norm ?? one.change}, ${two.norm ?? two.change}); known: ${valid.join(', ')}`,
    );
  }
  return { scaling, by, ratio };
}

/** Log-probabilities are float32: a change of this size is known to a percent. */
const VISIBLE = 2e-3;

/** The two steps of the probe. */
export function probes(ids: readonly number[]): {
  readonly first: readonly Datum[];
  readonly second: readonly Datum[];
} {
  const tokens = ids.slice(0, PROBE_IDS - 1);
  const targets = ids.slice(1, PROBE_IDS);
  const advantages = tokens.map((_, at) => (at === 0 ? 1 : 0));
  const logProbs = tokens.map(() => 0);
  const alone = { tokens, targets, weights: advantages, advantages, logProbs };
  const among = { ...alone, weights: tokens.map(() => 1) };
  return { first: [alone], second: [alone, among, padding(ids[0]!), padding(ids[0]!)] };
}

/** What the second gradient is of the first. */
export function expectedRatio(scaling: Scaling, first: readonly Datum[], second: readonly Datum[]): number {
  const size = (data: readonly Datum[]): number => {
    const factor = factors(scaling, data);
    return sumOf(data.map(({ advantages }, at) => (factor[at] === 0 ? 0 : advantages[0]! / factor[at]!)));
  };
  return size(second) / size(first);
}

/** Far above any gradient: Adam without memory then goes along the gradient itself. */
const EPSILON = 1e6;

/** Takes a step of `rate` times the gradient. @returns the norm that the server tells; how the log-probability changed. */
async function measure(
  model: ServedModel,
  data: readonly Datum[],
  rate: number,
): Promise<{ readonly norm: number | undefined; readonly change: number }> {
  const [[before]] = (await model.forward(data.slice(0, 1))) as [[number]];
  // Ratio 1, so that the gradient is that of the log-probability.
  const now = data.map((one) => ({ ...one, logProbs: one.advantages.map((given) => given * before) }));
  await model.forwardBackward(now);
  const adam = { learningRate: rate * EPSILON, beta1: 0, beta2: 0, epsilon: EPSILON };
  const norm = gradientNorm(await model.step(adam));
  const [[after]] = (await model.forward(data.slice(0, 1))) as [[number]];
  return { norm, change: after - before };
}

/** The norm of a step's gradient, if the server tells it: SkyRL's `skyrl.ai/grad_norm`. */
export function gradientNorm(metrics: Readonly<Record<string, unknown>>): number | undefined {
  const name = Object.keys(metrics).find((key) => /(^|[/_:])grad(ient)?_norm$/.test(key));
  const value = name === undefined ? undefined : metrics[name];
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}
