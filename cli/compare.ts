import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { readResults } from '../bench/runs/results.ts';
import { unlistedNotices } from '../bench/runs/run-folder.ts';
import { makeWritable } from '../core/atomic-file.ts';
import { InputError } from '../core/errors.ts';
import { packageInfo } from '../core/package.ts';
import { printableJson } from '../core/printable.ts';
import { analyze } from '../reports/analysis.ts';
import { writeAnalysisFiles } from '../reports/csv.ts';
import { resultsJson } from '../reports/rows.ts';
import { type AnalysisFlags, addAnalysisOptions, toAnalysisOptions } from './analysis-options.ts';
import { COMPARISON_NAMES, comparisonTable, PAIR_NAMES, pairTable } from './comparison-tables.ts';
import { addTableOptions, layoutOf, type TableFlags } from './layout.ts';
import { print, tell } from './terminal.ts';

const EXAMPLES = `
Examples:
  creditbench compare results/quick
  creditbench compare results/monday results/tuesday
  creditbench compare results/quick --baseline rloo --threshold 0.4
  creditbench compare results/quick --anchor multihop/v1=0.12,1 --out results/compared

The first table has every algorithm; the second compares each with GRPO (or --baseline), and an algorithm that is
in several folders with itself, seed by seed. It is told apart by the folder's name. Results of one environment
with different data, corpus or retrieval are refused; --allow-mixed shows them side by side, but compares no pairs.
`;

interface CompareFlags extends AnalysisFlags, TableFlags {
  readonly json?: boolean;
  readonly out?: string;
}

/** `creditbench compare`: the comparison of one or several results folders, on stdout. */
export function compareCommand(): Command {
  const command = new Command('compare')
    .description('compares the results of one or several runs, in pairs of seeds')
    .argument('<results...>', "output folders of 'creditbench run'");
  return addTableOptions(addAnalysisOptions(command), [...new Set([...COMPARISON_NAMES, ...PAIR_NAMES])])
    .option('--json', 'prints the numbers of both tables as JSON: results.json')
    .option('--out <folder>', 'also writes comparison.csv, pairwise.csv, profiles.csv and others there')
    .addHelpText('after', EXAMPLES)
    .action(async (folders: readonly string[], flags: CompareFlags) => {
      if (flags.out !== undefined) {
        refuseResults(flags.out);
        await makeWritable('--out', flags.out);
      }
      const analysis = analyze(await readResults(folders), toAnalysisOptions(flags));
      if (flags.out !== undefined) await writeAnalysisFiles(flags.out, analysis);
      for (const notice of await unlistedNotices(folders)) tell(`note: ${notice}\n`);
      if (flags.json) {
        print(`${printableJson(JSON.parse(resultsJson(analysis, packageInfo().version)))}\n`);
        return;
      }
      const layout = layoutOf(flags);
      const tables = [comparisonTable(analysis.groups, layout), pairTable(analysis.pairs, layout)];
      print(`${tables.filter((table) => table !== '').join('\n\n')}\n`);
    });
}

/** A run's own files are not to be written over. */
function refuseResults(folder: string): void {
  if (existsSync(join(folder, 'suite.json'))) {
    throw new InputError(`--out: ${folder} holds the results of a run; valid: another folder`);
  }
}
