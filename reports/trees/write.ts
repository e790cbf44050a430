import { dirname } from 'node:path';
import { makeWritable, writeFileAtomic } from '../../core/atomic-file.ts';
import type { TreePageInput } from './input.ts';
import { treePage } from './page.ts';

/**
 * Writes a page of trees, whole or not at all.
 * @param option names the file in messages: '--html'.
 * @throws InputError when its folder cannot be written.
 * @experimental
 */
export async function writeTreePage(file: string, input: TreePageInput, option = '--html'): Promise<void> {
  await makeWritable(option, dirname(file));
  await writeFileAtomic(file, treePage(input));
}
