import { Command } from 'commander';
import { readResults } from '../bench/results.ts';
import { compare } from '../reports/comparison.ts';
import { comparisonTable } from './table.ts';

const EXAMPLES = `
Examples:
  creditbench compare results/quick
  creditbench compare results/monday results/tuesday

An algorithm that is in several folders is told apart by the folder's name. Results of one environment with
different data, corpus or retrieval are not compared, unless --allow-mixed says so.
`;

/** `creditbench compare`: the comparison of one or several results folders, on stdout. */
export function compareCommand(): Command {
  return new Command('compare')
    .description('compares the results of one or several runs')
    .argument('<results...>', "output folders of 'creditbench run'")
    .option('--allow-mixed', 'compares results on different data or retrieval, too')
    .addHelpText('after', EXAMPLES)
    .action(async (folders: readonly string[], { allowMixed = false }: { allowMixed?: boolean }) => {
      const rows = compare(await readResults(folders), { allowMixed });
      process.stdout.write(`${comparisonTable(rows, !process.stdout.isTTY)}\n`);
    });
}
