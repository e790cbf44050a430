import type { Command } from 'commander';
import type { Anchors } from '../bench/stats/anchors.ts';
import { InputError } from '../core/errors.ts';
import type { AnalysisOptions } from '../reports/analyzed.ts';
import { collect, finite, wholeNumber } from './options.ts';

/** What a command with `addAnalysisOptions` is given. */
export interface AnalysisFlags {
  readonly allowMixed?: boolean;
  readonly baseline?: string;
  readonly threshold?: number;
  readonly anchor?: readonly string[];
  readonly bootstrapSeed: number;
}

/** The options of commands that analyse results. */
export function addAnalysisOptions(command: Command): Command {
  return command
    .option('--baseline <name>', 'algorithm that the others are compared with (default: GRPO)')
    .option(
      '--threshold <score>',
      'counts the iterations until the score (dev F1, dev return, …) is at least this, in its range',
      finite('--threshold'),
    )
    .option(
      '--anchor <environment=random,oracle>',
      'scores of the random and the best policy, for the optimality gap; may be given more than once',
      collect,
    )
    .option(
      '--bootstrap-seed <n>',
      'seed of the bootstrap',
      wholeNumber('--bootstrap-seed', 0, Number.MAX_SAFE_INTEGER),
      0,
    )
    .option('--allow-mixed', 'shows results on different data or retrieval, too');
}

/** @throws InputError when an anchor is not valid. */
export function toAnalysisOptions(flags: AnalysisFlags): AnalysisOptions {
  return {
    allowMixed: flags.allowMixed ?? false,
    ...(flags.baseline === undefined ? {} : { baseline: flags.baseline }),
    ...(flags.threshold === undefined ? {} : { threshold: flags.threshold }),
    anchors: parseAnchors(flags.anchor ?? []),
    seed: flags.bootstrapSeed,
  };
}

/** 'multihop/v1=0.12,1' as anchors of that environment. */
function parseAnchors(texts: readonly string[]): Readonly<Record<string, Anchors>> {
  return Object.fromEntries(
    texts.map((text) => {
      const match = /^([^=]+)=([^,]+),([^,]+)$/.exec(text);
      const [random, oracle] = [Number(match?.[2]), Number(match?.[3])];
      if (!(Number.isFinite(random) && random < oracle && Number.isFinite(oracle))) {
        throw new InputError(
          `--anchor: '${text}' is not valid; valid: environment=random,oracle with random < oracle, both in the range of its score`,
        );
      }
      return [match![1]!, { random, oracle }];
    }),
  );
}
