import { dirname, join } from 'node:path';
import { Command } from 'commander';
import { unlistedNotices } from '../bench/runs/run-folder.ts';
import { makeWritable, writeFileAtomic } from '../core/atomic-file.ts';
import type { AnalysisOptions } from '../reports/analyzed.ts';
import { type AnalysisFlags, addAnalysisOptions, toAnalysisOptions } from './analysis-options.ts';
import { tell } from './terminal.ts';

const EXAMPLES = `
Examples:
  creditbench report results/quick
  creditbench report results/monday results/tuesday --out both.html
  creditbench report results/quick audit-folder results/criticality

Folders are known by their files: output of 'creditbench run', 'audit --out' or 'criticality --out'. The page needs
no network and no other file. An algorithm that is in several runs is told apart by the folder's name. Results of
one environment with different data, corpus or retrieval are not mixed, unless --allow-mixed says so.
`;

interface ReportFlags extends AnalysisFlags {
  readonly out?: string;
}

/** `creditbench report`: one HTML page over one or several runs. */
export function reportCommand(): Command {
  const command = new Command('report')
    .description('writes one HTML page over the results of one or several runs')
    .argument('<results...>', "output folders of 'creditbench run', 'audit' or 'criticality'");
  return addAnalysisOptions(command)
    .option('--out <file>', 'where the page goes (default: report.html in the first folder)')
    .addHelpText('after', EXAMPLES)
    .action(async (folders: readonly string[], flags: ReportFlags) => {
      const file = flags.out ?? join(folders[0]!, 'report.html');
      await writeReport(folders, file, toAnalysisOptions(flags));
      for (const notice of await unlistedNotices(folders)) tell(`note: ${notice}\n`);
      tell(`report: ${file}\n`);
    });
}

/** Writes the report over folders to a file. */
export async function writeReport(
  folders: readonly string[],
  file: string,
  options: AnalysisOptions = {},
): Promise<void> {
  // The plotting library takes a moment to load: commands that draw nothing do not wait for it.
  const [{ readSources }, { createReport }] = await Promise.all([
    import('../reports/sources.ts'),
    import('../reports/report.ts'),
  ]);
  const sources = await readSources(folders);
  await makeWritable('--out', dirname(file));
  await writeFileAtomic(file, createReport(sources, options));
}
