import type { Command } from 'commander';
import type { AnyAlgorithm } from '../algorithms/algorithm.ts';
import { rloo } from '../algorithms/rloo/index.ts';
import { type CommandEstimator, commandEstimator } from '../bench/audit/estimators/command.ts';
import { InputError } from '../core/errors.ts';
import { collect, wholeNumber } from './options.ts';

/** What a command with `addEstimatorOptions` is given. */
export interface EstimatorFlags {
  readonly estimator?: readonly string[];
  readonly plan?: string;
  readonly estimatorTimeout: number;
  readonly algorithm?: readonly string[];
  readonly options?: string;
  readonly objective: string;
}

/** The options of estimators: programs whose advantages are audited. */
export function addEstimatorOptions(command: Command): Command {
  return command
    .option(
      '--estimator <command or name=command>',
      'audits a program of any language: it reads rollouts and writes advantages, both as lines of JSON (docs/estimators.md), and runs with your rights; may be given more than once',
      collect,
    )
    .option(
      '--plan <id or file>',
      'the algorithm whose rollouts estimators are given (default: independent ones)',
    )
    .option(
      '--estimator-timeout <seconds>',
      'how long to wait for an answer of an estimator',
      wholeNumber('--estimator-timeout', 1, 86_400),
      120,
    );
}

/** @throws InputError for options that would do nothing, or need others. */
export function checkEstimatorFlags(flags: EstimatorFlags): void {
  const { estimator, plan, algorithm, options, objective } = flags;
  if (estimator === undefined) {
    if (plan !== undefined) {
      throw new InputError(`--plan: '${plan}' is for estimators, and there is none; valid: with --estimator`);
    }
    return;
  }
  if (objective === 'own' && plan === undefined) {
    throw new InputError(
      "--objective: 'own' is the loss of an algorithm, and an estimator has none; valid: plain, or own with --plan, whose loss it then is",
    );
  }
  if (options !== undefined && plan === undefined && algorithm === undefined) {
    throw new InputError(
      `--options: '${options}' is for algorithms, and there is none; valid: with --plan or --algorithm`,
    );
  }
}

/**
 * The estimators that `--estimator` names. Their programs start when they are first asked.
 * @throws InputError when one has no command, or two have one name.
 */
export function estimatorsOf(given: readonly string[], timeout: number): readonly CommandEstimator[] {
  const estimators = given.map((text) => {
    const [, id = text, command = text] = /^([\w.:+/-]+)=(.*)$/s.exec(text) ?? [];
    if (command.trim() === '') {
      throw new InputError(
        `--estimator: '${text}' has no command; valid: 'python mine.py', or with a name for the tables, 'mine=python mine.py'`,
      );
    }
    return commandEstimator(command, { id, timeout, source: `--estimator '${id}'` });
  });
  const ids = estimators.map(({ id }) => id);
  const twice = ids.find((id, at) => ids.indexOf(id) !== at);
  if (twice !== undefined) {
    throw new InputError(
      `--estimator: two are named '${twice}'; valid: different names, as in 'mine=command'`,
    );
  }
  return estimators;
}

/** An algorithm that samples so many independent rollouts, and its options. */
export const independentRollouts = (rollouts: number): { algorithm: AnyAlgorithm; given: object } => ({
  algorithm: rloo,
  given: rloo.budget(rollouts),
});
