import { createHash, randomUUID } from 'node:crypto';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { readBoundedText } from '../../core/bounded-file.ts';

const envelopeSchema = z.object({ sha256: z.string(), key: z.string(), content: z.string() });

/** SHA-256 in hexadecimal. */
export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** Where the cache file of a key lies. */
export function cachePath(directory: string, key: string): string {
  return join(directory, `multihop-${sha256(key).slice(0, 16)}.json`);
}

/**
 * Reads what was cached under `key`, or builds and caches it. A file that is cut off, changed or of another
 * key is told and built anew; a folder that cannot be written is told, and the result used without a cache.
 * @param key what the content depends on (versions).
 * @param build makes the content anew. The same key must give the same text.
 * @param onNotice is told in one sentence what went wrong with the cache.
 */
export async function cached({
  directory,
  key,
  build,
  onNotice,
}: {
  directory: string;
  key: string;
  build: () => string;
  onNotice?: ((message: string) => void) | undefined;
}): Promise<string> {
  const path = cachePath(directory, key);
  const known = await readChecked(path, key, onNotice);
  if (known !== undefined) return known;
  const content = build();
  await writeAtomically(path, directory, { sha256: sha256(content), key, content }, onNotice);
  return content;
}

async function readChecked(
  path: string,
  key: string,
  onNotice?: (message: string) => void,
): Promise<string | undefined> {
  let text: string;
  try {
    text = await readBoundedText(path);
  } catch (error) {
    if (!isMissing(error))
      onNotice?.(`multihop cache ${path} cannot be read, building anew: ${reason(error)}`);
    return undefined;
  }
  try {
    const envelope = envelopeSchema.parse(JSON.parse(text));
    if (envelope.key === key && envelope.sha256 === sha256(envelope.content)) return envelope.content;
  } catch {
    // Cut off or no cache file at all: told below like a wrong checksum.
  }
  onNotice?.(`multihop cache ${path} is damaged, building anew`);
  return undefined;
}

async function writeAtomically(
  path: string,
  directory: string,
  envelope: z.infer<typeof envelopeSchema>,
  onNotice?: (message: string) => void,
): Promise<void> {
  // Two processes may build at once: each writes its own file, and the last to be renamed stays.
  const temporary = `${path}.${randomUUID()}.tmp`;
  try {
    await mkdir(directory, { recursive: true });
    await writeFile(temporary, JSON.stringify(envelope));
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    onNotice?.(`multihop cache ${path} cannot be written, going on without: ${reason(error)}`);
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
