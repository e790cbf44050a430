import { join } from 'node:path';
import { Command } from 'commander';
import { blaming } from '../bench/catalog/blame.ts';
import type { Catalog } from '../bench/catalog/catalog.ts';
import type { Row } from '../bench/cell.ts';
import { type CriticalitySettings, runCriticality } from '../bench/criticality/run.ts';
import { type CriticalityTables, tableCsv } from '../bench/criticality/tables.ts';
import { makeWritable, writeFileAtomic } from '../core/atomic-file.ts';
import { InputError } from '../core/errors.ts';
import { printableJson } from '../core/printable.ts';
import { algorithmOptions } from './algorithm-options.ts';
import { checkBackend } from './backends.ts';
import { DEFAULT_CACHE, wholeNumber } from './options.ts';
import { catalogWith } from './own-code.ts';
import { renderTable } from './table.ts';
import { print, retell, tell } from './terminal.ts';

interface CriticalityFlags {
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
  return new Command('criticality')
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
    .option('--json', 'prints all tables but the states as JSON')
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
  print(flags.json ? asJson(settings, tables) : asText(tables, !process.stdout.isTTY));
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

function asText(tables: CriticalityTables, ascii: boolean): string {
  const rows = (name: string): readonly Row[] => tables[name]?.rows ?? [];
  const groups = rows('groups').filter(({ by }) => by !== 'likely move');
  const parts = [
    'Criticality of states, by depth and by move (mean and standard error over questions)',
    renderTable(
      ['by', 'group', 'states', 'criticality', 'about 0', 'high', 'entropy'],
      // The file also has the likely moves.
      groups.map((row) => [
        String(row.by),
        String(row.group),
        String(row.states),
        ...['criticality', 'zero_share', 'high_share', 'entropy'].map((name) => withError(row, name)),
      ]),
      { ascii, numbersFrom: 2 },
    ),
    'How well uncertainty predicts high criticality (error rates on held-out questions)',
    renderTable(
      ['by', 'BM p', "Cliff's delta", 'ROC AUC', 'Pearson', 'Spearman', 'false pos.', 'false neg.'],
      rows('prediction').map((row) => [
        String(row.uncertainty),
        typeof row.brunner_munzel_p === 'number' && row.brunner_munzel_p < 0.001
          ? '< 0.001'
          : number(row.brunner_munzel_p),
        ...['cliffs_delta', 'auc', 'pearson', 'spearman', 'false_positive', 'false_negative'].map((name) =>
          withError(row, name),
        ),
      ]),
      { ascii, numbersFrom: 1 },
    ),
    ...rows('sampling').map(
      (row) =>
        `${row.samples} sampled actions per state: mean criticality ${number(row.sampled)}, expected ${number(row.expected)} ± ${number(row.standard_error)} (z ${number(row.z, 2)}); exact ${number(row.exact)}.\nAbout 0 by samples ${number(row.sampled_zero_share)}, exactly ${number(row.exact_zero_share)}; high by samples ${number(row.sampled_high_share)}, exactly ${number(row.exact_high_share)}.`,
    ),
    ...shown('Along training, held-out questions', rows('training'), ascii, [
      ...['iteration', 'set', 'uncertainty', 'criticality', 'high_share', 'rose_early', 'rose_late'],
      ...['spearman', 'auc'],
    ]),
    ...shown(
      'Return after training, early unforked actions kept minus filtered',
      rows('ablation-difference'),
      ascii,
      [...['seeds', 'difference', 'half_width']],
    ),
    ...shown(
      "CARL's advantage against the exact one, siblings correlated",
      rows('correlated').filter(({ state }) => state === 'all'),
      ascii,
      ['initial', 'forks', 'entropy', 'rho', 'slope', 'slope_error', 'rmse', 'zero_share'],
    ),
  ];
  const text = `${parts.join('\n')}\n`;
  return ascii ? text.replaceAll('±', '+-') : text;
}

/** A heading and chosen columns of a table; nothing if the table was not asked for. */
function shown(heading: string, rows: readonly Row[], ascii: boolean, names: readonly string[]): string[] {
  if (rows.length === 0) return [];
  const body = rows.map((row) => names.map((name) => number(row[name])));
  return [heading, renderTable(names, body, { ascii, numbersFrom: 1 })];
}

function number(value: Row[string] | undefined, digits = 3): string {
  if (typeof value === 'string') return value;
  if (typeof value !== 'number') return '-';
  // No '-0.000'.
  return Number.isInteger(value) ? String(value) : value.toFixed(digits).replace(/^-(0\.0*)$/, '$1');
}

function withError(row: Row, name: string): string {
  const error = row[`${name}_error`];
  return `${number(row[name])}${typeof error === 'number' ? ` ± ${error.toFixed(3)}` : ''}`;
}
