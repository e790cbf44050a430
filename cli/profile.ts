import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { type ProfiledUnit, type ProfileOptions, profile } from '../bench/profile/profile.ts';
import { placesAmong, withReference } from '../bench/profile/reference.ts';
import { referenceUnits } from '../bench/profile/reference-file.ts';
import { summarize } from '../bench/profile/summary.ts';
import { printable, printableJson } from '../core/printable.ts';
import { writeProfile } from '../reports/profile/write.ts';
import { collect, wholeNumber } from './options.ts';
import { algorithmNames, catalogWith } from './own-code.ts';
import { profilePool } from './profile-pool.ts';
import { profileTable } from './profile-table.ts';
import { stopSignals } from './stop-signals.ts';
import { print, retell, tell } from './terminal.ts';

interface ProfileFlags {
  readonly algorithm?: readonly string[];
  readonly experiment?: readonly string[];
  readonly seeds?: number;
  readonly quick?: boolean;
  /** true: without a number. */
  readonly again?: number | true;
  readonly workers?: number;
  readonly out?: string;
  readonly json?: boolean;
}

const EXAMPLES = `
Examples:
  creditbench profile --quick --algorithm carl           a first look: 3 seeds, two levels
  creditbench profile --algorithm ./mine.ts              your own (the file is run as code), beside all others
  creditbench profile --experiment noise --experiment late --out results/profile

Scores: 0 is the starting policy, 1 the optimal one from the first action on; below 0 training made it worse. Finished
parts in --out are not computed again. Files there: profile.html (heat map, curves, a page per method), profile.csv,
scores.csv, curves.csv. All of it: docs/profile.md.
`;

/** `creditbench profile`: what is a method good at? */
export function profileCommand(setExitCode: (code: number) => void): Command {
  return new Command('profile')
    .description('says what methods are good at: exact learning scores in small experiments')
    .option(
      '--algorithm <id or file>',
      'a method; a file is code that runs with your rights; may be given more than once (default: all)',
      collect,
    )
    .option('--experiment <id>', 'an experiment, likewise (default: all)', collect)
    .option('--seeds <n>', 'seeds (default: 10; with --quick 3)', wholeNumber('--seeds', 2, 1000))
    .option('--quick', 'two levels of each experiment, learning rates chosen on one seed')
    .option(
      '--again [n]',
      'also GRPO n times (default: once) with other random numbers: it must not be told apart from itself',
      wholeNumber('--again', 1, 100),
    )
    .option(
      '--workers <n>',
      'processes at the same time (default: as many as the machine has cores)',
      wholeNumber('--workers', 1, 256),
    )
    .option('--out <folder>', 'writes a page and CSV files there, and keeps what is finished')
    .option('--json', 'prints the scores as JSON instead of the table')
    .addHelpText('after', EXAMPLES)
    .action(async (flags: ProfileFlags) => setExitCode(await runProfile(flags)));
}

async function runProfile(flags: ProfileFlags): Promise<number> {
  const { experiment, quick = false, again = 0, out } = flags;
  const workers = flags.workers ?? Math.min(availableParallelism(), 256);
  const algorithms = algorithmNames(flags.algorithm);
  const catalog = await catalogWith([{ kind: 'algorithm', option: '--algorithm', names: algorithms }]);
  const request = {
    algorithms,
    ...(experiment === undefined ? {} : { experiments: experiment }),
    seeds: flags.seeds ?? (quick ? 3 : 10),
    quick,
    again: again === true ? 1 : again,
  };
  const stopping = stopSignals();
  const pool = workers > 1 ? profilePool(workers, catalog) : undefined;
  let units: readonly ProfiledUnit[];
  try {
    units = await profile(request, catalog, {
      signal: stopping.signal,
      ...(out === undefined ? {} : { out }),
      ...(pool === undefined ? {} : { executor: pool }),
      onProgress: progressTeller(),
    });
  } catch (error) {
    if (!stopping.signal.aborted) throw error;
    tell(out === undefined ? 'stopped\n' : 'stopped: what is finished is kept, the same command goes on\n');
    return 130;
  } finally {
    pool?.close();
    stopping.release();
    if (process.stderr.isTTY) retell('');
  }
  const compared = withReference(units, await referenceUnits());
  if (out !== undefined) await writeProfile(out, compared);
  print(
    flags.json
      ? `${printableJson({ scores: units.flatMap(jsonScores) })}\n`
      : profileTable(summarize(units), placesAmong(compared), process.stdout.columns),
  );
  if (out !== undefined) {
    tell(`files: ${join(out, 'profile.csv')}, scores.csv, curves.csv, pairs.csv (docs/files.md)\n`);
    tell(`report: ${join(out, 'profile.html')}\n`);
  }
  return 0;
}

/** On a terminal one line that is written over, elsewhere a line for every tenth of the runs; with the time left. */
function progressTeller(): NonNullable<ProfileOptions['onProgress']> {
  const begun = performance.now();
  let kept: number | undefined;
  let tenth = 0;
  return ({ done, total, what }) => {
    // What comes at once was computed before: it says nothing about the time.
    kept ??= done > 1 ? done : 0;
    const rest = ((total - done) * (performance.now() - begun)) / Math.max(1, done - kept);
    const left = done - kept < 10 ? '' : `, ${durationOf(rest)} left`;
    const line = `${done} of ${total} runs${left}: ${printable(what)}`;
    if (process.stderr.isTTY) return retell(line);
    if (Math.floor((10 * done) / total) === tenth) return;
    tenth = Math.floor((10 * done) / total);
    tell(`${line}\n`);
  };
}

const durationOf = (milliseconds: number): string =>
  milliseconds < 90_000 ? `${Math.ceil(milliseconds / 1000)} s` : `${Math.ceil(milliseconds / 60_000)} min`;

const jsonScores = ({ algorithm, experiment, runs }: ProfiledUnit) =>
  runs.map(({ level, seed, score }) => ({ algorithm, experiment, level, seed, score }));
