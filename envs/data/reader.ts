import type { Fields } from '../scoring/json.ts';
import type { Context } from './fields.ts';
import type { QuestionRecord } from './record.ts';

/**
 * What a reader finds in a record, more than the rest of creditbench needs: for `inspect`.
 * @experimental
 */
export interface LoadedRecord extends QuestionRecord {
  /** Titles that the file calls gold but gives no paragraph of, each once; mostly []. */
  readonly goldWithoutParagraph: readonly string[];
  /** Optional fields of the format that this record lacks: 'level'. */
  readonly missing: readonly string[];
}

/** A record without its place in the file. */
export type Content = Omit<LoadedRecord, 'at'>;

/** Reads the records of one format. */
export interface QuestionReader {
  /** What a record looks like, for messages. */
  readonly expected: string;
  /** True when a record with these fields is of this format. Formats are tried in the order of `formats/index.ts`. */
  detects(fields: Fields): boolean;
  /**
   * @param index of the record in the file, from 0.
   * @throws InputError when a field is missing or of the wrong kind.
   */
  read(fields: Fields, context: Context, index: number): Content;
}
