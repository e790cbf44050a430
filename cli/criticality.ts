import { join } from 'node:path';
import { Command } from 'commander';
import { blaming } from '../bench/catalog/blame.ts';
import type { Catalog } from '../bench/catalog/catalog.ts';
import type { CellContext } from '../bench/cell.ts';
import { type CriticalitySettings, runCriticality } from '../bench/criticality/run.ts';
import { runSampledCriticality } from '../bench/criticality/sampled-run.ts';
import { type CriticalityTables, tableCsv } from '../bench/criticality/tables.ts';
import { makeWritable, writeFileAtomic } from '../core/atomic-file.ts';
import { InputError } from '../core/errors.ts';
import { printableJson } from '../core/printable.ts';
import { algorithmOptions } from './algorithm-options.ts';
import { checkBackend } from './backends.ts';
import { CRITICALITY_NAMES, criticalityText } from './criticality-text.ts';
import { addTableOptions, layoutOf, type TableFlags } from './layout.ts';
import { collect, DEFAULT_CACHE, wholeNumber } from './options.ts';
import { catalogWith } from './own-code.ts';
import {
  addServerOptions,
  type ServerFlags,
  type StartingPoint,
  serverPolicy,
  startingPoint,
} from './starting-point.ts';
import { print, retell, tell } from './terminal.ts';

interface CriticalityFlags extends TableFlags, ServerFlags {
  readonly algorithm: string;
  readonly options?: string;
  readonly environment?: string;
  readonly policy?: string;
  readonly set?: readonly string[];
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
  creditbench criticality --server http://127.0.0.1:8080 --tokenizer my-model --questions 30 --samples 8

In an environment in text nothing is exact: criticality is that of --samples actions per state, and there is no training.
Criticality of a state: the standard deviation of the outcome over the action taken there, the policy taking its
most likely action afterwards (arXiv 2512.04949, Eq. 5). Files: states.csv, histogram.csv (Fig. 2a),
entropy-histogram.csv (Fig. 2b), prediction.csv, groups.csv, sampling.csv; training.csv (--training),
ablation.csv and ablation-difference.csv (--ablation), correlated.csv (--correlated).
`;

/** `creditbench criticality`: where decisions matter, and whether entropy predicts it. */
export function criticalityCommand(setExitCode: (code: number) => void): Command {
  const command = addServerOptions(
    new Command('criticality').description('measures criticality of states and how well entropy predicts it'),
  )
    .option(
      '--environment <id or file>',
      'environment (default: multihop, for a policy that writes text search); a file is code that runs with your rights',
    )
    .option(
      '--policy <id or file>',
      "policy, at its warm start (default: transformer, in an environment in text its suite's)",
    )
    .option(
      '--set <key=value>',
      'in an environment in text: overrides a setting of its suite; may be given more than once',
      collect,
    )
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
  const { policy } = serverPolicy(flags);
  const named = (name: string | undefined) => (name === undefined ? [] : [name]);
  const catalog = await catalogWith([
    { kind: 'environment', option: '--environment', names: named(flags.environment) },
    { kind: 'policy', option: '--policy', names: named(policy) },
    { kind: 'algorithm', option: '--algorithm', names: [flags.algorithm] },
  ]);
  const writes = policy !== undefined && catalog.policy(policy).actions === 'text';
  const environment = flags.environment ?? (writes ? 'search' : 'multihop');
  if (writes || catalog.environment(environment).actions === 'text') {
    const start = await startingPoint(environment, flags);
    return blaming(start.catalog, () => write(flags, () => sampled(flags, start)));
  }
  if (flags.set !== undefined) {
    throw new InputError(
      `--set: not valid for ${environment}, whose actions are listed; valid: with an environment in text, such as search`,
    );
  }
  return blaming(catalog, () =>
    write(flags, async () => {
      const settings = await readFlags({ ...flags, environment, policy: policy ?? 'transformer' }, catalog);
      return { settings, run: (context) => runCriticality(settings, catalog, context) };
    }),
  );
}

/** What is measured: its settings have been checked. */
interface Measurement {
  readonly settings: object;
  run(context: CellContext): Promise<CriticalityTables>;
}

/** Criticality by samples alone. */
async function sampled(flags: CriticalityFlags, start: StartingPoint): Promise<Measurement> {
  const { questions, samples, threshold, seed } = flags;
  const split = splitOf(flags);
  for (const name of ['training', 'ablation', 'correlated'] as const) {
    if (flags[name]) {
      throw new InputError(
        `--${name}: not valid for ${start.environment.id}, whose actions are text; valid: an environment with listed actions, such as multihop`,
      );
    }
  }
  if (samples < 2) {
    throw new InputError(
      `--samples: ${samples} is not valid for ${start.environment.id}, of which nothing is exact; valid: 2 to 10000`,
    );
  }
  return {
    settings: { environment: start.environment, split, questions, samples, threshold, seed },
    run: (context) =>
      runSampledCriticality(
        { start, split, samples, threshold, seed, ...(questions === undefined ? {} : { questions }) },
        { ...context, onNotice: (message) => tell(`note: ${message}\n`) },
      ),
  };
}

async function write(flags: CriticalityFlags, prepare: () => Promise<Measurement>): Promise<number> {
  const { settings, run } = await prepare();
  await makeWritable('--out', flags.out);
  const controller = new AbortController();
  const stop = () => controller.abort();
  process.once('SIGINT', stop);
  let tables: CriticalityTables;
  try {
    tables = await run({
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

function splitOf({ split }: CriticalityFlags): CriticalitySettings['split'] {
  if (split === 'train' || split === 'dev' || split === 'test') return split;
  throw new InputError(`--split: '${split}' is not known; valid: train, dev, test`);
}

async function readFlags(
  flags: CriticalityFlags & Pick<CriticalitySettings, 'environment' | 'policy'>,
  catalog: Catalog,
): Promise<CriticalitySettings> {
  const { environment, policy, algorithm, samples, threshold, seed, iterations, seeds, early } = flags;
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
    split: splitOf(flags),
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
function asJson(settings: object, tables: CriticalityTables): string {
  const { states: _, ...rest } = tables;
  const rows = Object.fromEntries(Object.entries(rest).map(([name, table]) => [name, table.rows]));
  return `${printableJson({ settings, tables: rows })}\n`;
}
