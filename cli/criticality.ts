import { join } from 'node:path';
import { Command } from 'commander';
import { blaming } from '../bench/catalog/blame.ts';
import type { Catalog } from '../bench/catalog/catalog.ts';
import { type CriticalitySettings, runCriticality } from '../bench/criticality/run.ts';
import { type CriticalityTables, tableCsv } from '../bench/criticality/tables.ts';
import { makeWritable, writeFileAtomic } from '../core/atomic-file.ts';
import { InputError } from '../core/errors.ts';
import { printableJson } from '../core/printable.ts';
import { algorithmOptions } from './algorithm-options.ts';
import { checkBackend } from './backends.ts';
import { CRITICALITY_NAMES, criticalityText } from './criticality-text.ts';
import { addTableOptions, layoutOf, type TableFlags } from './layout.ts';
import { DEFAULT_CACHE, wholeNumber } from './options.ts';
import { catalogWith } from './own-code.ts';
import { print, retell, tell } from './terminal.ts';

interface CriticalityFlags extends TableFlags {
  readonly algorithm: string;
  readonly options?: string;
  readonly environment: string;
  readonly policy: string;
  readonly split: string;
  readonly questions?: number;
  readonly samples: number;
  readonly threshold: number;
  readonly seed: number;
  readonly out: string;
  readonly cache: string;
  readonly backend?: string;
  readonly json?: boolean;
  readonly training?: boolean;
  readonly ablation?: boolean;
  readonly correlated?: boolean;
  readonly iterations: number;
  readonly seeds: number;
  readonly early: number;
}

const EXAMPLES = `
Examples:
  creditbench criticality                              the paper's Fig. 2 on multihop, about a minute
  creditbench criticality --questions 300 --samples 0  more questions, exact values only
  creditbench criticality --training --correlated      and two of the checks
  creditbench criticality --training --algorithm ppo --options '{kl: 0.1}'
  creditbench criticality --environment stop-or-search --policy tabular

Criticality of a state: the standard deviation of the outcome over the action taken there, the policy taking its
most likely action afterwards (arXiv 2512.04949, Eq. 5). Files: states.csv, histogram.csv (Fig. 2a),
entropy-histogram.csv (Fig. 2b), prediction.csv, groups.csv, sampling.csv; training.csv (--training),
ablation.csv and ablation-difference.csv (--ablation), correlated.csv (--correlated).
`;

/** `creditbench criticality`: where decisions matter, and whether entropy predicts it. */
export function criticalityCommand(setExitCode: (code: number) => void): Command {
  const command = new Command('criticality')
    .description('measures criticality of states and how well entropy predicts it')
    .option(
      '--environment <id or file>',
      'environment whose states can be enumerated; a file is code that runs with your rights',
      'multihop',
    )
    .option('--policy <id or file>', 'policy, at its warm start', 'transformer')
    .option('--split <name>', 'questions to measure: train, dev or test', 'dev')
    .option('--questions <n>', 'number of questions (default: 70)', wholeNumber('--questions', 1, 1_000_000))
    .option(
      '--samples <k>',
      'sampled actions per state; 0: exact values only',
      wholeNumber('--samples', 0, 10_000),
      16,
    )
    .option('--threshold <c>', 'criticality above this is high', decimal('--threshold'), 0.4)
    .option('--seed <n>', 'seed', wholeNumber('--seed', 0, Number.MAX_SAFE_INTEGER), 0)
    .option('--training', 'also: along a training, on held-out questions')
    .option('--algorithm <id or file>', 'what --training trains with', 'carl')
    .option('--options <yaml>', "options of that algorithm: '{kl: 0.1}'")
    .option('--ablation', 'also: early actions that were not forked, filtered or kept; minutes per seed')
    .option('--correlated', 'also: siblings sampled on a shared random stream, on stop-or-search')
    .option(
      '--iterations <n>',
      'training iterations of the checks',
      wholeNumber('--iterations', 1, 100_000),
      20,
    )
    .option('--seeds <n>', 'training seeds of --ablation', wholeNumber('--seeds', 1, 1000), 3)
    .option('--early <n>', 'actions at a depth below this are early', wholeNumber('--early', 1, 1000), 2)
    .option('--out <folder>', 'where the files go', join('results', 'criticality'))
    .option('--cache <folder>', 'where data and starting weights are kept', DEFAULT_CACHE)
    .option('--backend <name>', 'tensor backend (see: creditbench doctor; default: wasm)')
    .option('--json', 'prints all tables but the states as JSON');
  return addTableOptions(command, CRITICALITY_NAMES)
    .addHelpText('after', EXAMPLES)
    .action(async (flags: CriticalityFlags) => setExitCode(await criticality(flags)));
}

async function criticality(flags: CriticalityFlags): Promise<number> {
  const catalog = await catalogWith([
    { kind: 'environment', option: '--environment', names: [flags.environment] },
    { kind: 'policy', option: '--policy', names: [flags.policy] },
    { kind: 'algorithm', option: '--algorithm', names: [flags.algorithm] },
  ]);
  return blaming(catalog, () => measure(flags, catalog));
}

async function measure(flags: CriticalityFlags, catalog: Catalog): Promise<number> {
  const settings = await readFlags(flags, catalog);
  await makeWritable('--out', flags.out);
  const controller = new AbortController();
  const stop = () => controller.abort();
  process.once('SIGINT', stop);
  let tables: CriticalityTables;
  try {
    tables = await runCriticality(settings, catalog, {
      cacheDirectory: flags.cache,
      signal: controller.signal,
      onNotice: (message) => tell(`${message}\n`),
      onProgress: ({ stage }) => {
        if (process.stderr.isTTY) retell(stage);
      },
    });
  } catch (error) {
    if (!controller.signal.aborted) throw error;
    tell('stopped: nothing was written\n');
    return 130;
  } finally {
    process.off('SIGINT', stop);
    if (process.stderr.isTTY) retell('');
  }
  for (const [name, table] of Object.entries(tables)) {
    await writeFileAtomic(join(flags.out, `${name}.csv`), tableCsv(table));
  }
  print(flags.json ? asJson(settings, tables) : criticalityText(tables, layoutOf(flags)));
  const names = Object.keys(tables).map((name) => `${name}.csv`);
  tell(`files: ${join(flags.out, names[0]!)}, ${names.slice(1).join(', ')}\n`);
  return 0;
}

async function readFlags(flags: CriticalityFlags, catalog: Catalog): Promise<CriticalitySettings> {
  const { environment, policy, algorithm, samples, threshold, seed, iterations, seeds, early } = flags;
  if (!['train', 'dev', 'test'].includes(flags.split)) {
    throw new InputError(`--split: '${flags.split}' is not known; valid: train, dev, test`);
  }
  return {
    environment,
    policy,
    algorithm,
    options: algorithmOptions(catalog.algorithm(algorithm), flags.options).given,
    samples,
    threshold,
    seed,
    iterations,
    seeds,
    early,
    backend: await checkBackend(flags.backend),
    split: flags.split as CriticalitySettings['split'],
    training: flags.training ?? false,
    ablation: flags.ablation ?? false,
    correlated: flags.correlated ?? false,
    ...(flags.questions === undefined ? {} : { questions: flags.questions }),
  };
}

function decimal(option: string): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() === '' || !Number.isFinite(value) || value < 0) {
      throw new InputError(
        `${option}: '${text}' is not valid; valid: number from 0 to below half the range of returns`,
      );
    }
    return value;
  };
}

/** Settings, and every table but the states by the name of its file. */
function asJson(settings: CriticalitySettings, tables: CriticalityTables): string {
  const { states: _, ...rest } = tables;
  const rows = Object.fromEntries(Object.entries(rest).map(([name, table]) => [name, table.rows]));
  return `${printableJson({ settings, tables: rows })}\n`;
}
