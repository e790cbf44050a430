import { JSONParser, TokenType } from '@streamparser/json';
import { InputError } from '../../../core/errors.ts';
import { advance, type Cursor, MAX_RECORD_BYTES, START, utf8Chunks } from './bytes.ts';
import type { RawRecord } from './raw-record.ts';

/** Deeper values are refused; the known files have 6 levels. */
const MAX_DEPTH = 100;

/**
 * Streams the members of a file's one JSON array or object, never the whole file in memory. The members of an
 * object come with their `key`.
 * @throws InputError on broken JSON (with line and column), a member of more than 16 MiB or 100 levels,
 *   invalid UTF-8.
 */
export async function* jsonMembers(path: string, signal?: AbortSignal): AsyncGenerator<RawRecord> {
  const parser = new JSONParser({ paths: ['$.*'], keepStack: false });
  let ready: RawRecord[] = [];
  let index = 0;
  let depth = 0;
  /** Offset of the last token between members. */
  let between = 0;
  let memberLine = 1;
  /** The cursor stands at the byte `cursorAt`. */
  let cursor = START;
  let cursorAt = 0;
  let chunk: Uint8Array = new Uint8Array(0);
  let chunkAt = 0;
  const moveTo = (offset: number): void => {
    if (offset <= cursorAt) return;
    cursor = advance(cursor, chunk.subarray(cursorAt - chunkAt, offset - chunkAt));
    cursorAt = offset;
  };
  let lastToken = 0;
  parser.onToken = ({ token, offset }) => {
    lastToken = offset;
    const opens = token === TokenType.LEFT_BRACE || token === TokenType.LEFT_BRACKET;
    if (depth <= 1) between = offset;
    if (depth === 1 && token !== TokenType.COMMA && token !== TokenType.COLON) {
      moveTo(offset);
      memberLine = cursor.line;
    }
    if (opens) depth += 1;
    else if (token === TokenType.RIGHT_BRACE || token === TokenType.RIGHT_BRACKET) depth -= 1;
    if (depth > MAX_DEPTH) {
      throw new InputError(
        `${path}, record ${index + 1} (line ${memberLine}): more than ${MAX_DEPTH} levels deep`,
      );
    }
  };
  parser.onValue = ({ value, key }) => {
    const at = `record ${index + 1} (line ${memberLine})`;
    ready.push(typeof key === 'string' ? { value, at, index, key } : { value, at, index });
    index += 1;
  };
  for await (chunk of utf8Chunks(path, signal)) {
    try {
      parser.write(chunk);
    } catch (error) {
      if (error instanceof InputError) throw error;
      moveTo(errorOffset(error, lastToken));
      throw new InputError(`${path}: broken JSON at line ${cursor.line}, column ${cursor.column}`);
    }
    yield* ready;
    ready = [];
    moveTo(chunkAt + chunk.length);
    chunkAt += chunk.length;
    if (depth > 0 && chunkAt - between > MAX_RECORD_BYTES) {
      throw new InputError(`${path}, record ${index + 1}: longer than ${MAX_RECORD_BYTES / 2 ** 20} MiB`);
    }
  }
  if (!parser.isEnded) {
    throw new InputError(`${path}: broken JSON: the file ends at line ${cursor.line} in record ${index + 1}`);
  }
}

/** Where a text stops being JSON: after `from`; its end when it is only incomplete. */
export function brokenJsonAt(bytes: Uint8Array, from: Cursor): Cursor {
  const parser = new JSONParser({ paths: ['$'] });
  let lastToken = 0;
  parser.onToken = ({ offset }) => {
    lastToken = offset;
  };
  parser.onValue = () => {};
  try {
    parser.write(bytes);
  } catch (error) {
    return advance(from, bytes.subarray(0, errorOffset(error, lastToken)));
  }
  return advance(from, bytes);
}

/** A wrong character is named in the tokenizer's message; a token in the wrong place is the last one seen. */
function errorOffset(error: unknown, lastToken: number): number {
  const position = /absolute position "(\d+)"/.exec(error instanceof Error ? error.message : '')?.[1];
  return position === undefined ? lastToken : Number(position);
}
