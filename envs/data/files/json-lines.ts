import { InputError } from '../../../core/errors.ts';
import { MAX_RECORD_BYTES, START, utf8Chunks } from './bytes.ts';
import { brokenJsonAt } from './json-stream.ts';
import type { RawRecord } from './raw-record.ts';

const NEWLINE = 10;

/** A line of a file, without its end. */
export interface TextLine {
  readonly text: string;
  /** From 1. */
  readonly line: number;
}

/**
 * Streams a file of one JSON value a line. Blank lines are skipped.
 * @throws InputError on broken JSON (with line and column), a line of more than 16 MiB, invalid UTF-8.
 */
export async function* jsonLines(path: string, signal?: AbortSignal): AsyncGenerator<RawRecord> {
  let index = 0;
  for await (const one of textLines(path, signal)) {
    yield { value: parseJsonLine(path, one), at: `line ${one.line}`, index: index++ };
  }
}

/**
 * Streams the lines of a file that are not blank.
 * @throws InputError on a line of more than 16 MiB, invalid UTF-8.
 */
export async function* textLines(path: string, signal?: AbortSignal): AsyncGenerator<TextLine> {
  const decoder = new TextDecoder();
  /** The pieces of a line that is not complete yet. */
  let pieces: Uint8Array[] = [];
  let length = 0;
  let line = 1;
  const take = (end: Uint8Array): TextLine | undefined => {
    const text = decoder.decode(pieces.length === 0 ? end : Buffer.concat([...pieces, end]));
    pieces = [];
    length = 0;
    return text.trim() === '' ? undefined : { text, line };
  };
  for await (const chunk of utf8Chunks(path, signal)) {
    let from = 0;
    for (let at = chunk.indexOf(NEWLINE); at !== -1; at = chunk.indexOf(NEWLINE, from)) {
      const one = take(chunk.subarray(from, at));
      if (one !== undefined) yield one;
      line += 1;
      from = at + 1;
    }
    if (from < chunk.length) pieces.push(chunk.subarray(from));
    length += chunk.length - from;
    if (length > MAX_RECORD_BYTES) {
      throw new InputError(`${path}, line ${line}: longer than ${MAX_RECORD_BYTES / 2 ** 20} MiB`);
    }
  }
  const one = take(new Uint8Array(0));
  if (one !== undefined) yield one;
}

/** @throws InputError on broken JSON, with the column; Python's NaN and Infinity are named. */
export function parseJsonLine(path: string, { text, line }: TextLine): unknown {
  try {
    return JSON.parse(text);
  } catch {
    const { column } = brokenJsonAt(Buffer.from(text), START);
    const found = /^.?(NaN|-?Infinity)/u.exec(
      [...text.slice(0, 2 * column + 10)].slice(Math.max(0, column - 2)).join(''),
    );
    const what = found === null ? '' : ` (${found[1]}; valid: finite numbers)`;
    throw new InputError(`${path}, line ${line}: broken JSON at column ${column}${what}`);
  }
}
