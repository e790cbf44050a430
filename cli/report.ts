import { dirname, join } from 'node:path';
import { Command } from 'commander';
import { makeWritable, writeFileAtomic } from '../bench/storage.ts';
import type { AnalysisOptions } from '../reports/analysis.ts';

const EXAMPLES = `
Examples:
  creditbench report results/quick
  creditbench report results/monday results/tuesday --out both.html
  creditbench report results/quick audit-folder results/criticality

Folders are known by their files: output of 'creditbench run', 'audit --out' or 'criticality --out'. The page needs
no network and no other file. An algorithm that is in several runs is told apart by the folder's name. Results of
one environment with different data, corpus or retrieval are not mixed, unless --allow-mixed says so.
`;

interface ReportFlags {
  readonly out?: string;
  readonly baseline?: string;
  readonly allowMixed?: boolean;
}

/** `creditbench report`: one HTML page over one or several runs. */
export function reportCommand(): Command {
  return new Command('report')
    .description('writes one HTML page over the results of one or several runs')
    .argument('<results...>', "output folders of 'creditbench run', 'audit' or 'criticality'")
    .option('--out <file>', 'where the page goes (default: report.html in the first folder)')
    .option('--baseline <name>', 'algorithm that the others are compared with (default: grpo)')
    .option('--allow-mixed', 'mixes results on different data or retrieval, too')
    .addHelpText('after', EXAMPLES)
    .action(async (folders: readonly string[], { out, baseline, allowMixed = false }: ReportFlags) => {
      const file = out ?? join(folders[0]!, 'report.html');
      await makeWritable('--out', dirname(file));
      await writeReport(folders, file, { allowMixed, ...(baseline === undefined ? {} : { baseline }) });
      process.stderr.write(`report: ${file}\n`);
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
  await writeFileAtomic(file, createReport(await readSources(folders), options));
}
