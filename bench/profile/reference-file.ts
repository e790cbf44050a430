import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readBoundedText } from '../../core/bounded-file.ts';
import { packageInfo } from '../../core/package.ts';
import type { Row } from '../cell.ts';
import { column } from '../columns.ts';
import { formatCsv, parseCsv } from '../csv.ts';
import type { ProfiledUnit } from './profile.ts';
import { RATES } from './unit.ts';

/**
 * The reference scores: every registered method in every experiment, kept with the package as
 * `results/reference/profile.csv`, one row per method, experiment and level.
 */

/** Seeds of the reference: 0 and on. */
export const REFERENCE_SEEDS = 10;
/** Numbers are kept to a millionth: processors differ in the last places. */
const DIGITS = 6;
/** Bytes of the file, at most. */
const MOST = 16 * 2 ** 20;

const CREDIT = {
  rank_correlation: 'rankCorrelation',
  sign_errors: 'signErrors',
  leakage: 'leakage',
} as const;

const REFERENCE_COLUMNS = [
  column('algorithm', 'name', 'algorithm'),
  column('experiment', 'name', 'experiment'),
  column('level', 'knob', "the experiment's knob"),
  column('learning_rate', 'rate', 'the rate that was chosen for the experiment'),
  ...RATES.map((rate) => column(`tuning_${rate}`, 'score', `mean score of the tuning runs at ${rate}`)),
  ...Object.keys(CREDIT).map((name) => column(name, 'number', 'mean over the seeds; see profile.csv')),
  ...Array.from({ length: REFERENCE_SEEDS }, (_, seed) =>
    column(`score_${seed}`, 'score', `score of seed ${seed}`),
  ),
];

const rounded = (value: number): number => Number(value.toFixed(DIGITS));

/** Units with seeds 0 to 9 as the text of the reference file. @throws RangeError if a seed or a rate is missing. */
export function formatReference(units: readonly ProfiledUnit[]): string {
  return formatCsv(REFERENCE_COLUMNS, units.flatMap(referenceRows));
}

function referenceRows({ algorithm, experiment, rate, rates, runs }: ProfiledUnit): readonly Row[] {
  const levels = [...new Set(runs.map(({ level }) => level))];
  return levels.map((level) => {
    const own = runs.filter((run) => run.level === level);
    const of = (seed: number): number => {
      const run = own.find((one) => one.seed === seed);
      if (run === undefined) throw new RangeError(`${algorithm} in ${experiment}: there is no seed ${seed}`);
      return rounded(run.score);
    };
    const tuned = RATES.map((one): [string, number] => {
      const found = rates.find((each) => each.rate === one);
      if (found === undefined)
        throw new RangeError(`${algorithm} in ${experiment}: rate ${one} was not tried`);
      return [`tuning_${one}`, rounded(found.score)];
    });
    const credit = Object.entries(CREDIT).map(([name, key]): [string, number | null] => {
      const known = own.flatMap((run) => run[key] ?? []);
      return [name, known.length === 0 ? null : rounded(known.reduce((a, b) => a + b, 0) / known.length)];
    });
    return {
      ...{ algorithm, experiment, level, learning_rate: rate },
      ...Object.fromEntries([...tuned, ...credit]),
      ...Object.fromEntries(
        Array.from({ length: REFERENCE_SEEDS }, (_, seed) => [`score_${seed}`, of(seed)]),
      ),
    };
  });
}

/** The units that a reference file holds. What credit was worth is the mean over the seeds, and so the same for each. */
export function parseReference(text: string): readonly ProfiledUnit[] {
  const units = new Map<string, ProfiledUnit & { readonly runs: ProfiledUnit['runs'][number][] }>();
  for (const row of parseCsv(REFERENCE_COLUMNS, text)) {
    const number = (name: string): number => row[name] as number;
    const { algorithm, experiment } = row as { algorithm: string; experiment: string };
    const key = JSON.stringify([algorithm, experiment]);
    const unit = units.get(key) ?? {
      ...{ algorithm, experiment, rate: number('learning_rate') },
      rates: RATES.map((rate) => ({ rate, score: number(`tuning_${rate}`) })),
      runs: [],
    };
    for (let seed = 0; seed < REFERENCE_SEEDS; seed++) {
      unit.runs.push({
        ...{ level: number('level'), seed, score: number(`score_${seed}`), final: null },
        rankCorrelation: row.rank_correlation as number | null,
        signErrors: row.sign_errors as number | null,
        leakage: row.leakage as number | null,
      });
    }
    units.set(key, unit);
  }
  return [...units.values()];
}

/**
 * The reference scores that come with the package; none if there is no file. @throws Error if it is damaged.
 * @experimental
 */
export async function referenceUnits(): Promise<readonly ProfiledUnit[]> {
  const file = join(packageInfo().root, ...REFERENCE_FILE);
  return existsSync(file) ? parseReference(await readBoundedText(file, MOST)) : [];
}

/** Where it lies in the package. */
export const REFERENCE_FILE = ['results', 'reference', 'profile.csv'] as const;
