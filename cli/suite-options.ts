import type { Command } from 'commander';
import { type LoadedSuite, loadSuite } from '../bench/suites/load.ts';
import { CATALOG } from '../catalog.ts';
import { InputError } from '../core/errors.ts';
import { collect, wholeNumber } from './options.ts';
import { tellCode } from './own-code.ts';

/** Which cells a command is about. */
export interface SuiteFlags {
  readonly algorithm?: readonly string[];
  readonly environment?: readonly string[];
  readonly policy?: string;
  readonly seeds?: number;
  readonly set?: readonly string[];
}

/** The argument and the options that name a suite and change it. */
export function addSuiteOptions(command: Command): Command {
  return command
    .argument(
      '[suite]',
      'built-in suite (see: creditbench list suites) or path of a YAML file (default with --algorithm or --environment: own)',
    )
    .option(
      '--algorithm <id or file>',
      'only these: entries of the suite, registered ones, or files of your own, which run as code; may be given more than once',
      collect,
    )
    .option('--environment <id or file>', 'only in these; may be given more than once', collect)
    .option('--policy <id or file>', 'policy of all environments')
    .option('--seeds <n>', 'number of training seeds, 1 to 10000', wholeNumber('--seeds', 1, 10_000))
    .option('--set <key=value>', 'overrides a setting of the suite; may be given more than once', collect);
}

/**
 * The suite that a command names, or the one for methods and environments of one's own if only those are named, with
 * what the options change.
 */
export function namedSuite(
  command: string,
  named: string | undefined,
  { algorithm, environment, policy, set, seeds }: SuiteFlags,
  backend: string,
): Promise<LoadedSuite> {
  if (named === undefined && algorithm === undefined && environment === undefined) {
    throw new InputError(
      `${command}: no suite is named; valid: a suite (see: creditbench list suites), or --algorithm or --environment`,
    );
  }
  return loadSuite(named ?? 'own', CATALOG, {
    backend,
    onNotice: tellCode,
    ...(algorithm === undefined ? {} : { algorithms: algorithm }),
    ...(environment === undefined ? {} : { environments: environment }),
    ...(policy === undefined ? {} : { policy }),
    ...(set === undefined ? {} : { set }),
    ...(seeds === undefined ? {} : { seeds }),
  });
}
