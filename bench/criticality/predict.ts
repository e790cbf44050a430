import { type Random, shuffled } from '../../core/random.ts';
import { errorRates, youdenThreshold } from '../stats/classify.ts';
import { type ClusteredEstimate, clusterBootstrap } from '../stats/cluster-bootstrap.ts';
import { pearson, spearman } from '../stats/correlation.ts';
import { type BrunnerMunzel, brunnerMunzel, rocAuc } from '../stats/rank.ts';
import type { MeasuredState } from './measure.ts';

/** How uncertain the policy is at a state: exact entropy, or the surprisal of one sampled action (CARL). */
export const UNCERTAINTIES = ['entropy', 'surprisal'] as const;
export type Uncertainty = (typeof UNCERTAINTIES)[number];

/** How well an uncertainty tells states of high criticality (above a threshold) from the others. */
export interface Prediction {
  readonly uncertainty: Uncertainty;
  readonly states: number;
  readonly questions: number;
  /** States of high criticality. */
  readonly high: number;
  /** As published, with every state as an independent observation; null if it does not apply. */
  readonly brunnerMunzel: BrunnerMunzel | null;
  /** Errors take the question as the unit. */
  readonly cliffsDelta: ClusteredEstimate;
  readonly auc: ClusteredEstimate;
  readonly pearson: ClusteredEstimate;
  readonly spearman: ClusteredEstimate;
  /** The rule "high where the uncertainty is above the cut", chosen on half of the questions; */
  readonly cut: number | null;
  /** its errors on the other half, given the cut. */
  readonly falsePositive: ClusteredEstimate;
  readonly falseNegative: ClusteredEstimate;
}

/** What prediction looks at. */
export type ScoredState = Pick<MeasuredState, 'task' | 'entropy' | 'surprisal' | 'criticality'>;

interface Request<State extends ScoredState = ScoredState> {
  readonly states: readonly State[];
  /** Criticality above this is high; the paper looks at 0.4. */
  readonly threshold: number;
  readonly random: Random;
  /** Bootstrap replicates, default 500. */
  readonly replicates?: number;
}

/** Everything that Fig. 2b of the paper shows and what a user of the rule would ask. */
export function predict(request: Request & { readonly uncertainty: Uncertainty }): Prediction {
  const { states, uncertainty, threshold, random } = request;
  const replicates = request.replicates === undefined ? {} : { replicates: request.replicates };
  const scores = states.map((state) => state[uncertainty]);
  const criticality = states.map((state) => state.criticality);
  const high = criticality.map((value) => value > threshold);
  const clusters = states.map(({ task }) => task.id);
  const association = clusterBootstrap({
    clusters,
    random: random.split('association'),
    ...replicates,
    statistics: (items) => {
      const x = items.map((item) => scores[item]!);
      const y = items.map((item) => criticality[item]!);
      const auc = rocAuc(
        x,
        items.map((item) => high[item]!),
      );
      return {
        auc,
        cliffsDelta: auc === null ? null : 2 * auc - 1,
        pearson: pearson(x, y),
        spearman: spearman(x, y),
      };
    },
  });

  const [fit, heldOut] = halves(clusters, random.split('halves'));
  const cut = youdenThreshold(
    fit.map((item) => scores[item]!),
    fit.map((item) => high[item]!),
  );
  const rates = clusterBootstrap({
    clusters: heldOut.map((item) => clusters[item]!),
    random: random.split('held out'),
    ...replicates,
    statistics: (items) => {
      if (cut === null) return { falsePositive: null, falseNegative: null };
      const chosen = items.map((item) => heldOut[item]!);
      const { falsePositive, falseNegative } = errorRates(
        chosen.map((item) => scores[item]!),
        chosen.map((item) => high[item]!),
        cut,
      );
      return { falsePositive, falseNegative };
    },
  });
  return {
    uncertainty,
    states: states.length,
    questions: new Set(clusters).size,
    high: high.filter(Boolean).length,
    brunnerMunzel: brunnerMunzel(
      scores.filter((_, index) => !high[index]),
      scores.filter((_, index) => high[index]),
    ),
    ...association,
    cut,
    ...rates,
  };
}

/** Items of one half of the clusters, drawn at random, and of the other. */
function halves(
  clusters: readonly string[],
  random: Random,
): readonly [readonly number[], readonly number[]] {
  const order = shuffled([...new Set(clusters)], random);
  const first = new Set(order.slice(0, Math.ceil(order.length / 2)));
  const items = [...clusters.keys()];
  return [
    items.filter((item) => first.has(clusters[item]!)),
    items.filter((item) => !first.has(clusters[item]!)),
  ];
}

/** Mean criticality and uncertainty of a group of states. */
export interface GroupSummary {
  /** What the states are grouped by: 'all', 'depth', 'move' (sampled there), 'likely move'. */
  readonly by: string;
  readonly group: string;
  readonly states: number;
  readonly questions: number;
  readonly criticality: ClusteredEstimate;
  /** Share of states with criticality below 0.01 ("about 0"). */
  readonly zeroShare: ClusteredEstimate;
  /** Share of states above the threshold. */
  readonly highShare: ClusteredEstimate;
  readonly entropy: ClusteredEstimate;
}

/** Criticality below this counts as "about 0". The paper gives no number. */
export const ABOUT_ZERO = 0.01;

/** One summary per group, in the order in which `groupOf` first names them (numbers ascending). */
export function summarise<State extends ScoredState>(
  request: Request<State> & { readonly by: string; readonly groupOf: (state: State) => string | number },
): readonly GroupSummary[] {
  const { states, threshold, by, groupOf, random } = request;
  const groups = new Map<string | number, State[]>();
  for (const state of states) groups.set(groupOf(state), [...(groups.get(groupOf(state)) ?? []), state]);
  const order = [...groups].sort(([a], [b]) => (typeof a === 'number' && typeof b === 'number' ? a - b : 0));
  return order.map(([group, members]): GroupSummary => {
    const average = (items: readonly number[], of: (state: State) => number): number =>
      items.reduce((sum, item) => sum + of(members[item]!), 0) / items.length;
    const estimates = clusterBootstrap({
      clusters: members.map(({ task }) => task.id),
      random: random.split(by, group),
      ...(request.replicates === undefined ? {} : { replicates: request.replicates }),
      statistics: (items) => ({
        criticality: average(items, (state) => state.criticality),
        zeroShare: average(items, (state) => Number(state.criticality < ABOUT_ZERO)),
        highShare: average(items, (state) => Number(state.criticality > threshold)),
        entropy: average(items, (state) => state.entropy),
      }),
    });
    return {
      by,
      group: String(group),
      states: members.length,
      questions: new Set(members.map(({ task }) => task.id)).size,
      ...estimates,
    };
  });
}

/** How the sampled estimates compare to the exact values. */
export interface Agreement {
  readonly states: number;
  readonly samples: number;
  /** Means over states: exact, sampled, and what sampling is expected to give (its bias is in it). */
  readonly exact: number;
  readonly sampled: number;
  readonly expected: number;
  /** Standard deviation of the mean sampled value; states are sampled independently. */
  readonly standardError: number;
  /** (sampled - expected) / standard error: standard normal when both paths are right. */
  readonly z: number;
  /** Share of states whose estimate lies within two of its standard deviations of its expectation. */
  readonly withinTwo: number;
}

/** Null if nothing was sampled or no state has an error to compare with. */
export function agreement(states: readonly MeasuredState[], samples: number): Agreement | null {
  if (samples === 0) return null;
  const count = states.length;
  const average = (of: (state: MeasuredState) => number): number =>
    states.reduce((sum, state) => sum + of(state), 0) / count;
  const variance = states.reduce((sum, state) => sum + state.sampledDeviation! ** 2, 0);
  const standardError = Math.sqrt(variance) / count;
  const [sampled, expected] = [average((s) => s.sampled!), average((s) => s.sampledExpected!)];
  return {
    states: count,
    samples,
    exact: average((s) => s.outcomeDeviation),
    sampled,
    expected,
    standardError,
    z: standardError === 0 ? 0 : (sampled - expected) / standardError,
    withinTwo: average((s) =>
      Number(Math.abs(s.sampled! - s.sampledExpected!) <= 2 * s.sampledDeviation! + 1e-12),
    ),
  };
}
