import { createHash } from 'node:crypto';
import { InputError } from '../../../core/errors.ts';
import type { TokenCodec } from '../../../policies/policy.ts';
import { tokenPieces } from '../../../policies/tokenizer/pieces.ts';
import type { Trajectory } from '../trajectory.ts';
import type { Where } from './checked.ts';
import type { ReadOptions } from './reader.ts';

/** Says each notice once. */
export function notices({ onNotice }: ReadOptions): (message: string) => void {
  const said = new Set<string>();
  return (message) => {
    if (said.has(message)) return;
    said.add(message);
    onNotice?.(message);
  };
}

/** Makes ids of the texts of a file that has no ids. */
export interface Tokeniser {
  /** Ids of what the policy read. */
  read(text: string, where: Where, field: string): readonly number[];
  /** Ids of the first prompt, where it is the one message of a user: in the model's chat template, if it has one. */
  opening(text: string, where: Where, field: string): readonly number[];
  /** Ids of what the policy wrote: at least one. */
  written(text: string, where: Where, field: string): readonly number[];
}

/**
 * Makes ids of the texts of a file with the tokenizer that the user names, and says so.
 * Each function throws an InputError naming the field and --tokenizer when there is none.
 */
export function tokeniser({ codec }: ReadOptions, notice: (message: string) => void): Tokeniser {
  const withCodec = (where: Where, field: string): TokenCodec => {
    if (codec === undefined) {
      throw new InputError(
        `${where}: ${field} is a text without token ids; valid: a file with ids, or --tokenizer FOLDER, which makes ids of texts`,
      );
    }
    notice(
      'token ids are missing and were made of the texts by the tokenizer: they may differ from those that were sampled, and special tokens that the file leaves out are missing',
    );
    return codec;
  };
  const encoded = (text: string, where: Where, field: string) => withCodec(where, field).encode(text);
  return {
    read: encoded,
    opening: (text, where, field) => {
      const own = withCodec(where, field);
      return own.opening === undefined ? own.encode(text) : own.opening(text);
    },
    written: (text, where, field) => {
      const ids = encoded(text, where, field);
      if (ids.length > 0) return ids;
      notice(
        'texts of actions that are empty stand as one token, id 0: a file of texts leaves out the end token',
      );
      return [0];
    },
  };
}

/** The trajectory with the texts that it lacks, and what each token adds to them, as the tokenizer spells its ids. */
export function withTexts(trajectory: Trajectory, { codec }: ReadOptions): Trajectory {
  if (codec === undefined) return trajectory;
  return {
    ...trajectory,
    turns: trajectory.turns.map((turn) => {
      const { observation, tokens } = turn;
      return {
        ...turn,
        ...(observation?.tokens === undefined || observation.text !== undefined
          ? {}
          : { observation: { ...observation, text: codec.decode(observation.tokens) } }),
        text: turn.text ?? codec.decode(tokens),
        pieces: turn.pieces ?? [...tokenPieces(tokens, codec)],
      };
    }),
  };
}

/** A short name for a text, the same for the same text. */
export const shortHash = (text: string): string =>
  createHash('sha256').update(text).digest('hex').slice(0, 16);
