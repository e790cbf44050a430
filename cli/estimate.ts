import { Command } from 'commander';
import { checkLearns } from '../bench/training/train.ts';
import { printableJson } from '../core/printable.ts';
import { checkBackend } from './backends.ts';
import { ESTIMATE_COLUMNS, estimateRun, estimateText, QUESTIONS } from './cost-estimate.ts';
import { addTableOptions, layoutOf, type TableFlags } from './layout.ts';
import { DEFAULT_CACHE, wholeNumber } from './options.ts';
import { stopSignals } from './stop-signals.ts';
import { addSuiteOptions, namedSuite, type SuiteFlags } from './suite-options.ts';
import { print } from './terminal.ts';

const EXAMPLES = `
Examples:
  creditbench estimate search
  creditbench estimate language-model --algorithm carl --questions 4

Trains two iterations of each algorithm on few questions and throws them away. Nothing is written but caches.
`;

interface EstimateFlags extends TableFlags, SuiteFlags {
  readonly questions: number;
  readonly backend?: string;
  readonly cache: string;
  readonly json?: boolean;
}

/** `creditbench estimate`: tokens and hours of a run, before it. */
export function estimateCommand(setExitCode: (code: number) => void): Command {
  const command = addSuiteOptions(
    new Command('estimate').description('says what a run would cost in tokens and hours'),
  )
    .option(
      '--questions <n>',
      'questions of the small iteration that is scaled up, 1 to 4096',
      wholeNumber('--questions', 1, 4096),
      QUESTIONS,
    )
    .option('--backend <name>', 'tensor backend (see: creditbench doctor; default: wasm)')
    .option('--cache <folder>', 'where data and starting weights are kept', DEFAULT_CACHE);
  return addTableOptions(
    command,
    ESTIMATE_COLUMNS.map(({ name }) => name),
  )
    .option('--json', 'prints JSON instead of the table')
    .addHelpText('after', EXAMPLES)
    .action(async (suite: string | undefined, flags: EstimateFlags) => {
      const { cells, catalog } = await namedSuite(
        'estimate',
        suite,
        flags,
        await checkBackend(flags.backend),
      );
      for (const { cell } of cells) checkLearns(cell, catalog);
      const { signal, received, release } = stopSignals();
      try {
        const context = { cacheDirectory: flags.cache, signal };
        const estimates = await estimateRun(cells, catalog, context, flags.questions);
        print(flags.json ? `${printableJson({ estimates })}\n` : estimateText(estimates, layoutOf(flags)));
      } catch (error) {
        if (received() === undefined) throw error;
        setExitCode(received() === 'SIGTERM' ? 143 : 130);
      } finally {
        release();
      }
    });
}
