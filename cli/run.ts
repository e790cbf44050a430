import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { CATALOG } from '../bench/catalog.ts';
import { withInputs } from '../bench/inputs.ts';
import { type RunSummary, runSuite } from '../bench/runner.ts';
import { cellHash } from '../bench/storage.ts';
import { resolveSuite, suiteCells } from '../bench/suite.ts';
import { readSuite } from '../bench/suite-file.ts';
import type { Analysis } from '../reports/analysis.ts';
import { analyzeOutcomes, writeEventFiles, writeSuiteFiles } from '../reports/csv.ts';
import { checkBackend } from './backends.ts';
import { collect, DEFAULT_CACHE, wholeNumber } from './options.ts';
import { createProgress } from './progress.ts';
import { writeReport } from './report.ts';
import { comparisonTable } from './table.ts';

interface RunFlags {
  readonly seeds?: number;
  readonly workers?: number;
  readonly backend?: string;
  readonly out?: string;
  readonly cache: string;
  readonly set?: readonly string[];
  readonly tensorboard?: boolean;
}

const EXAMPLES = `
Examples:
  creditbench run quick
  creditbench run quick --seeds 5 --workers 4 --out results/five
  creditbench run quick --set training.iterations=60 --set algorithms.grpo.options.groupSize=8
  creditbench run my-suite.yaml

Finished cells in the output folder are not run again; failed ones are. Ctrl-C keeps what is finished.
Exit codes: 0 all cells finished, 1 a cell failed, 2 something given is wrong, 130 stopped by Ctrl-C.
`;

/** `creditbench run`: runs a suite, writes its files, prints the comparison. */
export function runCommand(setExitCode: (code: number) => void): Command {
  return new Command('run')
    .description('runs a suite and compares its algorithms')
    .argument('<suite>', 'name of a built-in suite (see: creditbench list suites) or path of a YAML file')
    .option('--seeds <n>', 'number of training seeds, 1 to 10000', wholeNumber('--seeds', 1, 10_000))
    .option(
      '--workers <n>',
      'cells at the same time, 1 to 256 (default: the number of cores)',
      wholeNumber('--workers', 1, 256),
    )
    .option('--backend <name>', 'tensor backend (see: creditbench doctor; default: wasm)')
    .option('--out <folder>', 'where results go (default: results/<suite>)')
    .option('--cache <folder>', 'where data and starting weights are kept', DEFAULT_CACHE)
    .option('--tensorboard', 'also writes TensorBoard event files, one run per cell')
    .option('--set <key=value>', 'overrides a setting of the suite; may be given more than once', collect)
    .addHelpText('after', EXAMPLES)
    .action(async (suite: string, flags: RunFlags) => setExitCode(await run(suite, flags)));
}

async function run(nameOrFile: string, flags: RunFlags): Promise<number> {
  const backend = await checkBackend(flags.backend);
  const suite = resolveSuite(await readSuite(nameOrFile), CATALOG, {
    backend,
    ...(flags.set === undefined ? {} : { set: flags.set }),
    ...(flags.seeds === undefined ? {} : { seeds: flags.seeds }),
  });
  const cells = await withInputs(suiteCells(suite));
  const out = flags.out ?? join('results', suite.name);
  const workers = flags.workers ?? Math.min(availableParallelism(), cells.length, 256);
  const { signal, received, release } = stopSignals();
  const progress = createProgress(new Set(cells.map(({ cell }) => cellHash(cell))).size, process.stderr);
  let summary: RunSummary;
  let analysis: Analysis;
  let events: string | undefined;
  try {
    summary = await runSuite({
      cells,
      out,
      workers,
      cacheDirectory: flags.cache,
      signal,
      onEvent: progress.onEvent,
    });
    analysis = analyzeOutcomes(summary.outcomes);
    await writeSuiteFiles(out, suite, summary.outcomes, analysis);
    if (flags.tensorboard) events = await writeEventFiles(out, summary.outcomes);
  } finally {
    progress.stop();
    release();
  }
  process.stdout.write(`${comparisonTable(analysis.groups, !process.stdout.isTTY)}\n`);
  if (events !== undefined) process.stderr.write(`event files: tensorboard --logdir ${events}\n`);
  await writeReport([out], join(out, 'report.html'));
  return report(summary, out, received());
}

/** Says on stderr what went wrong and where the files are. Returns the exit code. */
function report(summary: RunSummary, out: string, stoppedBy: NodeJS.Signals | undefined): number {
  const failed = summary.outcomes.filter((outcome) => outcome.status === 'failed');
  for (const { name, cell, hash, error } of failed) {
    const record = join(out, 'cells', `${hash.slice(0, 16)}.failed.json`);
    process.stderr.write(
      `FAILED  ${cell.environment.id} ${name} seed ${cell.seed}: ${error.message} (${record})\n`,
    );
  }
  const missing = summary.outcomes.filter((outcome) => outcome.status === 'missing').length;
  if (missing > 0)
    process.stderr.write(`stopped: ${missing} cells are not finished; the same command goes on\n`);
  process.stderr.write(
    `files: ${join(out, 'comparison.csv')}, pairwise.csv, metrics.csv and others (docs/files.md)\n`,
  );
  process.stderr.write(`report: ${join(out, 'report.html')}\n`);
  if (stoppedBy !== undefined) return stoppedBy === 'SIGTERM' ? 143 : 130;
  return failed.length > 0 ? 1 : 0;
}

/** Ctrl-C (and SIGTERM) ask for a clean stop; a second one ends at once. */
function stopSignals() {
  const controller = new AbortController();
  let received: NodeJS.Signals | undefined;
  const stop = (signal: NodeJS.Signals) => {
    if (received !== undefined) process.exit(130);
    received = signal;
    controller.abort();
  };
  process.on('SIGINT', stop).on('SIGTERM', stop);
  return {
    signal: controller.signal,
    received: () => received,
    release: () => {
      process.off('SIGINT', stop).off('SIGTERM', stop);
    },
  };
}
