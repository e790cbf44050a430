import { join } from 'node:path';
import { Command } from 'commander';
import { formatCsv } from '../bench/csv.ts';
import { type ProfiledUnit, profile } from '../bench/profile/profile.ts';
import {
  PROFILE_COLUMNS,
  type ProfileSummary,
  profileRow,
  SCORE_COLUMNS,
  scoreRows,
  summarize,
  toldApart,
} from '../bench/profile/summary.ts';
import { writeFileAtomic } from '../core/atomic-file.ts';
import { printable, printableJson } from '../core/printable.ts';
import { collect, wholeNumber } from './options.ts';
import { algorithmNames, catalogWith } from './own-code.ts';
import { profilePool } from './profile-pool.ts';
import { stopSignals } from './stop-signals.ts';
import { print, retell, tell } from './terminal.ts';

interface ProfileFlags {
  readonly algorithm?: readonly string[];
  readonly experiment?: readonly string[];
  readonly seeds?: number;
  readonly quick?: boolean;
  readonly again?: boolean;
  readonly workers: number;
  readonly out?: string;
  readonly json?: boolean;
}

const EXAMPLES = `
Examples:
  creditbench profile --quick --algorithm carl           a first look: 3 seeds, two levels
  creditbench profile --algorithm ./mine.ts --workers 2  your own (the file is run as code), beside GRPO
  creditbench profile --experiment noise --experiment late --out results/profile

Scores: 0 is the starting policy, 1 the optimal one from the first action on; below 0 training made it worse. Finished
parts in --out are not computed again. Files there: profile.csv, scores.csv. All of it: docs/profile.md.
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
    .option('--again', 'also GRPO with other random numbers: it must not be told apart from itself')
    .option('--workers <n>', 'processes at the same time', wholeNumber('--workers', 1, 256), 1)
    .option('--out <folder>', 'writes profile.csv and scores.csv there, and keeps what is finished')
    .option('--json', 'prints the scores as JSON instead of the table')
    .addHelpText('after', EXAMPLES)
    .action(async (flags: ProfileFlags) => setExitCode(await runProfile(flags)));
}

async function runProfile(flags: ProfileFlags): Promise<number> {
  const { experiment, quick = false, again = false, workers, out } = flags;
  const algorithms = algorithmNames(flags.algorithm);
  const catalog = await catalogWith([{ kind: 'algorithm', option: '--algorithm', names: algorithms }]);
  const request = {
    algorithms,
    ...(experiment === undefined ? {} : { experiments: experiment }),
    seeds: flags.seeds ?? (quick ? 3 : 10),
    quick,
    again,
  };
  const stopping = stopSignals();
  const pool = workers > 1 ? profilePool(workers, catalog) : undefined;
  let units: readonly ProfiledUnit[];
  try {
    units = await profile(request, catalog, {
      signal: stopping.signal,
      ...(out === undefined ? {} : { out }),
      ...(pool === undefined ? {} : { executor: pool }),
      onProgress: ({ done, total, what }) => {
        if (process.stderr.isTTY) retell(`${done} of ${total} runs: ${printable(what)}`);
      },
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
  const summaries = summarize(units);
  if (out !== undefined) {
    await writeFileAtomic(join(out, 'profile.csv'), formatCsv(PROFILE_COLUMNS, summaries.map(profileRow)));
    await writeFileAtomic(join(out, 'scores.csv'), formatCsv(SCORE_COLUMNS, units.flatMap(scoreRows)));
  }
  print(flags.json ? `${printableJson({ scores: units.flatMap(jsonScores) })}\n` : table(summaries));
  if (out !== undefined) tell(`files: ${join(out, 'profile.csv')}, scores.csv\n`);
  return 0;
}

const jsonScores = ({ algorithm, experiment, runs }: ProfiledUnit) =>
  runs.map(({ level, seed, score }) => ({ algorithm, experiment, level, seed, score }));

const NAME_WIDTH = 14;
const FIELD_WIDTH = 5;
/** Experiments side by side in 80 columns. */
const MOST_FIELDS = 13;

/** Methods x experiments, in at most 80 columns. */
function table(summaries: readonly ProfileSummary[]): string {
  const experiments = [...new Set(summaries.map(({ experiment }) => experiment))];
  const algorithms = [...new Set(summaries.map(({ algorithm }) => algorithm))];
  const lines: string[] = [];
  for (let from = 0; from < experiments.length; from += MOST_FIELDS) {
    const block = experiments.slice(from, from + MOST_FIELDS);
    // The last place of a field is that of its mark.
    const heads = block.map((_, index) => `${from + index + 1} `.padStart(FIELD_WIDTH));
    lines.push(`${'score'.padEnd(NAME_WIDTH)}${heads.join('')}`.trimEnd());
    for (const algorithm of algorithms) {
      const name = shortened(printable(algorithm), NAME_WIDTH - 1).padEnd(NAME_WIDTH);
      const fields = block.map((experiment) => {
        const one = summaries.find((each) => each.algorithm === algorithm && each.experiment === experiment)!;
        const mark = { '1': '^', '0': ' ', '-1': 'v' }[`${toldApart(one)}`];
        return `${short(one.score.value)}${mark}`.padStart(FIELD_WIDTH);
      });
      lines.push(`${name}${fields.join('')}`.trimEnd());
    }
    lines.push('');
  }
  return `${lines.join('\n')}\n${legend(experiments)}\n^ above, v below GRPO: told apart at 5 % (paired t over seeds, Holm over all)\n`;
}

const shortened = (name: string, width: number): string =>
  name.length > width ? `${name.slice(0, width - 1)}~` : name;

/** '.85', '1.0', '-.04' */
const short = (value: number): string =>
  (Math.abs(value) < 0.005 ? 0 : value).toFixed(Math.abs(value) >= 0.995 ? 1 : 2).replace(/^(-?)0\./, '$1.');

function legend(experiments: readonly string[]): string {
  const lines = [''];
  for (const [index, experiment] of experiments.entries()) {
    const entry = `${index + 1} ${experiment}`;
    const line = lines.at(-1)!;
    if (line === '') lines[lines.length - 1] = entry;
    else if (line.length + 3 + entry.length <= 80) lines[lines.length - 1] = `${line}   ${entry}`;
    else lines.push(entry);
  }
  return lines.join('\n');
}
