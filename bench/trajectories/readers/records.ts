import { extname } from 'node:path';
import { InputError } from '../../../core/errors.ts';
import { START, utf8Chunks } from '../../../envs/data/files/bytes.ts';
import { jsonLines } from '../../../envs/data/files/json-lines.ts';
import { brokenJsonAt, jsonMembers } from '../../../envs/data/files/json-stream.ts';
import type { RawRecord } from '../../../envs/data/files/raw-record.ts';

/** A file that is one JSON object, in bytes, at most: it is read whole. */
const MAX_DOCUMENT_BYTES = 2 ** 27;

/**
 * The records of a file of JSON: one a line, the members of one array, or the one object that the file is (its name ends in
 * .json, or a line ends after its bracket).
 * @throws InputError on what is not JSON, with the line; a line or member of more than 16 MiB, one object of more than 128.
 */
export async function* jsonRecords(path: string, signal?: AbortSignal): AsyncGenerator<RawRecord> {
  const start = await beginning(path, signal);
  if (start.startsWith('[')) yield* jsonMembers(path, signal);
  else if (
    !start.startsWith('{') ||
    !(/^\{[ \t\r]*\n/.test(start) || extname(path).toLowerCase() === '.json')
  ) {
    yield* jsonLines(path, signal);
  } else {
    const text = await whole(path, signal);
    const value = text === undefined ? undefined : document(path, text);
    if (value === undefined) yield* jsonLines(path, signal);
    else yield { value, at: 'the object', index: 0 };
  }
}

/** The first piece of a file that is not blank, from its first character on. */
async function beginning(path: string, signal?: AbortSignal): Promise<string> {
  for await (const chunk of utf8Chunks(path, signal)) {
    const start = chunk.findIndex((byte) => byte !== 32 && byte !== 9 && byte !== 10 && byte !== 13);
    if (start !== -1) return Buffer.from(chunk.subarray(start, start + 100)).toString('latin1');
  }
  throw new InputError(`${path}: the file is blank`);
}

/** The text of a file that may be one object; undefined if it is too large for that. */
async function whole(path: string, signal?: AbortSignal): Promise<string | undefined> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of utf8Chunks(path, signal)) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > MAX_DOCUMENT_BYTES) return undefined;
  }
  return Buffer.concat(chunks, length).toString('utf8');
}

/** The object that the text is; undefined if it is lines. */
function document(path: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    const end = text.trimStart().indexOf('\n');
    if (end !== -1) {
      try {
        JSON.parse(text.trimStart().slice(0, end));
        return undefined;
      } catch {
        // Not lines either.
      }
    }
    const { line, column } = brokenJsonAt(Buffer.from(text), START);
    throw new InputError(`${path}, line ${line}: broken JSON at column ${column}`);
  }
}
