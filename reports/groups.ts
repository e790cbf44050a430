import type { Row } from '../bench/cell.ts';
import { type Anchors, optimalityGaps } from '../bench/stats/anchors.ts';
import type { Resamples } from '../bench/stats/bootstrap.ts';
import { areaUnderCurve, medianWaiting, stepsToThreshold } from '../bench/stats/curve.ts';
import { type Interval, interval } from '../bench/stats/interval.ts';
import { InputError } from '../core/errors.ts';
import type { GroupAnalysis, SeedAnalysis, StepsAnalysis } from './analysis.ts';
import { COSTS } from './columns.ts';
import type { ComparedCell } from './comparison.ts';

/** What `analyzeGroups` needs beside the cells. */
export interface GroupSettings {
  readonly resamples: Resamples;
  readonly anchors: Readonly<Record<string, Anchors>>;
  readonly threshold: number | null;
}

/**
 * One entry per environment and algorithm, in the order of the cells. Every number is first made per seed.
 * @throws InputError when the threshold or an anchor is not valid.
 */
export function analyzeGroups(
  cells: readonly ComparedCell[],
  settings: GroupSettings,
): readonly GroupAnalysis[] {
  const { threshold, anchors } = settings;
  if (threshold !== null && !(threshold >= 0 && threshold <= 1)) {
    throw new InputError(`threshold: ${threshold} is not valid; valid: dev F1 from 0 to 1`);
  }
  const environments = new Set(cells.map((cell) => cell.environment));
  for (const id of Object.keys(anchors)) {
    if (!environments.has(id)) {
      throw new InputError(
        `anchors: no cell is of environment '${id}'; valid: ${[...environments].join(', ')}`,
      );
    }
  }
  const groups = new Map<string, ComparedCell[]>();
  for (const cell of cells) {
    const key = JSON.stringify([cell.environment, cell.algorithm]);
    const group = groups.get(key) ?? [];
    groups.set(key, group);
    group.push(cell);
  }
  const analyzed = [...groups.values()].map((group) =>
    analyzeGroup(group, settings, horizonOf(cells, group)),
  );
  return analyzed.map((group) => {
    const grpo = findGrpo(
      analyzed.filter((peer) => peer.environment === group.environment && peer.run === group.run),
    );
    const costs = COSTS.map((name) => {
      const { value } = group.costs[name];
      return [name, { value, ratio: ratio(value, grpo?.costs[name].value) }] as const;
    });
    return { ...group, costs: Object.fromEntries(costs) as GroupAnalysis['costs'] };
  });
}

/** The entry that is named grpo, or else the first whose algorithm is grpo. */
export function findGrpo(groups: readonly GroupAnalysis[]): GroupAnalysis | undefined {
  return (
    groups.find((group) => group.entry === 'grpo') ??
    groups.find((group) => group.algorithmId.split('/')[0] === 'grpo')
  );
}

/** The last iteration that all finished cells of the group's environment came to. */
function horizonOf(cells: readonly ComparedCell[], [first]: readonly ComparedCell[]): number {
  const lasts = cells
    .filter((cell) => cell.environment === first!.environment && cell.status === 'finished')
    .flatMap((cell) => curveOf(cell.metrics).at(-1)?.x ?? []);
  return lasts.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
}

function analyzeGroup(
  group: readonly ComparedCell[],
  { resamples, anchors, threshold }: GroupSettings,
  horizon: number,
): GroupAnalysis {
  const { environment, algorithm, algorithmId, entry = algorithm, run = 0 } = group[0]!;
  const finished = group.filter((cell) => cell.status === 'finished').sort((a, b) => a.seed - b.seed);
  const seeds = finished.map((cell) => analyzeSeed(cell, threshold));
  const costs = finished.map(({ metrics }) => costsOf(metrics));
  const defined = (values: readonly (number | null)[]) => values.filter((value) => value !== null);
  const over = (values: readonly (number | null)[], statistic: 'mean' | 'iqm' = 'mean'): Interval | null => {
    const numbers = defined(values);
    return numbers.length === 0 ? null : interval(numbers, { resamples, statistic });
  };
  const mean = (name: keyof ReturnType<typeof costsOf>): number | null => {
    const numbers = defined(costs.map((seed) => seed[name]));
    return numbers.length === 0 ? null : numbers.reduce((sum, value) => sum + value, 0) / numbers.length;
  };
  const f1 = seeds.map((seed) => seed.f1);
  const own = anchors[environment];
  return {
    environment,
    algorithm,
    algorithmId,
    entry,
    run,
    fingerprint: finished[0]?.fingerprint,
    finished: finished.length,
    failed: group.filter((cell) => cell.status === 'failed').length,
    missing: group.filter((cell) => cell.status === 'missing').length,
    seeds,
    iterations: over(seeds.map((seed) => seed.iterations))?.value ?? null,
    f1: over(f1),
    f1Iqm: over(f1, 'iqm'),
    questionError: over(seeds.map((seed) => seed.questionError))?.value ?? null,
    em: over(seeds.map((seed) => seed.em)),
    start: over(seeds.map((seed) => seed.start)),
    gain: over(seeds.map((seed) => seed.gain)),
    auc: over(seeds.map((seed) => seed.auc)),
    optimalityGap: own === undefined ? null : over(optimalityGaps(defined(f1), own)),
    steps: threshold === null ? null : analyzeSteps(seeds, threshold, horizon, over),
    costs: Object.fromEntries(
      COSTS.map((name) => [name, { value: mean(name), ratio: null }]),
    ) as unknown as GroupAnalysis['costs'],
    actionEntropy: over(costs.map((seed) => seed.entropy)),
    truncatedShare: mean('truncated'),
    zeroSignalShare: mean('zeroSignal'),
  };
}

function analyzeSteps(
  seeds: readonly SeedAnalysis[],
  threshold: number,
  horizon: number,
  over: (values: readonly number[]) => Interval | null,
): StepsAnalysis | null {
  const waits = seeds.flatMap(({ steps }) =>
    steps === null ? [] : [{ time: steps.iteration, reached: steps.reached }],
  );
  const restrictedMean = over(waits.map(({ time }) => Math.min(time, horizon)));
  if (restrictedMean === null) return null;
  return {
    threshold,
    reached: waits.filter(({ reached }) => reached).length,
    median: medianWaiting(waits),
    restrictedMean,
    horizon,
  };
}

function analyzeSeed({ seed, metrics }: ComparedCell, threshold: number | null): SeedAnalysis {
  const last = metrics.findLast((row) => number(row.dev_f1) !== null);
  const start = number(metrics.find((row) => row.iteration === 0)?.dev_f1);
  const f1 = number(last?.dev_f1);
  const curve = curveOf(metrics);
  const steps = threshold === null ? null : stepsToThreshold(curve, threshold);
  return {
    seed,
    start,
    f1,
    questionError: number(last?.dev_f1_question_error),
    em: number(last?.dev_em),
    gain: f1 === null || start === null ? null : f1 - start,
    auc: areaUnderCurve(curve),
    steps: steps && { iteration: steps.time, reached: steps.reached },
    iterations: number(metrics.at(-1)?.iteration),
  };
}

/** Dev F1 where it was evaluated. */
const curveOf = (metrics: readonly Row[]) =>
  metrics.flatMap(({ iteration, dev_f1 }) =>
    typeof iteration === 'number' && typeof dev_f1 === 'number' ? [{ x: iteration, y: dev_f1 }] : [],
  );

/** Costs and shares of one seed, over all its training iterations. */
function costsOf(metrics: readonly Row[]) {
  const training = metrics.filter((row) => Number(row.iteration) > 0);
  const per = (name: string, of: string) => ratio(total(training, name), total(training, of));
  // What was sampled for questions that are then not used is a cost of those that are.
  const used = training.some((row) => number(row.questions_used) !== null) ? 'questions_used' : 'questions';
  return {
    entropy: number(training.at(-1)?.action_entropy),
    truncated: per('truncated', 'trajectories'),
    zeroSignal: per('zero_signal_questions', 'questions'),
    update_actions: per('update_actions', used),
    rollout_actions: per('rollout_actions', used),
    generated_tokens: per('generated_tokens', used),
    environment_calls: per('environment_calls', used),
  };
}

const number = (value: Row[string] | undefined) => (typeof value === 'number' ? value : null);

/** Null where no row has it: a cost that was not recorded is not a cost of 0. */
function total(rows: readonly Row[], name: string): number | null {
  const values = rows.map((row) => number(row[name])).filter((value) => value !== null);
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0);
}

const ratio = (value: number | null, to: number | null | undefined): number | null =>
  value === null || to === null || to === undefined || to === 0 ? null : value / to;
