import { join } from 'node:path';
import { Command } from 'commander';
import { blaming } from '../bench/catalog/blame.ts';
import { type Catalog, choose, nameOfChoice } from '../bench/catalog/catalog.ts';
import { loadEnvironment } from '../bench/catalog/load-environment.ts';
import { unnamed } from '../bench/cell.ts';
import {
  type CreditQuality,
  type CreditQualityRequest,
  checkCreditQuality,
  creditQuality,
} from '../bench/credit-quality/quality.ts';
import { keptIn, type MeasuredMethods } from '../bench/credit-quality/store.ts';
import { qualityFiles, qualityTables } from '../bench/credit-quality/tables.ts';
import { inputsOf } from '../bench/training/inputs.ts';
import { samplingOf } from '../bench/training/train.ts';
import { startingPolicy } from '../bench/training/warm-start.ts';
import { makeWritable, writeFileAtomic } from '../core/atomic-file.ts';
import { InputError } from '../core/errors.ts';
import { printable, printableJson } from '../core/printable.ts';
import { QUALITY_NAMES, qualityText } from './credit-quality-text.ts';
import { addTableOptions, layoutOf, type TableFlags } from './layout.ts';
import { collect, wholeNumber } from './options.ts';
import { algorithmNames, catalogWith } from './own-code.ts';
import {
  addServerOptions,
  addStartOptions,
  type StartFlags,
  type StartingPoint,
  startingPoint,
} from './starting-point.ts';
import { stopSignals } from './stop-signals.ts';
import { print, retell, tell } from './terminal.ts';
import { createTimeLeft } from './time-left.ts';

interface QualityFlags extends StartFlags, TableFlags {
  readonly algorithm?: readonly string[];
  readonly baseline?: string;
  readonly split: string;
  readonly questions?: number;
  readonly rollouts: number;
  readonly budget?: number;
  readonly truth?: readonly ('exact' | number)[];
  readonly actions?: number;
  readonly seed: number;
  readonly out?: string;
  readonly json?: boolean;
  readonly cache: string;
}

const EXAMPLES = `
Examples:
  creditbench credit-quality multihop                            all methods against exact advantages
  creditbench credit-quality multihop --algorithm grpo,carl --truth exact --truth 32
  creditbench credit-quality search --algorithm grpo --algorithm ./mine.ts --questions 20 --truth 16
  creditbench credit-quality search --server http://127.0.0.1:8000 --tokenizer my-model --algorithm grpo,carl

Nothing is trained. Every method grows its trees on the same questions until as many tokens are drawn; the credit of
each sampled action is set against its true advantage under the policy. What the columns mean: docs/credit-quality.md.
With --out, finished methods are kept, and the same command goes on with the others.
`;

/** `creditbench credit-quality`: how good is the credit that methods give, at equal budgets? */
export function creditQualityCommand(setExitCode: (code: number) => void): Command {
  const command = new Command('credit-quality')
    .description("sets methods' credit against true advantages, at equal budgets and without training")
    .argument(
      '[environment]',
      'environment (see: creditbench list environments), or a file of your own: ./world.ts',
      'multihop',
    )
    .option(
      '--algorithm <ids>',
      'methods, separated by commas; files are code that runs with your rights; may be given more than once (default: all that come with creditbench)',
      collect,
    )
    .option('--baseline <id>', 'method that the others are compared with (default: grpo, if it is measured)')
    .option('--split <name>', 'questions: train, dev or test', 'dev')
    .option('--questions <n>', 'number of questions (default: 50)', wholeNumber('--questions', 1, 1_000_000))
    .option('--rollouts <n>', 'rollouts of one tree', wholeNumber('--rollouts', 2, 4096), 16)
    .option(
      '--budget <n>',
      'tokens to draw per question, a choice from a list being one (default: 500 with lists, 20000 in free text)',
      wholeNumber('--budget', 1, 100_000_000),
    )
    .option(
      '--truth <n>',
      'rollouts per state and action that the true advantages come from, or exact; may be given more than once: the table has the first, --out all (default: exact if states can be enumerated, else 32)',
      collectTruth,
    )
    .option(
      '--actions <n>',
      'sampled actions per method and question that are set against the truth (default: all with lists, 16 in free text)',
      wholeNumber('--actions', 1, 1_000_000),
    )
    .option('--seed <n>', 'seed', wholeNumber('--seed', 0, Number.MAX_SAFE_INTEGER), 0)
    .option('--out <folder>', 'writes credit-quality.csv and credit-quality-questions.csv there')
    .option('--json', 'prints the numbers as JSON instead of the table');
  return addTableOptions(addServerOptions(addStartOptions(command)), QUALITY_NAMES)
    .addHelpText('after', EXAMPLES)
    .action(async (name: string, flags: QualityFlags) => setExitCode(await runQuality(name, flags)));
}

function collectTruth(
  text: string,
  before: readonly ('exact' | number)[] = [],
): readonly ('exact' | number)[] {
  if (text !== 'exact' && !(/^\d+$/.test(text) && Number(text) >= 2 && Number(text) <= 100_000)) {
    throw new InputError(`--truth: '${text}' is not valid; valid: exact, or whole number from 2 to 100000`);
  }
  const kind = text === 'exact' ? text : Number(text);
  if (before.includes(kind)) throw new InputError(`--truth: ${text} is given twice; valid: each once`);
  return [...before, kind];
}

async function runQuality(name: string, flags: QualityFlags): Promise<number> {
  if (!['train', 'dev', 'test'].includes(flags.split)) {
    throw new InputError(`--split: '${flags.split}' is not valid; valid: train, dev, test`);
  }
  const names = algorithmNames(flags.algorithm?.flatMap((one) => one.split(',').map((id) => id.trim())));
  const start = await startingPoint(name, flags);
  const catalog = await catalogWith([{ kind: 'algorithm', option: '--algorithm', names }], start.catalog);
  if (flags.baseline !== undefined && !names.includes(flags.baseline)) {
    throw new InputError(
      `--baseline: '${flags.baseline}' is not measured; valid: ${names.join(', ')}, or another with --algorithm`,
    );
  }
  return blaming(catalog, () => measure({ ...start, catalog }, names, flags));
}

async function measure(
  { environment, catalog, backend }: StartingPoint,
  names: readonly string[],
  flags: QualityFlags,
): Promise<number> {
  const { out } = flags;
  if (out !== undefined) await makeWritable('--out', out);
  const context = {
    cacheDirectory: flags.cache,
    onNotice: (message: string) => tell(`note: ${message}\n`),
  };
  const stopping = stopSignals();
  let found: CreditQuality;
  try {
    const spec = catalog.environment(nameOfChoice(environment));
    const loaded = await loadEnvironment(spec, environment.options, context);
    const asked = { ...requestOf(flags), loaded, methods: methodsOf(names, catalog) };
    checkCreditQuality(asked);
    const kept =
      out === undefined || (flags.truth?.length ?? 1) > 1
        ? undefined
        : await keptMethods(out, { environment, catalog, backend }, flags, loaded.fingerprint);
    const show = showProgress(process.stderr.isTTY);
    const { policy } = await startingPolicy({ ...environment, environment, backend }, catalog, loaded, {
      ...context,
      signal: stopping.signal,
      onProgress: ({ stage, fraction }) => show({ fraction, what: stage, isStart: true }),
    });
    try {
      found = await creditQuality({
        ...asked,
        ...(kept === undefined ? {} : { kept }),
        policy,
        sampling: samplingOf(environment.training, policy),
        batch: environment.training.questions,
        signal: stopping.signal,
        onProgress: (progress) => show({ ...progress, isStart: false }),
      });
    } finally {
      policy.dispose();
    }
  } catch (error) {
    if (!stopping.signal.aborted) throw error;
    tell(
      out === undefined
        ? 'stopped: nothing was written; with --out, finished methods are kept\n'
        : `stopped: methods that were finished are in ${out} (with one --truth); the same command goes on\n`,
    );
    return 130;
  } finally {
    stopping.release();
    if (process.stderr.isTTY) retell('');
  }
  const files = qualityFiles(found);
  if (out !== undefined) {
    for (const [file, text] of Object.entries(files)) await writeFileAtomic(join(out, file), text);
  }
  print(flags.json ? asJson(found) : qualityText(found, layoutOf(flags)));
  if (out !== undefined) {
    const [first, ...others] = Object.keys(files);
    tell(`files: ${join(out, first!)}, ${others.join(', ')} (docs/files.md)\n`);
  }
  return 0;
}

const methodsOf = (names: readonly string[], catalog: Catalog): CreditQualityRequest['methods'] =>
  names.map((name) => ({ name, algorithm: catalog.algorithm(name) }));

/** Finished methods in the output folder, found by all that decides their numbers. */
async function keptMethods(
  out: string,
  { environment, catalog, backend }: StartingPoint,
  flags: QualityFlags,
  fingerprint: string,
): Promise<MeasuredMethods> {
  const { policy, training, warmStart } = environment;
  const { baseline: _, ...request } = requestOf(flags);
  const common = {
    environment: unnamed(environment),
    policy: unnamed(policy),
    inputs: await inputsOf({ environment, policy, warmStart }, catalog),
    ...{ training, warmStart, backend, fingerprint, request },
  };
  return keptIn(out, common, (name) => unnamed(choose(catalog, 'algorithm', name)));
}

function requestOf({
  baseline,
  split,
  questions,
  rollouts,
  budget,
  truth,
  actions,
  seed,
}: QualityFlags): Omit<CreditQualityRequest, 'loaded' | 'policy' | 'methods'> {
  return {
    split: split as 'train' | 'dev' | 'test',
    rollouts,
    seed,
    ...(baseline === undefined ? {} : { baseline }),
    ...(questions === undefined ? {} : { questions }),
    ...(budget === undefined ? {} : { budget }),
    ...(truth === undefined ? {} : { truths: truth }),
    ...(actions === undefined ? {} : { actions }),
  };
}

/** Tells how far it is: in one line of a terminal, and elsewhere in a line for every tenth. */
function showProgress(isTerminal: boolean) {
  const timeLeft = createTimeLeft();
  let before = 0;
  let toldStart = false;
  return ({
    fraction,
    what,
    isStart,
  }: {
    readonly fraction: number;
    readonly what: string;
    readonly isStart: boolean;
  }): void => {
    if (isStart) {
      if (isTerminal) retell(printable(what));
      else if (!toldStart) tell('making the starting weights; they are kept for the next time\n');
      toldStart = true;
      return;
    }
    const left = timeLeft(fraction, 1 - fraction);
    const text = `${Math.floor(100 * fraction)} %${left === undefined ? '' : `, ${left}`}: ${printable(what)}`;
    const isTenth = Math.floor(10 * fraction) > Math.floor(10 * before);
    before = fraction;
    if (isTerminal) retell(text);
    else if (isTenth) tell(`${text}\n`);
  };
}

function asJson(found: CreditQuality): string {
  const tables = qualityTables(found);
  return `${printableJson({
    settings: found.settings,
    methods: tables['credit-quality'],
    skipped: found.skipped,
    truths: tables['credit-quality-truth'],
    truthTokens: found.truthTokens,
  })}\n`;
}
