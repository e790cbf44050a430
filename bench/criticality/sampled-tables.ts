import type { Random } from '../../core/random.ts';
import type { Policy } from '../../policies/policy.ts';
import type { Row } from '../cell.ts';
import { histogram } from '../stats/histogram.ts';
import { ENTROPY_COLUMNS, HISTOGRAM_COLUMNS, SAMPLED_STATE_COLUMNS } from './columns.ts';
import type { SampledState } from './sampled.ts';
import { type CriticalityTables, commonTables } from './tables.ts';

/** Bins of entropies per token, and how wide they are. */
const ENTROPY_WIDTH = 0.25;

/**
 * The tables of states of which only samples are known: states, histogram (Fig. 2a), entropy-histogram (Fig. 2b),
 * prediction, groups. All of criticality is sampled here, so it has the noise of K samples in it.
 */
export function sampledTables(request: {
  readonly states: readonly SampledState[];
  readonly entropies: Policy['entropies'];
  readonly threshold: number;
  readonly rewardRange: readonly [number, number];
  readonly random: Random;
}): CriticalityTables {
  const { states, threshold, random } = request;
  const groupings = [
    { by: 'all', groupOf: () => 'all' },
    { by: 'depth', groupOf: ({ depth }: SampledState) => depth },
  ];
  return {
    states: {
      columns: SAMPLED_STATE_COLUMNS,
      rows: states.map((state) => stateRow(state, request.entropies)),
    },
    histogram: { columns: HISTOGRAM_COLUMNS, rows: criticalityHistogram(request) },
    'entropy-histogram': { columns: ENTROPY_COLUMNS, rows: entropyHistogram(states, threshold) },
    ...commonTables({ states, threshold, random }, groupings),
  };
}

function stateRow(state: SampledState, entropies: Policy['entropies']): Row {
  const { returns } = state;
  return {
    question: state.task.id,
    question_kind: state.task.kind,
    hops: state.task.hops,
    depth: state.depth,
    observation: state.prompt.text,
    sampled_action: state.action,
    entropy: state.entropy,
    entropy_is: entropies ?? 'exact',
    surprisal: state.surprisal,
    criticality: state.criticality,
    mean_return: returns.reduce((sum, value) => sum + value, 0) / returns.length,
    samples: returns.length,
  };
}

/** Ten bins up to the greatest possible criticality, and more because the divisor K - 1 lets estimates exceed it. */
function criticalityHistogram({
  states,
  rewardRange: [lowest, highest],
}: Parameters<typeof sampledTables>[0]): readonly Row[] {
  const samples = states[0]!.returns.length;
  const width = (highest - lowest) / 2 / 10;
  const bins = Math.ceil(10 * Math.sqrt(samples / (samples - 1)) - 1e-9);
  const values = states.map(({ criticality }) => criticality);
  return histogram(values, { low: 0, high: width * bins, bins }).map(({ low, high, count }) => ({
    estimator: 'sampled',
    bin_low: low,
    bin_high: high,
    count,
    share: count / values.length,
  }));
}

function entropyHistogram(states: readonly SampledState[], threshold: number): readonly Row[] {
  const most = Math.max(...states.map(({ entropy }) => entropy), ENTROPY_WIDTH);
  const bins = Math.ceil(most / ENTROPY_WIDTH - 1e-9);
  return ['high', 'low'].flatMap((group) => {
    const members = states.filter(({ criticality }) => criticality > threshold === (group === 'high'));
    const entropies = members.map(({ entropy }) => entropy);
    return histogram(entropies, { low: 0, high: bins * ENTROPY_WIDTH, bins }).map(({ low, high, count }) => ({
      group,
      bin_low: low,
      bin_high: high,
      count,
      share: members.length === 0 ? null : count / members.length,
    }));
  });
}
