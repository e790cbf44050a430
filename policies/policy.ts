import { InputError } from '../core/errors.ts';
import type { Random } from '../core/random.ts';

/**
 * What a policy reads before an action: a text with the legal actions where they are enumerable, and otherwise
 * every token so far (`text` is then the newest observation, for people).
 */
export interface Prompt {
  readonly text: string;
  readonly actions?: readonly string[];
  /**
   * Free text only: the whole context as ids, from the first prompt on. Sampled ids are in it as sampled,
   * observations as they were encoded when they came; nothing is ever encoded again.
   */
  readonly tokens?: Int32Array;
  /** Free text: true when the newest observation was cut at its limit of tokens. */
  readonly cut?: boolean;
}

/** Tokens with their log-probabilities and the entropies (nats) of the distributions they were drawn from. */
export interface SampledTokens {
  readonly tokens: readonly number[];
  readonly logProbs: readonly number[];
  readonly entropies: readonly number[];
}

/** How far to write if actions are free text. */
export interface Generation {
  /** The action ends with the token that completes the first of these in its text. */
  readonly stops: readonly string[];
  /** Tokens of the whole action, `prefix` included, at least 1. */
  readonly maxTokens: number;
  /** The action begins with these, as another action did: a fork inside an action. Nothing is drawn for them. */
  readonly prefix?: SampledTokens;
}

/** A request to sample one action. Draws come from its own `random`, so batching changes nothing. */
export interface ActRequest {
  readonly prompt: Prompt;
  readonly random: Random;
  /** Where the prompt has `tokens`. */
  readonly generation?: Generation;
}

/**
 * A sampled action. `tokens` are the ids as sampled (an index into `prompt.actions` where those are given)
 * and are never encoded again. `logProbs` and `entropies` (nats) belong to the sampling distribution: the
 * temperature is in them.
 */
export interface SampledAction extends SampledTokens {
  readonly text: string;
  /** True when `generation.maxTokens` ended the action before a stop did. */
  readonly cut?: boolean;
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

/** The distribution that actions are drawn from. Training uses the same one. */
export interface Sampling {
  /** Of the softmax, > 0. */
  readonly temperature: number;
  /**
   * Free text only: the smallest set of most likely tokens whose probabilities reach this sum, renormalised
   * (nucleus sampling); in (0, 1]. Default 1, all tokens.
   */
  readonly topP?: number;
  /** Free text only: take the most likely token (the first of equals) and draw nothing. Default false. */
  readonly greedy?: boolean;
}

/** Text to ids and back. Pure. */
export interface TokenCodec {
  /** No special token is added; special tokens that the text spells out ('</search>') are recognised. */
  encode(text: string): readonly number[];
  /**
   * The ids of an episode's first prompt, where they are not those of its text alone: with the token that a model's texts
   * begin with, or in its chat template. Rendered once; all that follows is appended as `encode` gives it. Absent: `encode`.
   */
  opening?(text: string): readonly number[];
  /** Never throws: ids that spell no text give the replacement character or nothing. */
  decode(ids: ArrayLike<number>): string;
}

/** Who acts. */
export interface Policy {
  readonly id: string;
  /** Present if the policy writes free text: it then acts on prompts with `tokens`, and only on those. */
  readonly codec?: TokenCodec;
  /**
   * What the entropies of its tokens are where only the most likely tokens are known: a lower bound, an upper bound, or the
   * middle of both. Absent: exact.
   */
  readonly entropies?: 'lower' | 'middle' | 'upper';
  /** Samples one action per request. */
  act(requests: readonly ActRequest[], sampling: Sampling): Promise<readonly SampledAction[]>;
  /** Log-probabilities over `prompt.actions` for every prompt. Enumerable actions only. */
  distributions(prompts: readonly Prompt[], sampling: Sampling): Promise<readonly Float64Array[]>;
  /**
   * Log-probabilities of the recorded tokens under the current parameters.
   * @throws InputError when the policy cannot score tokens that it is given (a server that only writes).
   */
  logProbs(records: readonly ActionRecord[], sampling: Sampling): Promise<readonly Float64Array[]>;
  /** The token ids that the policy reads for a prompt: for counting prefill, with and without sharing. */
  promptTokens(prompt: Prompt): ArrayLike<number>;
}

/** A policy that somebody made and has to free. It acts; whether it also learns, `isTrainable` says. */
export interface OwnedPolicy extends Policy {
  /** What a person should know of how it acts: which server, what its entropies are. */
  readonly notes?: readonly string[];
  /** Frees what the policy holds outside the JavaScript heap. */
  dispose(): void;
}

/** Rows of numbers, `width` per token. */
export interface Features {
  readonly width: number;
  readonly rows: readonly (Float32Array | Float64Array)[];
}

/** Who acts and learns. Parameters and gradients are flat vectors in one fixed order. */
export interface TrainablePolicy extends OwnedPolicy {
  /** A copy of the parameters. */
  parameters(): Float32Array | Float64Array;
  /**
   * Where the order of the parameters is that in which prompts were first met: these, in that order. A fresh policy
   * that has met them (`distributions`) takes the same parameters.
   */
  prompts?(): readonly Prompt[];
  /** Replaces the parameters. Throws when the length differs. */
  setParameters(parameters: ArrayLike<number>): void;
  /**
   * `logProbs` under other parameters, if the policy can tell them without forgetting what it has read under its own.
   * Its own are set again, whatever comes of it.
   */
  logProbsUnder?(
    parameters: ArrayLike<number>,
    records: readonly ActionRecord[],
    sampling: Sampling,
  ): Promise<readonly Float64Array[]>;
  /**
   * What the policy knows before each recorded token, for small models on top of it (critics).
   * @returns per record tokens x width numbers, token by token. The width of a table grows with what it has met.
   */
  features(records: readonly ActionRecord[], sampling: Sampling): Promise<Features>;
  /**
   * The gradient of the loss with respect to the parameters; `loss` is called once with all records.
   * @param into a gradient that is no longer needed: the policy may write this one over it and return it.
   */
  gradient(
    records: readonly ActionRecord[],
    loss: LossGradient,
    sampling: Sampling,
    into?: Float32Array | Float64Array,
  ): Promise<Float32Array | Float64Array>;
}

/** How large an optimizer step is. Adam's betas are 0.9 and 0.999 everywhere. */
export interface StepSettings {
  readonly learningRate: number;
  readonly epsilon: number;
  /** The gradient is scaled down to this norm when it is longer, where whoever takes the step can. */
  readonly maxGradientNorm: number;
}

/**
 * Who acts and is trained by a server, which has the weights and Adam. It computes no more here than d loss / d
 * log-probability, and gives no features: methods with heads cannot use it.
 * @experimental
 */
export interface ServedPolicy extends OwnedPolicy {
  /** Names the weights before training, for `load` and `logProbsUnder`. */
  readonly start: string;
  /** What whoever reads the results should know of the server: said once, before training. */
  readonly notices: readonly string[];
  /**
   * Says why the policy cannot sample or train so.
   * @throws InputError naming the option.
   */
  checkSampling(sampling: Sampling): void;
  /**
   * One optimizer step on the gradient of the loss; `loss` is called once with all records.
   * @returns the gradient's norm, or null where the server does not tell.
   */
  step(
    records: readonly ActionRecord[],
    loss: LossGradient,
    sampling: Sampling,
    settings: StepSettings,
  ): Promise<number | null>;
  /** Has the server keep weights and Adam's state. @returns where, also for later sessions. */
  save(): Promise<string>;
  /** Goes on from what was kept. @throws InputError when the server no longer has it. */
  load(path: string): Promise<void>;
  /** `logProbs` under weights that are kept. */
  logProbsUnder(
    path: string,
    records: readonly ActionRecord[],
    sampling: Sampling,
  ): Promise<readonly Float64Array[]>;
  /** As `dispose`, and waits until the server has freed what it held. Never throws. */
  close(): Promise<void>;
}

/** Whether a server trains a policy. */
export function isServed(policy: Policy): policy is ServedPolicy {
  return 'step' in policy && 'load' in policy && 'save' in policy;
}

/** Whether a policy has parameters and gradients in this process. */
export function isTrainable(policy: Policy): policy is TrainablePolicy {
  return 'parameters' in policy && 'setParameters' in policy && 'gradient' in policy;
}

/**
 * The policy, if it has parameters and gradients in this process.
 * @throws InputError when it has none; it is disposed of then.
 */
export function trainable(policy: OwnedPolicy): TrainablePolicy {
  if (isTrainable(policy)) return policy;
  policy.dispose();
  throw new InputError(
    `policy ${policy.id} has no parameters in this process; valid: a policy that is trained here, such as text-transformer`,
  );
}
