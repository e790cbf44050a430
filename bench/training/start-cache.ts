import { createHash } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { writeFileAtomic } from '../../core/atomic-file.ts';
import { MAX_BYTES, readBounded } from '../../core/bounded-file.ts';
import type { CellContext } from '../cell.ts';
import type { StartingPoint } from './checkpoint.ts';

/**
 * Keeps a starting point: one line of JSON {sha256, assets}, then the parameters as float64, little-endian.
 * Never throws: where it cannot be kept, a notice says so.
 */
export async function writeStart(
  file: string,
  start: StartingPoint,
  { onNotice }: Pick<CellContext, 'onNotice'>,
): Promise<void> {
  const bytes = Buffer.from(Float64Array.from(start.parameters).buffer);
  const head = JSON.stringify({ sha256: checksum(start.assets, bytes), assets: start.assets });
  try {
    await mkdir(dirname(file), { recursive: true });
    await writeFileAtomic(file, Buffer.concat([Buffer.from(`${head}\n`), bytes]));
  } catch (error) {
    onNotice?.(`the warm start could not be cached in ${dirname(file)}: ${String(error)}`);
  }
}

/** What `writeStart` kept. Nothing, and a notice, where the file is damaged; nothing where there is none. */
export async function readStart(
  file: string,
  { onNotice }: Pick<CellContext, 'onNotice'>,
): Promise<StartingPoint | undefined> {
  try {
    const content = await readBounded(file, MAX_BYTES);
    const end = content.indexOf('\n');
    const head = JSON.parse(content.subarray(0, end).toString()) as { sha256: string; assets: unknown };
    const bytes = content.subarray(end + 1);
    if (head.sha256 !== checksum(head.assets, bytes)) throw new Error('its checksum does not match');
    return { assets: head.assets, parameters: new Float64Array(Uint8Array.from(bytes).buffer) };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined; // not cached yet
    onNotice?.(`the cached warm start ${file} is damaged and is made again: ${String(error)}`);
    return undefined;
  }
}

function checksum(assets: unknown, bytes: Buffer): string {
  return createHash('sha256').update(JSON.stringify(assets)).update(bytes).digest('hex');
}
