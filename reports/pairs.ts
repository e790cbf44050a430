import type { Resamples } from '../bench/stats/bootstrap.ts';
import { holm } from '../bench/stats/holm.ts';
import { improvementInterval } from '../bench/stats/improvement.ts';
import { interval } from '../bench/stats/interval.ts';
import { pairedTestP } from '../bench/stats/paired.ts';
import { InputError } from '../core/errors.ts';
import { variance } from '../core/statistics.ts';
import type { GroupAnalysis, PairAnalysis, SeedAnalysis } from './analyzed.ts';
import { findGrpo } from './groups.ts';
import { commonScore, hasSeveralScores } from './score.ts';

/**
 * Every algorithm against its baseline, and, where several runs have an algorithm, every later run of it against
 * the first: seed by seed, since equal seeds meet the same questions and the same random numbers. Holm's adjustment counts
 * every comparison in here, of all environments. A cell is never compared with itself: two folders may share it.
 * @param baseline see AnalysisOptions.
 * @throws InputError when no algorithm has that name.
 */
export function analyzePairs(
  groups: readonly GroupAnalysis[],
  resamples: Resamples,
  baseline?: string,
): readonly PairAnalysis[] {
  const isNamed = (group: GroupAnalysis) => group.algorithm === baseline || group.entry === baseline;
  if (baseline !== undefined && !groups.some(isNamed)) {
    const names = [...new Set(groups.map((group) => group.algorithm))];
    throw new InputError(`baseline: '${baseline}' is not known; valid: ${names.join(', ')}`);
  }
  const planned = groups.flatMap((group) => {
    const peers = groups.filter((peer) => peer.environment === group.environment);
    const others = new Set([baselineOf(group, peers, baseline), earlierRun(group, peers)]);
    return [...others].flatMap((other) => (other === undefined || other === group ? [] : [{ group, other }]));
  });
  const seen = new Map<string, string>();
  const pairs = planned.map(({ group, other }) => {
    const pair = analyzePair(group, other, resamples);
    const cells = sharedSeeds(group, other).map(({ one, two }) => [one.cell, two.cell]);
    if (pair.p === null || cells.flat().includes(undefined)) return pair;
    // Two folders that share cells give the same comparison twice; it is one test.
    const key = JSON.stringify(cells);
    const earlier = seen.get(key);
    if (earlier === undefined) seen.set(key, `${pair.algorithm} against ${pair.baseline}`);
    return earlier === undefined
      ? pair
      : {
          ...pair,
          p: null,
          note: [pair.note, `the same cells as ${earlier}: not tested again`]
            .filter((one) => one !== null)
            .join('; '),
        };
  });
  const tested = pairs.flatMap(({ p }, index) => (p === null ? [] : [{ index, p }]));
  const adjusted = new Map(holm(tested.map(({ p }) => p)).map((p, at) => [tested[at]!.index, p]));
  return pairs.map((pair, index) => ({
    ...pair,
    adjustedP: adjusted.get(index) ?? null,
    comparisons: tested.length,
  }));
}

function baselineOf(
  group: GroupAnalysis,
  peers: readonly GroupAnalysis[],
  name: string | undefined,
): GroupAnalysis | undefined {
  const own = peers.filter((peer) => peer.run === group.run);
  if (name === undefined) return findGrpo(own) ?? findGrpo(peers) ?? peers[0];
  return (
    peers.find((peer) => peer.algorithm === name) ??
    own.find((peer) => peer.entry === name) ??
    peers.find((peer) => peer.entry === name)
  );
}

const earlierRun = (group: GroupAnalysis, peers: readonly GroupAnalysis[]): GroupAnalysis | undefined =>
  peers.find((peer) => peer.entry === group.entry && peer.run < group.run);

function analyzePair(group: GroupAnalysis, other: GroupAnalysis, resamples: Resamples): PairAnalysis {
  const names = {
    environment: group.environment,
    algorithm: group.algorithm,
    baseline: other.algorithm,
    declared: commonScore([group, other]),
  };
  const nothing = {
    difference: null,
    deviation: null,
    p: null,
    adjustedP: null,
    comparisons: 0,
    improvement: null,
  };
  if (
    group.fingerprint !== undefined &&
    other.fingerprint !== undefined &&
    group.fingerprint !== other.fingerprint
  ) {
    const unpaired = group.finished + other.finished;
    return { ...names, pairs: 0, unpaired, ...nothing, note: 'different data or retrieval: not compared' };
  }
  const finished = group.finished + other.finished;
  if (hasSeveralScores([group, other])) {
    return { ...names, pairs: 0, unpaired: finished, ...nothing, note: 'different scores: not compared' };
  }
  const shared = sharedSeeds(group, other);
  const pairs = shared.length;
  const unpaired = finished - 2 * pairs;
  const same = group.seeds.filter((one) => other.seeds.some((two) => isSameCell(one, two))).length;
  const sameNote =
    same === 0 ? null : `${same} ${same === 1 ? 'cell is' : 'cells are'} the same in both: not compared`;
  if (pairs === 0) {
    return { ...names, pairs, unpaired, ...nothing, note: sameNote ?? 'no seed that both finished' };
  }
  const differences = shared.map(({ scores: [one, two] }) => one - two);
  const p = pairedTestP(differences);
  const notes = [
    sameNote,
    pairs === 1 ? 'one seed: no interval' : null,
    differences.some(Number.isNaN) ? 'a score is not a number' : null,
    pairs > 1 && p === null && differences.every(Number.isFinite) ? 'no spread: not tested' : null,
    shared.some(({ one, two }) => one.iterations !== two.iterations) ? 'iterations differ' : null,
    shared.some(({ one, two }) => one.start !== two.start) ? 'scores before training differ' : null,
  ].filter((note) => note !== null);
  return {
    ...names,
    ...nothing,
    pairs,
    unpaired,
    difference: interval(differences, { resamples }),
    deviation: pairs < 2 ? null : Math.sqrt(variance(differences)),
    p,
    improvement:
      pairs < 2
        ? null
        : improvementInterval(
            shared.map(({ scores }) => scores),
            resamples,
          ),
    note: notes.length === 0 ? null : notes.join('; '),
  };
}

const isSameCell = (one: SeedAnalysis, two: SeedAnalysis): boolean =>
  one.cell !== undefined && one.cell === two.cell;

/** The seeds of which both have a score, as different cells. */
function sharedSeeds(group: GroupAnalysis, other: GroupAnalysis) {
  return group.seeds.flatMap((one) => {
    const two = other.seeds.find(({ seed }) => seed === one.seed);
    return one.score === null || two === undefined || two.score === null || isSameCell(one, two)
      ? []
      : [{ scores: [one.score, two.score] as const, one, two }];
  });
}
