import { dirname } from 'node:path';
import { makeWritable, writeFileAtomic } from '../core/atomic-file.ts';
import type { AnalysisOptions } from './analyzed.ts';

/**
 * Writes one HTML page over results, with charts, that needs no network and no other file.
 * @param folders output of `runSuite` or of `creditbench run`, `audit --out` or `criticality --out`; one or more.
 * @param file where the page goes; its folder is created when absent.
 * @throws InputError naming the folder and file that is missing, damaged or of another version, a folder that is given
 *   twice, or results of one environment that cannot be compared.
 */
export async function writeReport(
  folders: readonly string[],
  file: string,
  options: AnalysisOptions = {},
): Promise<void> {
  // The plotting library takes a moment to load: who draws nothing does not wait for it.
  const [{ readSources }, { createReport }] = await Promise.all([
    import('./sources.ts'),
    import('./report.ts'),
  ]);
  const sources = await readSources(folders);
  await makeWritable('--out', dirname(file));
  await writeFileAtomic(file, createReport(sources, options));
}
