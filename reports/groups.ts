import type { Row } from '../bench/cell.ts';
import { ANSWER_F1 } from '../bench/declaration.ts';
import { type Anchors, optimalityGaps } from '../bench/stats/anchors.ts';
import type { Resamples } from '../bench/stats/bootstrap.ts';
import { areaUnderCurve, medianWaiting, stepsToThreshold } from '../bench/stats/curve.ts';
import { type Interval, interval } from '../bench/stats/interval.ts';
import { InputError } from '../core/errors.ts';
import type { ComparedCell, GroupAnalysis, SeedAnalysis, StepsAnalysis } from './analyzed.ts';
import { COSTS } from './columns.ts';
import { type Score, scoreLabel } from './score.ts';

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
  const scores = scoresByEnvironment(cells);
  refuseThreshold(threshold, scores);
  refuseAnchors(anchors, cells, scores);
  const groups = new Map<string, ComparedCell[]>();
  for (const cell of cells) {
    const key = JSON.stringify([cell.environment, cell.algorithm]);
    const group = groups.get(key) ?? [];
    groups.set(key, group);
    group.push(cell);
  }
  const analyzed = [...groups.values()].map((group) =>
    analyzeGroup(group, settings, horizonOf(cells, group), scores.get(group[0]!.environment) ?? []),
  );
  return analyzed.map((group) => {
    const grpo = findGrpo(
      analyzed.filter((peer) => peer.environment === group.environment && peer.run === group.run),
    );
    const costs = COSTS.map((name) => {
      const { value } = group.costs[name];
      return [name, { value, ratio: ratio(value, grpo?.costs[name].value) }] as const;
    });
    return {
      ...group,
      ratiosTo: grpo?.algorithm ?? null,
      costs: Object.fromEntries(costs) as GroupAnalysis['costs'],
    };
  });
}

/** The scores of every environment of which a cell finished: one, unless folders of different age are mixed. */
function scoresByEnvironment(cells: readonly ComparedCell[]): ReadonlyMap<string, readonly Score[]> {
  const scores = new Map<string, Score[]>();
  for (const cell of cells) {
    if (cell.status !== 'finished') continue;
    const known = scores.get(cell.environment) ?? [];
    scores.set(cell.environment, known);
    const score = scoreOf(cell);
    if (!known.some((one) => isSameScore(one, score))) known.push(score);
  }
  return scores;
}

const scoreOf = ({ score = ANSWER_F1 }: ComparedCell): Score => score;

const isSameScore = (a: Score, b: Score): boolean =>
  a.name === b.name && a.range[0] === b.range[0] && a.range[1] === b.range[1];

const isWithin = (value: number, { range: [low, high] }: Score): boolean => value >= low && value <= high;

const describeRange = (score: Score): string =>
  `${scoreLabel(score)} from ${score.range[0]} to ${score.range[1]}`;

function refuseThreshold(threshold: number | null, scores: ReadonlyMap<string, readonly Score[]>): void {
  const all = [...scores.values()].flat();
  if (threshold === null || all.some((score) => isWithin(threshold, score))) return;
  const valid = [...new Set(all.map(describeRange))].join(', or ');
  throw new InputError(
    `threshold: ${threshold} is not valid; valid: ${valid || 'none, since no cell has a score'}`,
  );
}

function refuseAnchors(
  anchors: Readonly<Record<string, Anchors>>,
  cells: readonly ComparedCell[],
  scores: ReadonlyMap<string, readonly Score[]>,
): void {
  const environments = new Set(cells.map((cell) => cell.environment));
  for (const [id, { random, oracle }] of Object.entries(anchors)) {
    if (!environments.has(id)) {
      throw new InputError(
        `anchors: no cell is of environment '${id}'; valid: ${[...environments].join(', ')}`,
      );
    }
    const known = scores.get(id) ?? [];
    if (known.length === 0 || known.some((score) => isWithin(random, score) && isWithin(oracle, score)))
      continue;
    throw new InputError(
      `anchors: ${id}: random ${random} and oracle ${oracle} are not valid; valid: ${known.map(describeRange).join(', or ')}`,
    );
  }
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
    .flatMap((cell) => curveOf(cell.metrics, scoreOf(cell)).at(-1)?.x ?? []);
  return lasts.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
}

function analyzeGroup(
  group: readonly ComparedCell[],
  { resamples, anchors, threshold }: GroupSettings,
  horizon: number,
  scores: readonly Score[],
): GroupAnalysis {
  const { environment, algorithm, algorithmId, entry = algorithm, run = 0 } = group[0]!;
  const finished = group.filter((cell) => cell.status === 'finished').sort((a, b) => a.seed - b.seed);
  const declared = finished[0] === undefined ? (scores[0] ?? null) : scoreOf(finished[0]);
  const isCounted = threshold !== null && declared !== null && isWithin(threshold, declared);
  const seeds = finished.map((cell) => analyzeSeed(cell, isCounted ? threshold : null));
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
  const score = seeds.map((seed) => seed.score);
  const own = anchors[environment];
  return {
    environment,
    algorithm,
    algorithmId,
    entry,
    run,
    declared,
    fingerprint: finished[0]?.fingerprint,
    finished: finished.length,
    failed: group.filter((cell) => cell.status === 'failed').length,
    missing: group.filter((cell) => cell.status === 'missing').length,
    seeds,
    iterations: over(seeds.map((seed) => seed.iterations))?.value ?? null,
    score: over(score),
    scoreIqm: over(score, 'iqm'),
    questionError: over(seeds.map((seed) => seed.questionError))?.value ?? null,
    f1: over(seeds.map((seed) => seed.f1)),
    em: over(seeds.map((seed) => seed.em)),
    start: over(seeds.map((seed) => seed.start)),
    gain: over(seeds.map((seed) => seed.gain)),
    auc: over(seeds.map((seed) => seed.auc)),
    optimalityGap: own === undefined ? null : over(optimalityGaps(defined(score), own)),
    steps: !isCounted ? null : analyzeSteps(seeds, threshold, horizon, over),
    ratiosTo: null,
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

function analyzeSeed(cell: ComparedCell, threshold: number | null): SeedAnalysis {
  const { seed, metrics } = cell;
  const column = `dev_${scoreOf(cell).name}`;
  const last = metrics.findLast((row) => number(row[column]) !== null);
  const start = number(metrics.find((row) => row.iteration === 0)?.[column]);
  const score = number(last?.[column]);
  const curve = curveOf(metrics, scoreOf(cell));
  const steps = threshold === null ? null : stepsToThreshold(curve, threshold);
  return {
    seed,
    cell: cell.cell,
    start,
    score,
    questionError: number(last?.dev_question_error),
    f1: number(last?.dev_f1),
    em: number(last?.dev_em),
    gain: score === null || start === null ? null : score - start,
    auc: areaUnderCurve(curve),
    steps: steps && { iteration: steps.time, reached: steps.reached },
    iterations: number(metrics.at(-1)?.iteration),
  };
}

/** The score where it was evaluated. */
const curveOf = (metrics: readonly Row[], { name }: Score) =>
  metrics.flatMap((row) => {
    const { iteration } = row;
    const y = row[`dev_${name}`];
    return typeof iteration === 'number' && typeof y === 'number' ? [{ x: iteration, y }] : [];
  });

/** Costs and shares of one seed, over all its training iterations. */
function costsOf(metrics: readonly Row[]) {
  const training = metrics.filter((row) => Number(row.iteration) > 0);
  const per = (name: string, of: string) => ratio(total(training, name), total(training, of));
  // What was sampled for questions that are then dropped is a cost of those that are used.
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

/** Null if no row has it: a cost that was not recorded is not a cost of 0. */
function total(rows: readonly Row[], name: string): number | null {
  const values = rows.map((row) => number(row[name])).filter((value) => value !== null);
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0);
}

const ratio = (value: number | null, to: number | null | undefined): number | null =>
  value === null || to === null || to === undefined || to === 0 ? null : value / to;
