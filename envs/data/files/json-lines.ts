import { InputError } from '../../../core/errors.ts';
import { MAX_RECORD_BYTES, START, utf8Chunks } from './bytes.ts';
import { brokenJsonAt } from './json-stream.ts';
import type { RawRecord } from './raw-record.ts';

const NEWLINE = 10;

/**
 * Streams a file of one JSON value a line. Blank lines are skipped.
 * @throws InputError on broken JSON (with line and column), a line of more than 16 MiB, invalid UTF-8.
 */
export async function* jsonLines(path: string, signal?: AbortSignal): AsyncGenerator<RawRecord> {
  const decoder = new TextDecoder();
  /** The pieces of a line that is not complete yet. */
  let pieces: Uint8Array[] = [];
  let length = 0;
  let line = 1;
  let index = 0;
  const take = (end: Uint8Array): RawRecord | undefined => {
    const bytes = pieces.length === 0 ? end : Buffer.concat([...pieces, end]);
    pieces = [];
    length = 0;
    const text = decoder.decode(bytes);
    if (text.trim() === '') return undefined;
    return { value: parseLine(path, line, text, bytes), at: `line ${line}`, index: index++ };
  };
  for await (const chunk of utf8Chunks(path, signal)) {
    let from = 0;
    for (let at = chunk.indexOf(NEWLINE); at !== -1; at = chunk.indexOf(NEWLINE, from)) {
      const record = take(chunk.subarray(from, at));
      if (record !== undefined) yield record;
      line += 1;
      from = at + 1;
    }
    if (from < chunk.length) pieces.push(chunk.subarray(from));
    length += chunk.length - from;
    if (length > MAX_RECORD_BYTES) {
      throw new InputError(`${path}, line ${line}: longer than ${MAX_RECORD_BYTES / 2 ** 20} MiB`);
    }
  }
  const record = take(new Uint8Array(0));
  if (record !== undefined) yield record;
}

function parseLine(path: string, line: number, text: string, bytes: Uint8Array): unknown {
  try {
    return JSON.parse(text);
  } catch {
    const { column } = brokenJsonAt(bytes, START);
    throw new InputError(`${path}, line ${line}: broken JSON at column ${column}`);
  }
}
