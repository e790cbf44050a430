import { realpathSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Command, Option } from 'commander';
import { configured } from '../algorithms/configured.ts';
import { blaming } from '../bench/catalog/blame.ts';
import type { Catalog } from '../bench/catalog/catalog.ts';
import {
  type CreditedGroup,
  type CreditMethod,
  creditFile,
  HOLD,
  QUESTIONS,
  type RowSink,
} from '../bench/trajectories/files/file-credit.ts';
import { openTrajectories, type TrajectoryFile } from '../bench/trajectories/files/open.ts';
import { creditLine } from '../bench/trajectories/files/row.ts';
import { createRowFile, partialName, type RowFile } from '../bench/trajectories/files/row-file.ts';
import type { CreditSummary } from '../bench/trajectories/files/summary.ts';
import { MERGES, type Merge } from '../bench/trajectories/merge.ts';
import { READERS } from '../bench/trajectories/readers/index.ts';
import { makeWritable, temporaryName } from '../core/atomic-file.ts';
import { InputError } from '../core/errors.ts';
import { printableJson } from '../core/printable.ts';
import { createRandom } from '../core/random.ts';
import { readTokenizerFolder } from '../policies/tokenizer/folder.ts';
import { TreeSelection } from '../reports/trees/select.ts';
import { writeTreePage } from '../reports/trees/write.ts';
import { settingsOf } from './algorithm-settings.ts';
import { CREDIT_NAMES, creditText } from './credit-text.ts';
import { checkWrite, WRITES, type Write, writeTraces } from './credit-write.ts';
import { addTableOptions, layoutOf, type TableFlags } from './layout.ts';
import { collect, wholeNumber } from './options.ts';
import { algorithmNames, catalogWith } from './own-code.ts';
import { stopSignals } from './stop-signals.ts';
import { print, retell, tell } from './terminal.ts';
import { createTimeLeft } from './time-left.ts';

interface CreditFlags extends TableFlags {
  readonly algorithm?: readonly string[];
  readonly set?: readonly string[];
  readonly format?: string;
  readonly tokenizer?: string;
  readonly reward?: Readonly<Record<string, number>>;
  readonly merge: Merge;
  readonly questions: number;
  readonly hold: number;
  readonly seed: number;
  readonly out?: string;
  readonly write: Write;
  readonly html?: string;
  readonly json?: boolean;
}

const EXAMPLES = `
Examples:
  creditbench credit rollouts.jsonl                                   what every method says of these rollouts
  creditbench credit rollouts.jsonl --algorithm grpo,carl --out credit.jsonl
  creditbench credit rollouts.jsonl --algorithm gigpo --set gigpo.omega=0.5 --out credit.parquet
  zcat rollouts.jsonl.gz | creditbench credit - --algorithm ./mine.ts --out - | head -1

Rollouts of one question are made a tree, and each method's rule gives every token its advantage. Formats, output,
and what an advantage leaves out: docs/credit.md.
`;

/** `creditbench credit`: what methods say of rollouts that others have sampled. */
export function creditCommand(setExitCode: (code: number) => void): Command {
  const command = new Command('credit')
    .description("gives the tokens of other people's rollouts their advantages, by any method")
    .argument('<file>', 'rollouts; -: from stdin')
    .option(
      '--algorithm <ids>',
      'methods, separated by commas; files are code that runs with your rights; may be given more than once (default: all that come with creditbench)',
      collect,
    )
    .option('--set <method.option=value>', 'sets an option of a method; may be given more than once', collect)
    .option(
      '--format <id>',
      `what the file is: ${READERS.map(({ id }) => id).join(', ')} (default: told by its first record)`,
    )
    .option(
      '--tokenizer <folder>',
      'Hugging Face folder, or its tokenizer.json: for files that have texts and no ids',
    )
    .option(
      '--reward <field=weight>',
      "a field that rewards are in, and its weight, for formats that leave its name open; may be given more than once (default: the format's usual)",
      collectReward,
    )
    .addOption(
      new Option(
        '--merge <what>',
        'what rollouts of a question that begin alike share, unless the file names forks: nothing, whole turns, or also the first tokens of the next',
      )
        .choices(MERGES)
        .default('turns'),
    )
    .option(
      '--questions <n>',
      'consecutive questions that are normalised together, if the file does not say',
      wholeNumber('--questions', 1, 1_000_000),
      QUESTIONS,
    )
    .option(
      '--hold <MiB>',
      'rollouts to hold in memory until those that belong to them have come, at most',
      wholeNumber('--hold', 1, 1_000_000),
      HOLD / 2 ** 20,
    )
    .option('--seed <n>', 'seed of what controls draw', wholeNumber('--seed', 0, Number.MAX_SAFE_INTEGER), 0)
    .option('--out <file>', 'writes the advantages there, .jsonl or .parquet; -: on stdout')
    .addOption(
      new Option(
        '--write <format>',
        'what --out is: rows of advantages, or the traces of verifiers that were read, with the advantages of one method',
      )
        .choices(WRITES)
        .default('own'),
    )
    .option('--html <file>', 'writes a page there that shows the rollouts with their advantages')
    .option('--json', 'prints the summary as JSON');
  return addTableOptions(command, CREDIT_NAMES)
    .addHelpText('after', EXAMPLES)
    .action(async (path: string, flags: CreditFlags) => setExitCode(await runCredit(path, flags)));
}

function collectReward(text: string, before: Readonly<Record<string, number>> = {}) {
  const [, field, weight] = /^(.+?)(?:=([^=]*))?$/s.exec(text) ?? [];
  const value = weight === undefined ? 1 : weight.trim() === '' ? Number.NaN : Number(weight);
  if (field === undefined || !Number.isFinite(value)) {
    throw new InputError(`--reward: '${text}' is not valid; valid: FIELD or FIELD=WEIGHT, such as correct=1`);
  }
  return Object.fromEntries([...Object.entries(before), [field, value]]);
}

async function runCredit(path: string, flags: CreditFlags): Promise<number> {
  const names = algorithmNames(flags.algorithm?.flatMap((one) => one.split(',').map((id) => id.trim())));
  if (flags.out === '-' && flags.json) {
    throw new InputError('--json: not valid with --out -, which prints the advantages; valid: --out FILE');
  }
  const catalog = await catalogWith([{ kind: 'algorithm', option: '--algorithm', names }]);
  return blaming(catalog, () => credit(path, methodsOf(names, catalog, flags), flags));
}

function methodsOf(names: readonly string[], catalog: Catalog, flags: CreditFlags): readonly CreditMethod[] {
  const algorithms = names.map((name) => catalog.algorithm(name));
  const twice = algorithms.find(({ id }, index) => algorithms.findIndex((one) => one.id === id) !== index);
  if (twice !== undefined) {
    throw new InputError(`--algorithm: two methods have the id '${twice.id}'; valid: each once`);
  }
  const options = settingsOf(algorithms, flags.set ?? []);
  return algorithms.map((algorithm) => ({
    name: algorithm.id,
    algorithm: configured(algorithm, options.get(algorithm.id)),
  }));
}

async function credit(path: string, methods: readonly CreditMethod[], flags: CreditFlags): Promise<number> {
  const { out } = flags;
  const names = methods.map(({ name }) => name);
  checkWrite(flags, names);
  let rowFile = out === undefined || out === '-' ? undefined : createRowFile(out, names);
  const page = flags.html === undefined ? undefined : new TreeSelection();
  if (flags.html !== undefined) await makeWritable('--html', dirname(flags.html));
  if (rowFile !== undefined) {
    await makeWritable('--out', dirname(out!));
    if (path !== '-' && isSame(path, out!)) {
      throw new InputError(`--out: '${out}' is the file that is read; valid: another`);
    }
  }
  const stopping = stopSignals();
  let file: TrajectoryFile | undefined;
  let summary: CreditSummary & { readonly hasBatches: boolean };
  try {
    const codec =
      flags.tokenizer === undefined ? {} : { codec: (await readTokenizerFolder(flags.tokenizer)).codec };
    file = await openTrajectories({
      ...{ path, signal: stopping.signal, ...codec },
      ...(path === '-' ? { input: process.stdin } : {}),
      ...(flags.reward === undefined ? {} : { rewards: flags.reward }),
      ...(flags.write === 'own' ? {} : { format: flags.write }),
      ...(flags.format === undefined ? {} : { format: flags.format }),
      onNotice: (message) => tell(`note: ${message}\n`),
    });
    summary = await creditFile({
      ...{ name: file.name, read: file.read, methods, merge: flags.merge },
      ...{ questions: flags.questions, hold: flags.hold * 2 ** 20 },
      random: createRandom(flags.seed).split('credit command'),
      ...rowsTo(out, rowFile),
      ...(page === undefined ? {} : { onGroup: (group: CreditedGroup) => page.add(group) }),
      signal: stopping.signal,
      onProgress: progress(process.stderr.isTTY),
    });
    if (summary.methods.every(({ batches }) => batches === 0)) {
      await rowFile?.discard();
      rowFile = undefined;
      throw nothingDone(file.name, summary);
    }
    if (flags.write === 'own') await rowFile?.end(out!);
    else await writeTraces(file, rowFile!, names[0]!, out!, stopping.signal);
    rowFile = undefined;
    if (page !== undefined) await writePage(flags.html!, file.name, page);
  } catch (error) {
    if (flags.write === 'own') await kept(out, rowFile);
    else await rowFile?.discard();
    if (!stopping.signal.aborted) throw error;
    tell('stopped\n');
    return 130;
  } finally {
    await file?.close();
    stopping.release();
    if (process.stderr.isTTY) retell('');
  }
  const text = flags.json ? asJson(path, summary, flags) : creditText(file.name, summary, layoutOf(flags));
  if (out === '-') tell(text);
  else print(text);
  if (out !== undefined && out !== '-') tell(`file: ${out}, ${summary.trajectories} rows (docs/credit.md)\n`);
  if (flags.html !== undefined) tell(`page: ${flags.html}\n`);
  return 0;
}

function rowsTo(out: string | undefined, rowFile: RowFile | undefined) {
  if (out === undefined) return {};
  const sink: RowSink = rowFile ?? { write: (row) => onStdout(`${creditLine(row)}\n`) };
  const beside = rowFile === undefined ? join(tmpdir(), 'creditbench-credit') : out;
  return { rows: { sink, spool: temporaryName(`${beside}.spool`) } };
}

/** Waits until a pipe has taken what was written. */
async function onStdout(text: string): Promise<void> {
  print(text);
  if (process.stdout.writableNeedDrain) await new Promise((resolve) => process.stdout.once('drain', resolve));
}

async function writePage(path: string, file: string, selection: TreeSelection): Promise<void> {
  const { trees, leftOut } = selection.result();
  const rest =
    leftOut === 0 ? [] : [`${leftOut} groups of the file, on which methods disagree less, are left out.`];
  await writeTreePage(path, { questions: trees, lead: `Rollouts of ${file}.`, notes: rest });
}

/** Rows that are there stay there, under a name that says that they are not all. */
async function kept(out: string | undefined, rowFile: RowFile | undefined): Promise<void> {
  if (rowFile === undefined) return;
  if (rowFile.rows === 0) return rowFile.discard();
  const path = partialName(out!);
  await rowFile.end(path);
  tell(`the first ${rowFile.rows} rows are in ${path}\n`);
}

function nothingDone(file: string, { methods }: CreditSummary): InputError {
  const lines = methods.map(
    ({ method, lacks }) => `${method}: the file has no ${lacks.map(({ fields }) => fields).join('; no ')}`,
  );
  return new InputError([`${file}: no method can say anything of it`, ...lines].join('\n'));
}

function isSame(one: string, other: string): boolean {
  try {
    return realpathSync(one) === realpathSync(other);
  } catch {
    return false;
  }
}

/** Milliseconds between two messages: on a terminal, and elsewhere. */
const [OFTEN, SELDOM] = [100, 10_000];

function progress(isTerminal: boolean) {
  const timeLeft = createTimeLeft();
  let last = performance.now();
  return (stage: 'reading' | 'crediting', done: number, of: number | undefined): void => {
    const left = of === undefined ? undefined : timeLeft(done, of - done);
    const now = performance.now();
    if (now - last < (isTerminal ? OFTEN : SELDOM)) return;
    last = now;
    const text = `${stage}: ${done}${of === undefined ? '' : ` of ${of}`} trajectories${left === undefined ? '' : `, ${left}`}`;
    if (isTerminal) retell(text);
    else tell(`${text}\n`);
  };
}

function asJson(
  path: string,
  summary: CreditSummary & { readonly hasBatches: boolean },
  { merge, questions, seed, set }: CreditFlags,
): string {
  const { hasBatches, ...rest } = summary;
  const settings = { file: path, merge, questions: hasBatches ? null : questions, seed, set: set ?? [] };
  return `${printableJson({ settings, ...rest })}\n`;
}
