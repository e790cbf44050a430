import type { Experiment } from '../../bench/profile/experiment.ts';
import { EXPERIMENTS } from '../../bench/profile/experiments.ts';
import { BASELINE, isAgain, type ProfiledUnit } from '../../bench/profile/profile.ts';
import { type ReferencedProfile, summarizeReference } from '../../bench/profile/reference.ts';
import { type ProfileSummary, scoresByLevel, summarize } from '../../bench/profile/summary.ts';
import { type Interval, tInterval } from '../../bench/stats/interval.ts';
import { mean } from '../../core/statistics.ts';
import { type Look, look } from '../html/palette.ts';
import { MANY } from '../html/view.ts';

/** What the page of a profile is made of. */
export interface ProfilePageInput {
  readonly profile: ReferencedProfile;
  /** Version of creditbench that writes the page. */
  readonly version: string;
}

/** One method with everything that is known of it. */
export interface Method {
  readonly name: string;
  /** baseline: GRPO. again: GRPO with other random numbers. reference: not of this run. */
  readonly kind: 'baseline' | 'again' | 'asked' | 'reference';
  /** Id of its own page. */
  readonly id: string;
  readonly look: Look;
  /** Whether it has its color in charts, and not only when it is highlighted. */
  readonly isColored: boolean;
  /** Mean score over the experiments, over seeds; null if it lacks one of them. */
  readonly score: Interval | null;
}

/** A method in an experiment. */
export interface Field {
  readonly summary: ProfileSummary;
  readonly unit: ProfiledUnit;
}

/** An experiment of the run. */
export interface ShownExperiment {
  readonly id: string;
  /** What the code says about it; undefined if it no longer has it. */
  readonly known: Experiment | undefined;
  readonly levels: readonly number[];
}

/** The input in the order in which everything is shown. */
export interface ProfileView extends ProfilePageInput {
  readonly experiments: readonly ShownExperiment[];
  /** By mean score, the highest first. */
  readonly methods: readonly Method[];
  /** What Holm's adjustment counts. */
  readonly comparisons: number;
  readonly seeds: number;
  field(method: string, experiment: string): Field | undefined;
}

export function createProfileView(input: ProfilePageInput): ProfileView {
  const { profile } = input;
  const all = [...profile.units, ...profile.reference];
  const summaries = [...summarize(profile.units), ...summarizeReference(profile)];
  const fields = new Map(
    all.map((unit, index) => [keyOf(unit.algorithm, unit.experiment), { unit, summary: summaries[index]! }]),
  );
  const field = (method: string, experiment: string) => fields.get(keyOf(method, experiment));
  const experiments = [...new Set(profile.units.map(({ experiment }) => experiment))].map((id) => {
    const { runs } = all.find(({ experiment }) => experiment === id)!;
    const known = EXPERIMENTS.find((one) => one.id === id);
    return { id, known, levels: [...new Set(runs.map(({ level }) => level))] };
  });
  const own = new Set(profile.units.map(({ algorithm }) => algorithm));
  const names = [...new Set(all.map(({ algorithm }) => algorithm))];
  const kindOf = (name: string): Method['kind'] =>
    !own.has(name) ? 'reference' : name === BASELINE ? 'baseline' : isAgain(name) ? 'again' : 'asked';
  const scored = names
    .map((name) => ({
      name,
      kind: kindOf(name),
      score: meanScore(experiments.map(({ id }) => field(name, id)?.unit)),
    }))
    .toSorted((a, b) => rank(b.score) - rank(a.score));
  const colored = coloredOf(scored);
  // Those in color get the first colors, which no two of them share.
  const places = [...colored, ...names.filter((name) => !colored.includes(name))];
  return {
    ...input,
    experiments,
    methods: scored.map((method, index) => ({
      ...method,
      id: `method-${index}`,
      look: look(places.indexOf(method.name)),
      isColored: colored.includes(method.name),
    })),
    comparisons: summaries.filter(({ adjustedP }) => adjustedP !== null).length,
    seeds: new Set(profile.units[0]?.runs.map(({ seed }) => seed)).size,
    field,
  };
}

/** GRPO and what was asked for; of more than there are colors for, those with the highest mean scores. */
function coloredOf(methods: readonly Pick<Method, 'name' | 'kind'>[]): readonly string[] {
  const own = methods.filter(({ kind }) => kind !== 'reference');
  const baseline = own.filter(({ kind }) => kind === 'baseline');
  const others = own.filter(({ kind }) => kind !== 'baseline');
  return [...baseline, ...others.slice(0, MANY - baseline.length)].map(({ name }) => name);
}

function meanScore(units: readonly (ProfiledUnit | undefined)[]): Interval | null {
  const scores = units.map((unit) => (unit === undefined ? [] : seedMeans(unit)));
  const seeds = scores[0]?.length ?? 0;
  if (seeds === 0 || scores.some(({ length }) => length !== seeds)) return null;
  return tInterval(Array.from({ length: seeds }, (_, seed) => mean(scores.map((one) => one[seed]!))));
}

/** Every seed's mean over the levels. */
function seedMeans(unit: ProfiledUnit): readonly number[] {
  const levels = scoresByLevel(unit);
  return levels[0]!.map((_, seed) => mean(levels.map((scores) => scores[seed]!)));
}

/** Means that are missing or not a number stand last. */
const rank = (score: Interval | null): number =>
  score === null || Number.isNaN(score.value) ? Number.MIN_SAFE_INTEGER : score.value;

const keyOf = (method: string, experiment: string): string => JSON.stringify([method, experiment]);
