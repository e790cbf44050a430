import type { Row } from '../bench/cell.ts';
import { InputError } from '../core/errors.ts';
import { COMPARISON_COLUMNS, COSTS } from './columns.ts';
import { estimate } from './statistics.ts';

/** One cell as the comparison sees it. */
export interface ComparedCell {
  readonly environment: string;
  /** Name in the suite. */
  readonly algorithm: string;
  /** Id of the algorithm, to find GRPO. */
  readonly algorithmId: string;
  readonly status: 'finished' | 'failed' | 'missing';
  /** Rows of METRIC_COLUMNS; empty unless finished. */
  readonly metrics: readonly Row[];
  /** Fingerprint of its environment (data, corpus, retrieval, options); undefined unless finished. */
  readonly fingerprint: string | undefined;
  /** The environment's options, to say what differs. */
  readonly options: Readonly<Record<string, unknown>>;
  /** Which run it is of, where there are several: ratios are within a run. */
  readonly run?: number;
}

/**
 * Compares algorithms: one row (COMPARISON_COLUMNS) per environment and algorithm, in the order of the cells.
 * The seed is the unit of replication: every number is first made per seed, then averaged. Ratios are to the
 * entry of the same run that is named 'grpo', or else to the first whose algorithm is grpo.
 * @param allowMixed compares cells of one environment although their data or retrieval differ.
 * @throws InputError when they do and it was not allowed.
 */
export function compare(cells: readonly ComparedCell[], allowMixed = false): readonly Row[] {
  if (!allowMixed) refuseMixed(cells);
  const groups = new Map<string, ComparedCell[]>();
  for (const cell of cells) {
    const key = JSON.stringify([cell.environment, cell.algorithm]);
    groups.set(key, [...(groups.get(key) ?? []), cell]);
  }
  const rows = [...groups.values()].map((group) => ({ group: group[0]!, row: summarize(group) }));
  return rows.map(({ group, row }) => {
    const peers = rows.filter(
      (peer) => peer.group.environment === group.environment && peer.group.run === group.run,
    );
    const grpo =
      peers.find((peer) => peer.group.algorithm === 'grpo') ??
      peers.find((peer) => peer.group.algorithmId.split('/')[0] === 'grpo');
    const ratios = COSTS.map((name) => [`${name}_ratio`, ratio(row[name], grpo?.row[name])]);
    return complete({ ...row, ...Object.fromEntries(ratios) });
  });
}

/** Another corpus, index or top-k is another task: its scores are not comparable. */
function refuseMixed(cells: readonly ComparedCell[]): void {
  const first = new Map<string, ComparedCell & { fingerprint: string }>();
  for (const one of cells) {
    const { fingerprint } = one;
    if (fingerprint === undefined) continue;
    const cell = { ...one, fingerprint };
    const other = first.get(cell.environment) ?? cell;
    first.set(cell.environment, other);
    if (fingerprint === other.fingerprint) continue;
    const names = [...new Set([...Object.keys(other.options), ...Object.keys(cell.options)])];
    const show = (value: unknown): string => JSON.stringify(value) ?? 'absent';
    const differing = names
      .filter((name) => show(other.options[name]) !== show(cell.options[name]))
      .map((name) => `${name} ${show(other.options[name])} and ${show(cell.options[name])}`);
    throw new InputError(
      `${cell.environment}: ${other.algorithm} and ${cell.algorithm} were run on different data or retrieval (fingerprints ${other.fingerprint.slice(0, 12)} and ${cell.fingerprint.slice(0, 12)}); differing options: ${differing.join(', ') || 'none, so the data itself'}; valid: results of one fingerprint, or --allow-mixed`,
    );
  }
}

const complete = (row: Row): Row =>
  Object.fromEntries(COMPARISON_COLUMNS.map(({ name }) => [name, row[name] ?? null]));

function summarize(group: readonly ComparedCell[]): Row {
  const { environment, algorithm } = group[0]!;
  const count = (status: ComparedCell['status']) => group.filter((cell) => cell.status === status).length;
  const seeds = group.filter((cell) => cell.status === 'finished').map((cell) => summarizeSeed(cell.metrics));
  const mean = (name: keyof SeedSummary) => {
    const values = seeds.map((seed) => seed[name]).filter((value) => value !== null);
    return values.length === 0 ? null : estimate(values);
  };
  const gain = mean('gain');
  return {
    environment,
    algorithm,
    seeds: seeds.length,
    failed: count('failed'),
    missing: count('missing'),
    iterations: mean('iterations')?.mean ?? null,
    ...describeInterval('dev_f1', mean('f1')),
    dev_f1_start: mean('start')?.mean ?? null,
    dev_f1_gain: gain?.mean ?? null,
    dev_f1_gain_standard_errors: gain?.standardError ? gain.mean / gain.standardError : null,
    ...describeInterval('dev_em', mean('em')),
    ...Object.fromEntries(COSTS.map((name) => [name, mean(name)?.mean ?? null])),
    action_entropy: mean('entropy')?.mean ?? null,
    truncated_share: mean('truncated')?.mean ?? null,
    zero_signal_share: mean('zeroSignal')?.mean ?? null,
  };
}

function describeInterval(name: string, value: ReturnType<typeof estimate> | null): Row {
  if (value === null) return {};
  const { mean, halfWidth } = value;
  if (halfWidth === null) return { [name]: mean };
  return {
    [name]: mean,
    [`${name}_half_width`]: halfWidth,
    [`${name}_low`]: mean - halfWidth,
    [`${name}_high`]: mean + halfWidth,
  };
}

type SeedSummary = Record<
  | 'iterations'
  | 'start'
  | 'f1'
  | 'em'
  | 'gain'
  | 'entropy'
  | 'truncated'
  | 'zeroSignal'
  | (typeof COSTS)[number],
  number | null
>;

function summarizeSeed(metrics: readonly Row[]): SeedSummary {
  const training = metrics.filter((row) => Number(row.iteration) > 0);
  const evaluated = metrics.filter((row) => number(row.dev_f1) !== null);
  const start = number(metrics.find((row) => row.iteration === 0)?.dev_f1);
  const last = evaluated.at(-1);
  const f1 = number(last?.dev_f1);
  const per = (name: string, of: string) => ratio(total(training, name), total(training, of));
  return {
    iterations: number(metrics.at(-1)?.iteration),
    start,
    f1,
    em: number(last?.dev_em),
    gain: f1 === null || start === null ? null : f1 - start,
    entropy: number(training.at(-1)?.action_entropy),
    truncated: per('truncated', 'trajectories'),
    zeroSignal: per('zero_signal_questions', 'questions'),
    update_actions: per('update_actions', 'questions'),
    rollout_actions: per('rollout_actions', 'questions'),
    generated_tokens: per('generated_tokens', 'questions'),
    environment_calls: per('environment_calls', 'questions'),
  };
}

const number = (value: Row[string] | undefined) => (typeof value === 'number' ? value : null);

const total = (rows: readonly Row[], name: string) =>
  rows.reduce((sum, row) => sum + (number(row[name]) ?? 0), 0);

function ratio(value: Row[string] | undefined, to: Row[string] | undefined): number | null {
  return typeof value === 'number' && typeof to === 'number' && to !== 0 ? value / to : null;
}
