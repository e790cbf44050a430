import fc from 'fast-check';
import type { AnyAlgorithm } from '../../algorithms/algorithm.ts';
import { type Audit, type AuditObjective, audit } from './audit.ts';
import type { Estimator } from './estimators/estimator.ts';
import { countEpisodes, describeMdp, type MdpChoice, playable, smallMdp } from './small-mdp.ts';
import type { Verdict } from './verdict.ts';

/**
 * What an expectation must be on every random MDP; `biased`: on one of them at least.
 * `zero` is 0 whatever the truth. `scaled` allows any positive factor per MDP, 1 included, unless `factor` says which.
 * `shifted` (advantages only) allows one offset per state, 0 included.
 */
export type BiasExpectation = 'unbiased' | 'zero' | 'scaled' | 'shifted' | 'biased';

export interface CheckBiasOptions {
  /** Of the expected gradient; or of the gradient, of the advantage given the state and action, or of both. */
  readonly expect:
    | Exclude<BiasExpectation, 'shifted'>
    | {
        readonly gradient?: Exclude<BiasExpectation, 'shifted'>;
        readonly advantage?: BiasExpectation;
      };
  /** The factor that `scaled` must have, from the rollouts per question and the algorithm's options. */
  readonly factor?: (context: { readonly rollouts: number; readonly options: unknown }) => number;
  /** Random MDPs. Default 50. */
  readonly runs?: number;
  /** Default 0. */
  readonly seed?: number;
  /** Replays one case: the path that a failure printed, with the same seed. */
  readonly path?: string;
  /** Says the advantages in place of the algorithm's credit rule: see `AuditRequest`. */
  readonly estimator?: Estimator;
  /** See `AuditObjective`. Default 'plain'. */
  readonly objective?: AuditObjective;
  /** Options of the algorithm. They win over those of its `budget`. */
  readonly options?: Record<string, unknown>;
  /** Size of the MDPs: most actions of an episode and of a choice. Default 3 and 3. */
  readonly depth?: number;
  readonly branching?: number;
  /** Cases with more outcomes than this are passed over. Default 2000. */
  readonly limit?: number;
}

/** What `checkBias` saw. */
export interface BiasReport {
  /** MDPs that were enumerated, those of shrinking included. */
  readonly audited: number;
  /** For 'biased': the smallest biased MDP that was found, with its table, as text. */
  readonly witnesses: readonly string[];
}

interface Case {
  readonly mdp: MdpChoice;
  readonly rollouts: number;
}

type Target = 'gradient' | 'advantage';

/**
 * Property test of an algorithm's bias: audits its whole pipeline exactly on random decision trees with random
 * policies and budgets of 2 to 4 rollouts, and compares the verdicts with what is expected of it.
 * @throws Error when the expectation fails, with the smallest MDP that shows it, its components, and the seed and
 * path that replay it; also when the algorithm throws, and when no case said anything.
 */
export async function checkBias(algorithm: AnyAlgorithm, request: CheckBiasOptions): Promise<BiasReport> {
  const expected = typeof request.expect === 'string' ? { gradient: request.expect } : request.expect;
  const witnesses: string[] = [];
  let audited = 0;
  for (const target of ['gradient', 'advantage'] as const) {
    const kind = expected[target];
    if (kind === undefined) continue;
    const report = await checkTarget(algorithm, request, target, kind);
    audited += report.audited;
    if (report.witness !== undefined) witnesses.push(report.witness);
  }
  return { audited, witnesses };
}

async function checkTarget(
  algorithm: AnyAlgorithm,
  request: CheckBiasOptions,
  target: Target,
  kind: BiasExpectation,
): Promise<{ readonly audited: number; readonly witness?: string }> {
  const { runs = 50, seed = 0, path, limit = 2000 } = request;
  let audited = 0;
  let telling = 0;
  const property = fc.asyncProperty(caseArbitrary(request, limit), async (example) => {
    const { result, options } = await examine(algorithm, request, example, limit);
    fc.pre(result.method === 'exact');
    audited++;
    const verdict = result[target];
    if (result.trainedActions > 0 && !isFlat(verdict)) telling++;
    const factor = request.factor?.({ rollouts: example.rollouts, options });
    return kind === 'biased' ? verdict.kind !== 'biased' : holds(verdict, kind, factor);
  });
  const run = await fc.check(property, {
    numRuns: runs,
    seed,
    ...(path === undefined ? {} : { path }),
    maxSkipsPerRun: 1000,
  });
  const found = run.counterexample?.[0];
  if (found === undefined) {
    if (kind === 'biased') {
      throw new Error(
        `${algorithm.id}: the ${target} was biased on none of ${audited} random MDPs, expected one`,
      );
    }
    if (telling === 0) {
      throw new Error(`${algorithm.id}: nothing was learnt on any of ${audited} random MDPs; is it trained?`);
    }
    return { audited };
  }
  // fast-check reports a property that answered false with an error of its own; a throw keeps its message.
  const { result, options } = await examine(algorithm, request, found, limit).catch((error: unknown) => {
    throw new Error(
      `${algorithm.id}: threw on this MDP with ${found.rollouts} rollouts:\n${describeMdp(found.mdp)}\n${error}`,
      { cause: error },
    );
  });
  const text = describeCase(found, result[target], target, changed(algorithm, options));
  if (kind === 'biased') return { audited, witness: text };
  const wanted = request.factor?.({ rollouts: found.rollouts, options });
  const goal = kind === 'scaled' && wanted !== undefined ? `scaled by ${wanted}` : kind;
  throw new Error(
    [
      `${algorithm.id}: the expected ${target} is ${spell(result[target])}, should be ${goal}.`,
      `Found in run ${run.numRuns} of ${runs}, made smaller ${run.numShrinks} times:`,
      text,
      `Replay with { seed: ${seed}, path: '${run.counterexamplePath}' }.`,
    ].join('\n'),
  );
}

/** A tree and a budget whose independent rollouts have at most `limit` outcomes. */
function caseArbitrary({ depth = 3, branching = 3 }: CheckBiasOptions, limit: number): fc.Arbitrary<Case> {
  return fc
    .record({ mdp: smallMdp({ depth, branching }), rollouts: fc.integer({ min: 2, max: 4 }) })
    .filter(({ mdp, rollouts }) => countEpisodes(mdp) ** rollouts <= limit);
}

async function examine(
  algorithm: AnyAlgorithm,
  request: CheckBiasOptions,
  { mdp, rollouts }: Case,
  limit: number,
): Promise<{ readonly result: Audit; readonly options: object }> {
  const options: object = algorithm.schema.parse({ ...algorithm.budget(rollouts), ...request.options });
  const result = await audit({
    algorithm,
    options,
    ...playable(mdp),
    ...(request.estimator === undefined ? {} : { estimator: request.estimator }),
    objective: request.objective ?? 'plain',
    limit,
    samples: 2, // a case beyond the limit is passed over
  });
  return { result, options };
}

/** The options that are not defaults. */
function changed(algorithm: AnyAlgorithm, options: unknown): Record<string, unknown> {
  const defaults = algorithm.schema.parse({}) as Record<string, unknown>;
  return Object.fromEntries(
    Object.entries(options as Record<string, unknown>).filter(
      ([key, value]) => JSON.stringify(value) !== JSON.stringify(defaults[key]),
    ),
  );
}

function holds(verdict: Verdict, kind: BiasExpectation, factor: number | undefined): boolean {
  const still = verdict.kind === 'none' || isFlat(verdict);
  switch (kind) {
    case 'scaled':
      if (verdict.kind === 'scaled' || verdict.kind === 'unbiased') {
        return factor === undefined || still || Math.abs(verdict.factor - factor) <= 1e-6 * Math.abs(factor);
      }
      return verdict.kind === 'none';
    case 'zero':
      return verdict.kind === 'zero' || still;
    case 'shifted':
      return verdict.kind === 'shifted' || verdict.kind === 'unbiased' || verdict.kind === 'none';
    default:
      return verdict.kind === kind || verdict.kind === 'none';
  }
}

/** Nothing to learn, up to rounding: no factor can be determined. */
function isFlat({ components }: Verdict): boolean {
  return components.every(({ exact }) => Math.abs(exact) < 1e-9);
}

function spell({ kind, factor }: Verdict): string {
  return kind === 'scaled' ? `scaled by ${factor.toPrecision(6)}` : kind;
}

function describeCase({ mdp, rollouts }: Case, verdict: Verdict, target: Target, options: unknown): string {
  const components = verdict.components.filter(({ expected }) => !Number.isNaN(expected));
  const width = Math.max(...components.map(({ name }) => name.length), 'component'.length);
  const row = (name: string, ...cells: readonly string[]): string =>
    [name.padEnd(width), ...cells.map((cell) => cell.padStart(12))].join(' ');
  const worst = components.reduce((a, b) =>
    Math.abs(b.expected - b.exact) > Math.abs(a.expected - a.exact) ? b : a,
  );
  return [
    describeMdp(mdp),
    `${rollouts} rollouts, options ${JSON.stringify(options)}`,
    row(target, 'exact', 'expected'),
    ...components.map((component) => {
      const cells = [component.exact, component.expected].map((value) => value.toPrecision(6));
      return row(component.name, ...cells) + (component === worst ? '  <- farthest off' : '');
    }),
  ].join('\n');
}
