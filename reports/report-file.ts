import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { AnyAlgorithm } from '../algorithms/algorithm.ts';
import { RUN_FOLDER } from '../bench/runs/run-folder.ts';
import { makeWritable, writeFileAtomic } from '../core/atomic-file.ts';
import type { AnalysisOptions } from './analyzed.ts';

/**
 * Writes one HTML page over results, with charts, that needs no network and no other file.
 * @param folders output of `runSuite` or of `creditbench run`, `audit --out` or `criticality --out`; one or more.
 * If runs have kept trees (`RunOptions.keepTrees`), a page of them is written beside it, and linked: `trees.html`, or
 * `<name>-trees.html` if the page is not called report.html.
 * @param file where the page goes; its folder is created when absent.
 * @param algorithms whose credit on the kept trees is shown. Default: that of the runs, as trained, alone.
 * @returns the page of trees, if there is one.
 * @throws InputError naming the folder and file that is missing, damaged or of another version, a folder that is given
 *   twice, or results of one environment that cannot be compared.
 */
export async function writeReport(
  folders: readonly string[],
  file: string,
  options: AnalysisOptions = {},
  algorithms: readonly AnyAlgorithm[] = [],
): Promise<string | undefined> {
  // The plotting library takes a moment to load: who draws nothing does not wait for it.
  const [{ readSources }, { createReport }] = await Promise.all([
    import('./sources.ts'),
    import('./report.ts'),
  ]);
  const sources = await readSources(folders);
  await makeWritable('--out', dirname(file));
  const trees = await keptTrees(folders, file, algorithms);
  await writeFileAtomic(file, createReport(sources, options, trees && basename(trees)));
  return trees;
}

/** Writes the page of the trees that runs have kept, if any have. Returns where it is. */
async function keptTrees(
  folders: readonly string[],
  file: string,
  algorithms: readonly AnyAlgorithm[],
): Promise<string | undefined> {
  const runs = folders.filter((folder) => existsSync(join(folder, RUN_FOLDER.suite)));
  const [{ KEPT_NOTES, readShownTrees }, { writeTreePage }] = await Promise.all([
    import('./trees/kept.ts'),
    import('./trees/write.ts'),
  ]);
  const questions = await readShownTrees(runs, algorithms);
  if (questions.length === 0) return undefined;
  const name = basename(file).replace(/\.html?$/, '');
  const path = join(dirname(file), name === 'report' ? 'trees.html' : `${name}-trees.html`);
  const lead = 'Rollouts of the last training iteration as trees, token by token, colored by advantage.';
  await writeTreePage(path, { questions, lead, notes: KEPT_NOTES }, '--out');
  return path;
}
