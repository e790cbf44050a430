import type { Resamples } from '../bench/stats/bootstrap.ts';
import { holm } from '../bench/stats/holm.ts';
import { improvementInterval } from '../bench/stats/improvement.ts';
import { interval } from '../bench/stats/interval.ts';
import { pairedTestP } from '../bench/stats/paired.ts';
import { InputError } from '../core/errors.ts';
import { variance } from '../core/statistics.ts';
import type { GroupAnalysis, PairAnalysis } from './analysis.ts';
import { findGrpo } from './groups.ts';

/**
 * Every algorithm against its baseline, and, where several runs have an algorithm, every later run of it against
 * the first: seed by seed, since equal seeds meet the same questions and the same random numbers. Holm's adjustment counts
 * every comparison in here, of all environments.
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
  const pairs = planned.map(({ group, other }) => analyzePair(group, other, resamples));
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
  const shared = group.seeds.flatMap((one) => {
    const two = other.seeds.find(({ seed }) => seed === one.seed);
    return one.f1 === null || two === undefined || two.f1 === null
      ? []
      : [{ scores: [one.f1, two.f1] as const, one, two }];
  });
  const pairs = shared.length;
  const unpaired = group.finished + other.finished - 2 * pairs;
  if (pairs === 0) return { ...names, pairs, unpaired, ...nothing, note: 'no seed that both finished' };
  const differences = shared.map(({ scores: [one, two] }) => one - two);
  const p = pairedTestP(differences);
  const notes = [
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
