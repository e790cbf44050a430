import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';

import { nameOfChoice } from '../bench/catalog/catalog.ts';
import { CHECKPOINT_SECONDS, type NamedCell } from '../bench/cell.ts';
import { cellHash } from '../bench/identity.ts';
import type { Executor } from '../bench/runs/executor.ts';
import type { QueueAddress } from '../bench/runs/queue/address.ts';
import { RUN_FOLDER } from '../bench/runs/run-folder.ts';
import { type RunSummary, runSuite } from '../bench/runs/runner.ts';
import { cellFolder, KEPT_FILES } from '../bench/runs/storage.ts';
import { checkLearns } from '../bench/training/train.ts';
import { packageInfo } from '../core/package.ts';
import { printableJson } from '../core/printable.ts';
import { trainingPlace } from '../policies/spec.ts';
import { analyzeOutcomes, writeAnalysisFiles, writeEventFiles } from '../reports/csv.ts';
import { writeReport } from '../reports/report-file.ts';
import { resultsJson } from '../reports/rows.ts';
import { checkBackend } from './backends.ts';
import { COMPARISON_NAMES, comparisonTable } from './comparison-tables.ts';
import { estimateRun, estimateText } from './cost-estimate.ts';
import { addTableOptions, layoutOf, type TableFlags } from './layout.ts';
import { DEFAULT_CACHE, decimalIn, wholeNumber } from './options.ts';
import { createProgress } from './progress.ts';
import { queueOption } from './queue-option.ts';
import { stopSignals } from './stop-signals.ts';
import { addSuiteOptions, namedSuite, type SuiteFlags } from './suite-options.ts';
import { print, tell } from './terminal.ts';

interface RunFlags extends TableFlags, SuiteFlags {
  readonly workers?: number;
  readonly backend?: string;
  readonly out?: string;
  readonly cache: string;
  readonly tensorboard?: boolean;
  readonly json?: boolean;
  readonly retryFailed?: boolean;
  readonly keepTrees?: boolean;
  readonly checkpointSeconds?: number;
  readonly queue?: QueueAddress;
}

const EXAMPLES = `
Examples:
  creditbench run quick
  creditbench run quick --seeds 5 --workers 4 --out results/five
  creditbench run quick --set training.iterations=60 --set algorithms.grpo.options.groupSize=8
  creditbench run my-suite.yaml
  creditbench run quick --algorithm ./mine.ts --algorithm grpo
  creditbench run --algorithm ./mine.ts --algorithm grpo --environment ./world.ts
  creditbench run paper --queue redis://head-node    (with: creditbench worker --queue redis://head-node)

The same command goes on where a run was stopped: finished cells are kept, the others go on from their last
checkpoint, those that failed are left unless --retry-failed is given. Several runs may share an output folder.
Exit codes: 0 all cells finished, 1 a cell failed, 2 something given is wrong, 130 stopped by Ctrl-C.
`;

/** `creditbench run`: runs a suite, writes its files, prints the comparison. */
export function runCommand(setExitCode: (code: number) => void): Command {
  const command = addSuiteOptions(new Command('run').description('runs a suite and compares its algorithms'))
    .option(
      '--workers <n>',
      'cells at the same time, 1 to 256 (default: the number of cores)',
      wholeNumber('--workers', 1, 256),
    )
    .option('--backend <name>', 'tensor backend (see: creditbench doctor; default: wasm)')
    .option('--out <folder>', 'where results go (default: results/<suite>)')
    .option('--cache <folder>', 'where data and starting weights are kept', DEFAULT_CACHE)
    .option('--retry-failed', 'also runs cells that failed before, on from their last checkpoint')
    .option(
      '--checkpoint-seconds <n>',
      `seconds between two checkpoints of a cell, 0 to 86400; 0: after every iteration (default: ${CHECKPOINT_SECONDS})`,
      decimalIn('--checkpoint-seconds', 0, 86_400),
    )
    .option(
      '--keep-trees',
      'keeps rollouts of the last iteration of each cell (2 questions, at most 1 MiB) and shows them in trees.html',
    )
    .option('--tensorboard', 'also writes TensorBoard event files, one run per cell')
    .addOption(
      queueOption('computes on the workers of a queue (creditbench worker), not here: redis://host:port/db'),
    );
  return addTableOptions(command, COMPARISON_NAMES)
    .option('--json', 'prints results.json instead of the table')
    .addHelpText('after', EXAMPLES)
    .action(async (suite: string | undefined, flags: RunFlags) => setExitCode(await run(suite, flags)));
}

async function run(nameOrFile: string | undefined, flags: RunFlags): Promise<number> {
  const backend = await checkBackend(flags.backend, flags.queue !== undefined);
  const { suite, catalog, cells, code } = await namedSuite('run', nameOrFile, flags, backend);
  for (const { cell } of cells) checkLearns(cell, catalog);
  const out = flags.out ?? join('results', suite.name);
  const workers = flags.workers ?? Math.min(availableParallelism(), cells.length, 256);
  const { signal, received, release } = stopSignals();
  const progress = createProgress(new Set(cells.map(({ cell }) => cellHash(cell))).size, process.stderr);
  let executor: Executor | undefined;
  let summary: RunSummary;
  let left = 0;
  try {
    const place = ({ cell }: NamedCell) => trainingPlace(catalog.policy(nameOfChoice(cell.policy)));
    if (flags.queue === undefined && !existsSync(join(out, RUN_FOLDER.suite))) {
      // Tokens of a server may cost money: what the run will take is said before it begins.
      const served = cells.filter((cell) => place(cell) === 'server');
      const entries = await estimateRun(served, catalog, { cacheDirectory: flags.cache, signal });
      if (entries.length > 0) tell(estimateText(entries, layoutOf()));
    }
    if (flags.queue !== undefined) {
      // Loaded here because only --queue needs these libraries.
      const { createQueueExecutor } = await import('../bench/runs/queue/executor.ts');
      executor = await createQueueExecutor({ address: flags.queue, backend, onNotice: progress.say });
    }
    summary = await runSuite({
      suite,
      cells,
      code,
      out,
      workers,
      cacheDirectory: flags.cache,
      retryFailed: flags.retryFailed ?? false,
      keepTrees: flags.keepTrees ?? false,
      ...(flags.checkpointSeconds === undefined ? {} : { checkpointSeconds: flags.checkpointSeconds }),
      signal,
      onEvent: (event) => {
        if (event.type === 'cell-left') left++;
        progress.onEvent(event);
      },
      ...(executor === undefined ? {} : { executor }),
    });
  } finally {
    await executor?.close();
    progress.stop();
    release();
  }
  const analysis = analyzeOutcomes(summary.outcomes);
  // If the disk is full, files are missing and the exit code says so; finished cells are kept.
  const problems: string[] = summary.unwritten === undefined ? [] : [summary.unwritten];
  const store = async <Value>(write: () => Promise<Value>): Promise<Value | undefined> => {
    try {
      return await write();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === undefined) throw error;
      problems.push((error as Error).message);
      return undefined;
    }
  };
  await store(() => writeAnalysisFiles(out, analysis));
  const events = flags.tensorboard ? await store(() => writeEventFiles(out, summary.outcomes)) : undefined;
  print(
    flags.json
      ? `${printableJson(JSON.parse(resultsJson(analysis, packageInfo().version)))}\n`
      : `${comparisonTable(analysis.groups, layoutOf(flags))}\n`,
  );
  if (events !== undefined) tell(`event files: tensorboard --logdir ${events}\n`);
  const trees =
    problems.length === 0
      ? await store(() => writeReport([out], join(out, 'report.html'), {}, catalog.algorithms))
      : undefined;
  if (trees !== undefined) tell(`trees: ${trees}\n`);
  if (flags.keepTrees) tellWithoutTrees(summary, out);
  return report(summary, { out, left, problems, stoppedBy: received() });
}

/** Cells that were finished before are not run again to have trees. */
function tellWithoutTrees({ outcomes }: RunSummary, out: string): void {
  const without = outcomes.filter(
    ({ status, hash }) =>
      status === 'finished' && !existsSync(join(cellFolder(out, hash), KEPT_FILES.trajectories)),
  );
  if (without.length === 0) return;
  tell(
    `trees: ${without.length} finished cells have none, as they were finished without --keep-trees; with another --out they are computed again\n`,
  );
}

/** Says on stderr what went wrong and where the files are. Returns the exit code. */
function report(
  summary: RunSummary,
  {
    out,
    left,
    problems,
    stoppedBy,
  }: {
    readonly out: string;
    /** Cells that failed before and were not run. */
    readonly left: number;
    /** Why files could not be written. */
    readonly problems: readonly string[];
    readonly stoppedBy: NodeJS.Signals | undefined;
  },
): number {
  const failed = summary.outcomes.filter((outcome) => outcome.status === 'failed');
  for (const { name, cell, hash, error } of failed) {
    const record = join(out, 'cells', `${hash.slice(0, 16)}.failed.json`);
    const where = existsSync(record) ? ` (${record})` : '';
    tell(`FAILED  ${cell.environment.id} ${name} seed ${cell.seed}: ${error.message}${where}\n`);
  }
  const missing = summary.outcomes.filter((outcome) => outcome.status === 'missing').length;
  if (missing > 0) {
    tell(
      `stopped: ${missing} cells are not finished; the same command goes on, those that were running from their last checkpoint\n`,
    );
  }
  if (left > 0) {
    tell(`left: ${left} cells failed before and were not run; --retry-failed runs them\n`);
  }
  if (problems.length > 0) {
    const message = [...new Set(problems)].join('; ');
    tell(
      `FAILED  files could not be written: ${message}; the same command writes them, and keeps finished cells\n`,
    );
    return 1;
  }
  tell(`files: ${join(out, 'comparison.csv')}, pairwise.csv, metrics.csv and others (docs/files.md)\n`);
  tell(`report: ${join(out, 'report.html')}\n`);
  if (stoppedBy !== undefined) return stoppedBy === 'SIGTERM' ? 143 : 130;
  return failed.length > 0 ? 1 : 0;
}
