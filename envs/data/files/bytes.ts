import { isUtf8 } from 'node:buffer';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { InputError } from '../../../core/errors.ts';

/** The longest record, line or row that is read, in bytes: 16 MiB. The longest of the known files is below 1 MiB. */
export const MAX_RECORD_BYTES = 16 * 2 ** 20;

const CHUNK_BYTES = 2 ** 18;
const NEWLINE = 10;

/** A place in a text, both numbers from 1. Columns count characters. */
export interface Cursor {
  readonly line: number;
  readonly column: number;
}

/** Where a text begins. */
export const START: Cursor = { line: 1, column: 1 };

/** Where the cursor stands after these bytes of UTF-8. */
export function advance(cursor: Cursor, bytes: Uint8Array): Cursor {
  let { line, column } = cursor;
  let from = 0;
  for (let at = bytes.indexOf(NEWLINE); at !== -1; at = bytes.indexOf(NEWLINE, from)) {
    line += 1;
    column = 1;
    from = at + 1;
  }
  for (let i = from; i < bytes.length; i += 1) {
    if ((bytes[i]! & 0xc0) !== 0x80) column += 1;
  }
  return { line, column };
}

/**
 * Opens a file for reading.
 * @throws InputError when there is none, it is empty, not a plain file, or may not be read.
 */
export async function openFile(path: string): Promise<{ handle: FileHandle; size: number }> {
  let handle: FileHandle | undefined;
  try {
    // Opening a pipe would wait for its writer: look first.
    const found = await stat(path);
    if (!found.isFile()) {
      throw new InputError(
        `${path}: ${found.isDirectory() ? 'a folder' : 'not a plain file'}; valid: a file`,
      );
    }
    handle = await open(path, 'r');
    if (found.size === 0) throw new InputError(`${path}: the file is empty`);
    return { handle, size: found.size };
  } catch (error) {
    await handle?.close();
    if (error instanceof InputError) throw error;
    const code = error instanceof Error && 'code' in error ? String(error.code) : undefined;
    // A path with a zero byte.
    if (code === 'ERR_INVALID_ARG_VALUE') throw new InputError(`${JSON.stringify(path)}: not a valid path`);
    if (code === undefined || code.startsWith('ERR_')) throw error;
    const why = code === 'ENOENT' ? 'no such file' : `cannot be read (${code})`;
    throw new InputError(`${path}: ${why}`, { cause: error });
  }
}

/**
 * Streams a UTF-8 file in pieces that end between characters, without a leading byte order mark.
 * @throws InputError on a file that cannot be read, is empty, or is no UTF-8, with the line.
 */
export async function* utf8Chunks(path: string, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
  const { handle } = await openFile(path);
  try {
    let cursor = START;
    let kept: Uint8Array = new Uint8Array(0);
    let first = true;
    for (;;) {
      signal?.throwIfAborted();
      const buffer = new Uint8Array(kept.length + CHUNK_BYTES);
      buffer.set(kept);
      const { bytesRead } = await handle.read(buffer, kept.length, CHUNK_BYTES, null);
      const filled = buffer.subarray(0, kept.length + bytesRead);
      const end = bytesRead === 0 ? filled.length : wholeCharacters(filled);
      let chunk = filled.subarray(0, end);
      kept = filled.slice(end);
      if (!isUtf8(chunk)) throw new InputError(`${path}, line ${badLine(chunk, cursor)}: invalid UTF-8`);
      cursor = advance(cursor, chunk);
      if (first && chunk[0] === 0xef && chunk[1] === 0xbb && chunk[2] === 0xbf) chunk = chunk.subarray(3);
      if (chunk.length > 0) {
        first = false;
        yield chunk;
      }
      if (bytesRead === 0) return;
    }
  } finally {
    await handle.close();
  }
}

/** How many of the bytes come before a character that the next piece completes. */
function wholeCharacters(bytes: Uint8Array): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back += 1) {
    const byte = bytes[bytes.length - back]!;
    if ((byte & 0xc0) === 0x80) continue;
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return length > back ? bytes.length - back : bytes.length;
  }
  return bytes.length;
}

function badLine(chunk: Uint8Array, { line }: Cursor): number {
  let from = 0;
  for (;;) {
    const at = chunk.indexOf(NEWLINE, from);
    if (at === -1 || !isUtf8(chunk.subarray(from, at))) return line;
    line += 1;
    from = at + 1;
  }
}
