import { createResamples } from '../bench/stats/bootstrap.ts';
import { performanceProfile } from '../bench/stats/profile.ts';
import { InputError } from '../core/errors.ts';
import { createRandom } from '../core/random.ts';
import type { Analysis, AnalysisOptions, ComparedCell, GroupAnalysis, ProfilePoint } from './analyzed.ts';
import { analyzeGroups } from './groups.ts';
import { refuseMixed } from './mixed.ts';
import { analyzePairs } from './pairs.ts';

const REPLICATES = 5000;
/** Places in the range of a score at which profiles are taken. */
const PLACES = Array.from({ length: 101 }, (_, index) => index / 100);

/**
 * Turns cells into everything that reports say, in the order of the cells. The seed is the unit of replication:
 * every number is first made per seed. Deterministic: the bootstrap draws from `options.seed`.
 * @throws InputError when data or retrieval of one environment differ and that was not allowed, or an option is
 *   not valid.
 */
export function analyze(cells: readonly ComparedCell[], options: AnalysisOptions = {}): Analysis {
  if (options.allowMixed !== true) refuseMixed(cells);
  const { seed = 0, replicates = REPLICATES, anchors = {}, threshold = null } = options;
  if (!(Number.isSafeInteger(replicates) && replicates >= 100)) {
    throw new InputError(`replicates: ${replicates} is not valid; valid: whole number from 100`);
  }
  const resamples = createResamples(createRandom(seed).split('analysis'), replicates);
  const groups = analyzeGroups(cells, { resamples, anchors, threshold });
  return {
    groups,
    pairs: analyzePairs(groups, resamples, options.baseline),
    profiles: groups.flatMap(profileOf),
    unfinished: cells.flatMap(({ environment, algorithm, seed, status }) =>
      status === 'finished' ? [] : [{ environment, algorithm, seed, status }],
    ),
    options: { threshold, anchors, seed, replicates, confidence: 0.95 },
  };
}

function profileOf({ environment, algorithm, declared, seeds }: GroupAnalysis): readonly ProfilePoint[] {
  const scores = seeds.map(({ score }) => score).filter((score) => score !== null);
  if (scores.length === 0 || declared === null) return [];
  const [low, high] = declared.range;
  const thresholds = low === high ? [low] : PLACES.map((place) => low + (high - low) * place);
  return performanceProfile(scores, thresholds).map((share, index) => ({
    environment,
    algorithm,
    declared,
    threshold: thresholds[index]!,
    share,
  }));
}
