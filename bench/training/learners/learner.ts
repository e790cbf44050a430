import type {
  ActionRecord,
  LossGradient,
  Prompt,
  Sampling,
  ServedPolicy,
  StepSettings,
  TrainablePolicy,
} from '../../../policies/policy.ts';
import type { AdamState } from './adam.ts';

/** What training changes of a policy in this process. */
export interface LocalWeights {
  readonly parameters: Float32Array | Float64Array;
  /** The prompts that the policy has met, if the order of its parameters is theirs. */
  readonly prompts: readonly Prompt[] | undefined;
  readonly adam: AdamState;
}

/** Weights and moments that a server keeps. */
export interface SavedWeights {
  /** Where: `ServedPolicy.load` takes it. */
  readonly saved: string;
  /** Optimizer steps that led to them. */
  readonly steps: number;
}

/** Where a policy learns, and what that makes of its weights. */
export interface Places {
  readonly local: {
    readonly policy: TrainablePolicy;
    readonly weights: LocalWeights;
    /** Weights to measure under. */
    readonly reference: Float32Array | Float64Array;
  };
  readonly server: {
    readonly policy: ServedPolicy;
    readonly weights: SavedWeights;
    readonly reference: string;
  };
}
export type Place = keyof Places;

/** Takes optimizer steps on a policy's weights, wherever they are. */
export interface Optimizer {
  /** Steps so far, from the beginning of training on. */
  readonly steps: number;
  /** A step on the gradient of the loss. @returns that gradient's norm before it was clipped; null if it is not told. */
  step(
    records: readonly ActionRecord[],
    loss: LossGradient,
    sampling: Sampling,
    settings: StepSettings,
  ): Promise<number | null>;
}

/** What an iteration needs of a policy that learns, in this process or on a server. */
export interface Learner<At extends Place> {
  /** Brings the policy to weights. */
  hold(weights: Places[At]['weights'], sampling: Sampling): Promise<void>;
  /** An optimizer that goes on from weights that the policy holds. Between its steps nothing else may change them. */
  optimizer(weights: Places[At]['weights']): Optimizer;
  /** The weights that the policy has now, to measure under later. */
  reference(): Places[At]['reference'];
  /** The same as a value that `hold` takes, with what the optimizer keeps beside them. */
  weights(optimizer: Optimizer): Promise<Places[At]['weights']>;
}
