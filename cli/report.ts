import { join } from 'node:path';
import { Command } from 'commander';
import { unlistedNotices } from '../bench/runs/run-folder.ts';
import { CATALOG } from '../catalog.ts';
import { writeReport } from '../reports/report-file.ts';
import { type AnalysisFlags, addAnalysisOptions, toAnalysisOptions } from './analysis-options.ts';
import { tell } from './terminal.ts';

const EXAMPLES = `
Examples:
  creditbench report results/quick
  creditbench report results/monday results/tuesday --out both.html
  creditbench report results/quick audit-folder results/criticality

Folders are known by their files: output of 'creditbench run', 'audit --out' or 'criticality --out'. The page needs
no network and no other file. If a run was told to --keep-trees, a page of trees is written beside it. An algorithm that is in several runs is told apart by the folder's name. Results of
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
      const trees = await writeReport(folders, file, toAnalysisOptions(flags), CATALOG.algorithms);
      for (const notice of await unlistedNotices(folders)) tell(`note: ${notice}\n`);
      tell(`report: ${file}\n`);
      if (trees !== undefined) tell(`trees: ${trees}\n`);
    });
}
