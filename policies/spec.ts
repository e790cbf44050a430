import type { ZodType } from 'zod';
import type { Random } from '../core/random.ts';
import type { FolderFile } from './hugging-face/write.ts';
import type { TrainablePolicy } from './policy.ts';

/** A weight in the vector of parameters. */
export interface WeightLayout {
  readonly name: string;
  readonly shape: readonly number[];
}

/** How a kind of policy is made from options. */
export interface PolicySpec<Options = unknown, Assets = unknown> {
  readonly id: string;
  readonly title: string;
  readonly schema: ZodType<Options>;
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
   * The files that options name and the policy starts from (published weights). They are part of a cell's identity, and
   * the policy needs no texts and no warm start then. Absent: none.
   */
  files?(options: Options): Promise<readonly string[]>;
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
  }): Promise<TrainablePolicy>;
}

// biome-ignore lint/suspicious/noExplicitAny: a catalog holds specs of every options type
export type AnyPolicySpec = PolicySpec<any, any>;
