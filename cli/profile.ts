import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { EXPERIMENTS } from '../bench/profile/experiments.ts';
import { type ProfiledUnit, profile } from '../bench/profile/profile.ts';
import { placesAmong, withReference } from '../bench/profile/reference.ts';
import { referenceUnits } from '../bench/profile/reference-file.ts';
import { summarize } from '../bench/profile/summary.ts';
import { InputError } from '../core/errors.ts';
import { printable, printableJson } from '../core/printable.ts';
import { writeProfile } from '../reports/profile/write.ts';
import { outputWidth } from './layout.ts';
import { collect, wholeNumber } from './options.ts';
import { algorithmNames, catalogWith } from './own-code.ts';
import { profilePool } from './profile-pool.ts';
import { profileTable } from './profile-table.ts';
import { stopSignals } from './stop-signals.ts';
import { print, retell, tell } from './terminal.ts';
import { createTimeLeft } from './time-left.ts';

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
    .option('--experiment <id>', 'an experiment, likewise (default: all)', collectExperiment)
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

function collectExperiment(id: string, before?: readonly string[]): readonly string[] {
  const ids = EXPERIMENTS.map((experiment) => experiment.id);
  if (!ids.includes(id)) {
    throw new InputError(`--experiment: unknown experiment '${id}'; valid: ${ids.join(', ')}`);
  }
  return collect(id, before);
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
      onProgress: profileProgress(process.stderr.isTTY),
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
      : profileTable(summarize(units), placesAmong(compared), outputWidth()),
  );
  if (out !== undefined) {
    tell(`files: ${join(out, 'profile.csv')}, scores.csv, curves.csv, pairs.csv (docs/files.md)\n`);
    tell(`report: ${join(out, 'profile.html')}\n`);
  }
  return 0;
}

/** Tells how far it is: in one line of a terminal, and elsewhere in a line for every tenth. */
function profileProgress(isTerminal: boolean) {
  const timeLeft = createTimeLeft();
  timeLeft(0, 0);
  let before = 0;
  let kept = 0;
  return ({
    done,
    total,
    what,
  }: {
    readonly done: number;
    readonly total: number;
    readonly what: string;
  }) => {
    // Runs come one by one; those of a part that was finished before, together.
    if (done - before > 1) kept += done - before;
    const isTenth = Math.floor((10 * done) / total) > Math.floor((10 * before) / total);
    before = done;
    const left = timeLeft(done - kept, total - done);
    const text = `${done} of ${total} runs${left === undefined ? '' : `, ${left}`}: ${printable(what)}`;
    if (isTerminal) retell(text);
    else if (isTenth) tell(`${text}\n`);
  };
}

const jsonScores = ({ algorithm, experiment, runs }: ProfiledUnit) =>
  runs.map(({ level, seed, score }) => ({ algorithm, experiment, level, seed, score }));
