import type { ZodType } from 'zod';
import { InputError } from '../core/errors.ts';
import type { Random } from '../core/random.ts';
import type { FolderFile } from './hugging-face/write.ts';
import type { OwnedPolicy, TrainablePolicy } from './policy.ts';

/** A weight in the vector of parameters. */
export interface WeightLayout {
  readonly name: string;
  readonly shape: readonly number[];
}

/**
 * Where a policy learns: `local` has parameters and gradients here, `server` trains where its model is, `none` only acts.
 */
export type TrainingPlace = 'local' | 'server' | 'none';

/** How a kind of policy is made from options. `Made` is `OwnedPolicy` for policies that only act. */
export interface PolicySpec<Options = unknown, Assets = unknown, Made extends OwnedPolicy = TrainablePolicy> {
  readonly id: string;
  readonly title: string;
  readonly schema: ZodType<Options>;
  /** Default: `local`. With `none`, commands that train refuse the policy before they start. */
  readonly training?: TrainingPlace;
  /**
   * Whether actions are chosen from lists or written as free text: what does not fit is then refused before a run
   * starts. Absent: found out when it is loaded.
   */
  readonly actions?: 'listed' | 'text';
  /** Whether weights can be kept in a file and set again on a fresh policy: needed for a warm start. */
  readonly restorable: boolean;
  /** What the policy needs to know of the texts it will read (a vocabulary). Plain JSON; cached. */
  assets(texts: readonly string[], options: Options): Assets | Promise<Assets>;
  /**
   * The files that options name and the policy reads (published weights, a tokenizer). They are part of a cell's identity.
   * A policy that is made from files needs no texts and no warm start. Absent: none.
   */
  files?(options: Options): readonly string[] | Promise<readonly string[]>;
  /** The weights in the order of the parameters, for checkpoints. Absent: the policy cannot be kept in one. */
  layout?(assets: Assets, options: Options): Promise<readonly WeightLayout[]>;
  /**
   * The policy as files of a folder in Hugging Face's format, which other programs load. Absent: its actions are not
   * those of a language model.
   */
  publish?(request: {
    readonly options: Options;
    readonly assets: Assets;
    readonly parameters: ArrayLike<number>;
    /** Positions that the model is said to be for, if its options do not say it. */
    readonly positions: number;
    /** Width of heads that other programs shall see. Default: the model's. */
    readonly headSize?: number | undefined;
  }): Promise<readonly FolderFile[]>;
  create(request: {
    readonly options: Options;
    readonly assets: Assets;
    readonly backend: string;
    /** For the initial weights. */
    readonly random: Random;
    /** Ends what the policy is waiting for. Policies that compute here need none. */
    readonly signal?: AbortSignal;
  }): Promise<Made>;
}

// biome-ignore lint/suspicious/noExplicitAny: a catalog holds specs of every options type
export type AnyPolicySpec = PolicySpec<any, any, OwnedPolicy>;

/** Where policies of a spec learn. */
export const trainingPlace = ({ training = 'local' }: Pick<AnyPolicySpec, 'training'>): TrainingPlace =>
  training;

/**
 * Checks that policies of a spec can be trained at all.
 * @throws InputError when they only act.
 */
export function checkTrains(spec: Pick<AnyPolicySpec, 'id' | 'training'>): void {
  if (trainingPlace(spec) !== 'none') return;
  throw new InputError(
    `policy ${spec.id} acts and does not learn; valid: a policy that is trained here, such as text-transformer, or by a server: tinker`,
  );
}

/**
 * What is read from the files that an option of a policy names.
 * @throws InputError as the reading does, the option in front.
 */
export async function ofOption<Value>(option: string, read: () => Value | Promise<Value>): Promise<Value> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    throw new InputError(`policy.options.${option}: ${error.message}`, { cause: error });
  }
}
