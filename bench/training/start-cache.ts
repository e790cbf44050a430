import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { writeFileAtomic } from '../../core/atomic-file.ts';
import { MAX_BYTES } from '../../core/bounded-file.ts';
import type { CellContext } from '../cell.ts';
import { type FrameKind, readFramedFile, writeFramed } from '../framed.ts';
import type { StartingPoint } from './checkpoint.ts';

const START: FrameKind<{ readonly assets?: unknown }> = {
  what: 'starting point',
  schema: z.object({ assets: z.unknown() }),
  most: MAX_BYTES,
};

/**
 * Keeps a starting point: one line of JSON with its assets, then the parameters as float64, little-endian.
 * Never throws: where it cannot be kept, a notice says so.
 */
export async function writeStart(
  file: string,
  { assets = null, parameters }: StartingPoint,
  { onNotice }: Pick<CellContext, 'onNotice'>,
): Promise<void> {
  try {
    await mkdir(dirname(file), { recursive: true });
    const bytes = new Uint8Array(Float64Array.from(parameters).buffer);
    await writeFileAtomic(file, writeFramed(START, { assets }, [bytes]));
  } catch (error) {
    onNotice?.(`the warm start could not be cached in ${dirname(file)}: ${String(error)}`);
  }
}

/** What `writeStart` kept. Nothing, and a notice, where the file is damaged; nothing if there is none. */
export async function readStart(
  file: string,
  { onNotice }: Pick<CellContext, 'onNotice'>,
): Promise<StartingPoint | undefined> {
  try {
    const { head, payload } = await readFramedFile(START, file);
    return {
      assets: head.assets ?? undefined,
      parameters: new Float64Array(Uint8Array.from(payload).buffer),
    };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined; // not cached yet
    onNotice?.(`the cached warm start ${file} is damaged and is made again: ${String(error)}`);
    return undefined;
  }
}
