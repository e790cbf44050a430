import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { readResults } from '../bench/results.ts';
import type { Anchors } from '../bench/stats/anchors.ts';
import { makeWritable } from '../bench/storage.ts';
import { InputError } from '../core/errors.ts';
import { analyze } from '../reports/analysis.ts';
import { writeAnalysisFiles } from '../reports/csv.ts';
import { collect, decimalIn, wholeNumber } from './options.ts';
import { comparisonTable, pairTable } from './table.ts';

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

interface CompareFlags {
  readonly allowMixed?: boolean;
  readonly baseline?: string;
  readonly threshold?: number;
  readonly anchor?: readonly string[];
  readonly bootstrapSeed: number;
  readonly out?: string;
}

/** `creditbench compare`: the comparison of one or several results folders, on stdout. */
export function compareCommand(): Command {
  return new Command('compare')
    .description('compares the results of one or several runs, in pairs of seeds')
    .argument('<results...>', "output folders of 'creditbench run'")
    .option('--baseline <name>', 'algorithm that the others are compared with (default: GRPO)')
    .option(
      '--threshold <F1>',
      'counts the iterations until dev F1 is at least this, 0 to 1',
      decimalIn('--threshold', 0, 1),
    )
    .option(
      '--anchor <environment=random,oracle>',
      'dev F1 of the random and the best policy, for the optimality gap; may be given more than once',
      collect,
    )
    .option(
      '--bootstrap-seed <n>',
      'seed of the bootstrap',
      wholeNumber('--bootstrap-seed', 0, Number.MAX_SAFE_INTEGER),
      0,
    )
    .option('--out <folder>', 'also writes comparison.csv, pairwise.csv, profiles.csv and others there')
    .option('--allow-mixed', 'shows results on different data or retrieval, too')
    .addHelpText('after', EXAMPLES)
    .action(async (folders: readonly string[], flags: CompareFlags) => {
      if (flags.out !== undefined) {
        refuseResults(flags.out);
        await makeWritable('--out', flags.out);
      }
      const analysis = analyze(await readResults(folders), {
        allowMixed: flags.allowMixed ?? false,
        ...(flags.baseline === undefined ? {} : { baseline: flags.baseline }),
        ...(flags.threshold === undefined ? {} : { threshold: flags.threshold }),
        anchors: parseAnchors(flags.anchor ?? []),
        seed: flags.bootstrapSeed,
      });
      if (flags.out !== undefined) await writeAnalysisFiles(flags.out, analysis);
      const ascii = !process.stdout.isTTY;
      const tables = [comparisonTable(analysis.groups, ascii), pairTable(analysis.pairs, ascii)];
      process.stdout.write(`${tables.filter((table) => table !== '').join('\n\n')}\n`);
    });
}

/** A run's own files are not to be written over. */
function refuseResults(folder: string): void {
  if (existsSync(join(folder, 'suite.json'))) {
    throw new InputError(`--out: ${folder} holds the results of a run; valid: another folder`);
  }
}

/** 'multihop/v1=0.12,1' as anchors of that environment. */
function parseAnchors(texts: readonly string[]): Readonly<Record<string, Anchors>> {
  return Object.fromEntries(
    texts.map((text) => {
      const match = /^([^=]+)=([^,]+),([^,]+)$/.exec(text);
      const [random, oracle] = [Number(match?.[2]), Number(match?.[3])];
      if (!(random >= 0 && random < oracle && oracle <= 1)) {
        throw new InputError(
          `--anchor: '${text}' is not valid; valid: environment=random,oracle with 0 <= random < oracle <= 1`,
        );
      }
      return [match![1]!, { random, oracle }];
    }),
  );
}
