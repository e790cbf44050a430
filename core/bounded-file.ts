import type { Stats } from 'node:fs';
import { open, stat } from 'node:fs/promises';

/** Bytes of a file that is read as one text, at most: a string of Node has 2^29 characters. */
export const MAX_TEXT = 500 * 2 ** 20;
/** Bytes of any other file, at most: weights. */
export const MAX_BYTES = 2 ** 31;

/** What is read at once, in bytes. */
const CHUNK = 2 ** 20;

/**
 * Reads a whole file that others may have written. Its size is looked at before memory is taken, and counted while
 * it is read: a file may grow, and a pipe tells no size. Pipes and devices are refused, because they may never end,
 * unless a shell hands them over (below /dev).
 * @param most bytes.
 * @throws Error saying that it is too large or not a file, or the file system's error.
 */
export async function readBounded(path: string, most: number): Promise<Buffer> {
  const found = await statFile(path);
  if (found.size > most) throw new Error(`${found.size} bytes; valid: at most ${most}`);
  const file = await open(path);
  try {
    const chunks: Buffer[] = [];
    let length = 0;
    for (;;) {
      // One byte more than it says: the end is met at once.
      const size = Math.min(CHUNK, Math.max(found.size - length + 1, 4096));
      const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(size), 0, size, null);
      if (bytesRead === 0) return Buffer.concat(chunks, length);
      length += bytesRead;
      if (length > most) throw new Error(`more than ${most} bytes; valid: at most ${most}`);
      chunks.push(buffer.subarray(0, bytesRead));
    }
  } finally {
    await file.close();
  }
}

/** As `readBounded`, as text. */
export async function readBoundedText(path: string, most: number = MAX_TEXT): Promise<string> {
  return (await readBounded(path, most)).toString('utf8');
}

/** The first bytes of such a file, at most so many. */
export async function readBeginning(path: string, most: number): Promise<Buffer> {
  await statFile(path);
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(most), 0, most, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

async function statFile(path: string): Promise<Stats> {
  const found = await stat(path);
  if (found.isDirectory())
    throw Object.assign(new Error(`${path}: a folder, not a file`), { code: 'EISDIR' });
  if (!found.isFile() && !path.startsWith('/dev/')) throw new Error('not a file');
  return found;
}

/** Why a file could not be read, in a word or a few: the system's code if there is one. */
export function readProblem(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return code === 'EISDIR' ? 'a folder, not a file' : (code ?? message);
}
