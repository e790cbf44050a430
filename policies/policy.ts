import type { Random } from '../core/random.ts';

/** What a policy reads before an action: the text, and the legal actions where they are enumerable. */
export interface Prompt {
  readonly text: string;
  readonly actions?: readonly string[];
}

/** A request to sample one action. Draws come from its own `random`, so batching changes nothing. */
export interface ActRequest {
  readonly prompt: Prompt;
  readonly random: Random;
}

/**
 * A sampled action. `tokens` are the ids as sampled (an index into `prompt.actions` where those are given)
 * and are never encoded again. `logProbs` and `entropies` (nats) belong to the sampling distribution: the
 * temperature is in them.
 */
export interface SampledAction {
  readonly text: string;
  readonly tokens: readonly number[];
  readonly logProbs: readonly number[];
  readonly entropies: readonly number[];
}

/** One action to train on. */
export interface ActionRecord {
  readonly prompt: Prompt;
  readonly tokens: readonly number[];
}

/**
 * d loss / d log-probability of every token, given the current log-probabilities (one array per record).
 * The objective in plain float64: policies only need the vector-Jacobian product of their log-probabilities.
 */
export type LossGradient = (logProbs: readonly Float64Array[]) => readonly Float64Array[];

/** Temperature of the softmax that actions are drawn from, > 0. Training uses the same one. */
export interface Sampling {
  readonly temperature: number;
}

/** Who acts. */
export interface Policy {
  readonly id: string;
  /** Samples one action per request. */
  act(requests: readonly ActRequest[], sampling: Sampling): Promise<readonly SampledAction[]>;
  /** Log-probabilities over `prompt.actions` for every prompt. Enumerable actions only. */
  distributions(prompts: readonly Prompt[], sampling: Sampling): Promise<readonly Float64Array[]>;
  /** The token ids that the policy reads for a prompt: for counting prefill, with and without sharing. */
  promptTokens(prompt: Prompt): ArrayLike<number>;
}

/** Who acts and learns. Parameters and gradients are flat vectors in one fixed order. */
export interface TrainablePolicy extends Policy {
  /** A copy of the parameters. */
  parameters(): Float32Array | Float64Array;
  /** Replaces the parameters. Throws when the length differs. */
  setParameters(parameters: ArrayLike<number>): void;
  /** Log-probabilities of the recorded tokens under the current parameters. */
  logProbs(records: readonly ActionRecord[], sampling: Sampling): Promise<readonly Float64Array[]>;
  /** The gradient of the loss with respect to the parameters; `loss` is called once with all records. */
  gradient(
    records: readonly ActionRecord[],
    loss: LossGradient,
    sampling: Sampling,
  ): Promise<Float32Array | Float64Array>;
  /** Frees what the policy holds outside the JavaScript heap. */
  dispose(): void;
}
