import type { AnyAlgorithm, Head } from '../../algorithms/algorithm.ts';
import { configured } from '../../algorithms/configured.ts';
import { evaluateLoss, type Objective } from '../../algorithms/objective.ts';
import type { RolloutTree } from '../../algorithms/tree.ts';
import { createRandom, type Random } from '../../core/random.ts';
import type { AnyEnvironment, Task } from '../../envs/environment.ts';
import { lookAhead } from '../../envs/look-ahead.ts';
import type { Prompt, TrainablePolicy } from '../../policies/policy.ts';
import { rollout } from '../rollout/engine.ts';
import { trainingRows } from '../training/update.ts';
import { enumerate, TooManyOutcomes } from './enumerate.ts';
import { Moments } from './moments.ts';
import { exactGradient, type Oracle, solve } from './oracle.ts';
import { type Component, judge, type Verdict } from './verdict.ts';

/**
 * Which loss the advantages enter.
 * - `plain`: credit alone is judged. The sum over a trajectory's actions, averaged over trajectories; for
 *   credit by action the sum over all trained actions (field conventions of the policy gradient).
 * - `own`: the algorithm's own objective, its averages included. What training really follows.
 */
export type AuditObjective = 'plain' | 'own';

export interface AuditRequest {
  readonly algorithm: AnyAlgorithm;
  /** What differs from the algorithm's defaults; completed and checked by its schema. Default: nothing. */
  readonly options?: object;
  readonly environment: AnyEnvironment;
  readonly task: Task;
  /** Its parameters are named by `parameters`; tabular policies are what this is for. */
  readonly policy: TrainablePolicy;
  readonly objective?: AuditObjective;
  /**
   * What the critic of a method that has one says: the policy's exact state values (default), or 0 as before any
   * training. Other models that methods train say 0.
   */
  readonly critic?: 'exact' | 'zero';
  /** Most outcomes to enumerate; a larger case is estimated from `samples`. Default 200,000. */
  readonly limit?: number;
  /** Monte Carlo draws where enumeration is too large. Default 20,000. */
  readonly samples?: number;
  /** Seed of the Monte Carlo draws. Default 0. */
  readonly seed?: number;
  readonly signal?: AbortSignal;
}

export interface Audit {
  readonly algorithm: string;
  readonly environment: string;
  readonly method: 'exact' | 'monte carlo';
  /** Outcomes enumerated, or samples drawn. */
  readonly outcomes: number;
  /** Expected gradient against the exact gradient of the expected return. */
  readonly gradient: Verdict;
  /** Expected advantage of trained actions against the exact advantage. */
  readonly advantage: Verdict;
  /** Trace of the covariance of the gradient estimate. */
  readonly variance: number;
  /** E |g - grad J|^2. */
  readonly meanSquaredError: number;
  /** min over c >= 0 of E |c g - grad J|^2 / |grad J|^2: 0 is perfect, 1 no better than nothing. Free of scale. */
  readonly directionError: number;
  /** Expected generated tokens of one estimate. */
  readonly tokens: number;
  /** directionError * tokens: what one token's worth of estimates leaves, if errors average out. */
  readonly errorPerToken: number;
  /** Expected number of trained actions of one estimate. */
  readonly trainedActions: number;
  /** Cosine between the expected and the exact gradient. Hides flipped signs; see `gradient`. */
  readonly cosine: number;
}

/**
 * Audits one algorithm on one task: runs its whole pipeline (plan, sampling, credit, what is left out, loss)
 * once per possible outcome, or many times at random, and sets the expected gradient against the exact one.
 * @throws ZodError if an option is not valid, and what `solve` throws.
 */
export async function audit(request: AuditRequest): Promise<Audit> {
  const { environment, task, policy, signal, samples = 20_000, seed = 0 } = request;
  const algorithm = configured(request.algorithm, request.options);
  const sampling = { temperature: 1 };
  const abort = signal === undefined ? {} : { signal };
  const oracle = await solve({ environment, task, policy, sampling, ...abort });
  const truth = await exactGradient(oracle, policy, sampling);
  const exactAdvantages = advantageTable(oracle);
  const names = parameterNames(oracle, policy);
  const objective = request.objective === 'own' ? algorithm.objective : plainObjective(request.algorithm);
  const { heads, resampling } = algorithm;
  const valueAt = exactValues(oracle, request.critic ?? 'exact');
  const expert = lookAhead(environment);

  const pipeline = async (random: Random): Promise<Sample> => {
    const [grown] = await rollout({
      environment,
      policy,
      plan: algorithm.next,
      tasks: [task],
      random,
      sampling,
      measuring: { needs: algorithm.needs },
      expert,
    });
    const tree = withExactOutputs(grown!, heads, valueAt);
    // A tree that would be replaced by another question's teaches nothing here.
    const credit =
      resampling?.keep(tree) === false ? { actions: [] } : algorithm.credit([tree], random.split('credit'));
    const rows = trainingRows([tree], credit).map(
      // The reference is the audited policy itself, as at the start of a training.
      (row) => ({ ...row, referenceLogProbs: row.oldLogProbs }),
    );
    const ascent = await policy.gradient(
      rows.map((row) => row.record),
      (logProbs) =>
        evaluateLoss(objective, rows, logProbs).gradient.map((gradients) =>
          gradients.map((gradient) => -gradient),
        ),
      sampling,
    );
    const advantages = new Float64Array(exactAdvantages.names.length);
    const counts = new Float64Array(exactAdvantages.names.length);
    for (const row of rows) {
      const at = exactAdvantages.index.get(actionName(row.record.prompt.text, tree.edges[row.edge]!.action))!;
      advantages[at]! += row.advantages[0]!;
      counts[at]! += 1;
    }
    const tokens = tree.edges.reduce((sum, edge) => sum + edge.tokens.length, 0);
    return { gradient: Float64Array.from(ascent), advantages, counts, tokens, trained: rows.length };
  };

  const exact = new Totals(truth, exactAdvantages.names.length);
  let totals = exact;
  let method: Audit['method'] = 'exact';
  let outcomes: number;
  try {
    outcomes = await enumerate(pipeline, (sample, probability) => exact.add(sample, probability), {
      limit: request.limit ?? 200_000,
      ...abort,
    });
  } catch (error) {
    if (!(error instanceof TooManyOutcomes)) throw error;
    method = 'monte carlo';
    outcomes = samples;
    totals = new Totals(truth, exactAdvantages.names.length);
    const random = createRandom(seed).split('audit');
    for (let draw = 0; draw < samples; draw++) {
      signal?.throwIfAborted();
      totals.add(await pipeline(random.split(draw)), 1 / samples);
    }
  }
  const draws = method === 'exact' ? undefined : samples;
  const unit = Math.max(...environment.rewardRange.map(Math.abs));
  return {
    algorithm: request.algorithm.id,
    environment: environment.id,
    method,
    outcomes,
    gradient: judge(components(names, truth, totals.gradient, draws), { unit }),
    advantage: judge(
      components(exactAdvantages.names, exactAdvantages.values, totals.conditionalAdvantages(), draws),
      { shifts: true, unit },
    ),
    ...totals.summary(),
  };
}

interface Sample {
  readonly gradient: Float64Array;
  /** Sum of the advantages given to each state-action pair, and how often it was trained. */
  readonly advantages: Float64Array;
  readonly counts: Float64Array;
  readonly tokens: number;
  readonly trained: number;
}

/** Probability-weighted sums over samples. */
class Totals {
  readonly gradient: Moments;
  private readonly advantages: Moments;
  private readonly counts: Moments;
  private readonly products: Moments;
  private readonly truth: Float64Array;
  private squared = 0;
  private projected = 0;
  private tokens = 0;
  private trained = 0;

  constructor(truth: Float64Array, pairs: number) {
    this.truth = truth;
    this.gradient = new Moments(truth.length);
    this.advantages = new Moments(pairs);
    this.counts = new Moments(pairs);
    this.products = new Moments(pairs);
  }

  add(sample: Sample, probability: number): void {
    this.gradient.add(sample.gradient, probability);
    this.advantages.add(sample.advantages, probability);
    this.counts.add(sample.counts, probability);
    this.products.add(
      sample.advantages.map((value, index) => value * sample.counts[index]!),
      probability,
    );
    this.squared += probability * dot(sample.gradient, sample.gradient);
    this.projected += probability * dot(sample.gradient, this.truth);
    this.tokens += probability * sample.tokens;
    this.trained += probability * sample.trained;
  }

  /** E[sum of advantages] / E[count] per pair, with the delta method's variance per draw. */
  conditionalAdvantages(): Moments {
    const result = new Moments(this.counts.mean.length);
    for (let index = 0; index < result.mean.length; index++) {
      const count = this.counts.mean[index]!;
      if (count === 0) {
        result.mean[index] = Number.NaN;
        continue;
      }
      const ratio = this.advantages.mean[index]! / count;
      result.mean[index] = ratio;
      // E[(sum - ratio * count)^2] / E[count]^2
      const spread =
        this.advantages.square[index]! -
        2 * ratio * this.products.mean[index]! +
        ratio ** 2 * this.counts.square[index]!;
      result.square[index] = ratio ** 2 + Math.max(0, spread) / count ** 2;
    }
    return result;
  }

  summary() {
    const { mean } = this.gradient;
    const norm = dot(this.truth, this.truth);
    const directionError =
      norm === 0 || this.squared === 0 || this.projected <= 0
        ? 1
        : 1 - this.projected ** 2 / (this.squared * norm);
    return {
      variance: this.squared - dot(mean, mean),
      meanSquaredError: this.squared - 2 * this.projected + norm,
      directionError,
      tokens: this.tokens,
      errorPerToken: directionError * this.tokens,
      trainedActions: this.trained,
      cosine: dot(mean, this.truth) / Math.sqrt(dot(mean, mean) * norm),
    };
  }
}

function components(
  names: readonly Name[],
  truth: ArrayLike<number>,
  estimate: Moments,
  draws: number | undefined,
): readonly Component[] {
  return names.map(({ name, group }, index) => {
    const expected = estimate.mean[index]!;
    const variance = Math.max(0, estimate.square[index]! - expected ** 2);
    return {
      name,
      group,
      exact: truth[index]!,
      expected,
      standardError: draws === undefined ? 0 : Math.sqrt(variance / (draws - 1)),
    };
  });
}

/** The value of the state that a prompt shows. */
function exactValues({ states }: Oracle, critic: 'exact' | 'zero'): (prompt: Prompt) => number {
  if (critic === 'zero') return () => 0;
  const values = new Map([...states.values()].map(({ prompt, value }) => [prompt.text, value]));
  return ({ text }) => values.get(text)!;
}

/** The tree with what heads say: the critic what `valueAt` does, others 0. */
function withExactOutputs(
  tree: RolloutTree,
  heads: readonly Head[],
  valueAt: (prompt: Prompt) => number,
): RolloutTree {
  if (heads.length === 0) return tree;
  const edges = tree.edges.map((edge) => ({
    ...edge,
    outputs: Object.fromEntries(
      heads.map(({ name }) => {
        const value = name === 'critic' ? valueAt(tree.nodes[edge.from]!.prompt) : 0;
        return [name, edge.tokens.map(() => value)];
      }),
    ),
  }));
  return { ...tree, edges };
}

/** No clip can bind at ratio 1, so only the aggregation matters. */
function plainObjective(algorithm: AnyAlgorithm): Objective {
  return {
    clip: { low: 0.2, high: 0.2 },
    aggregation:
      algorithm.description.granularity === 'trajectory' ? 'sequence-mean-token-sum' : 'token-sum-norm',
  };
}

interface Name {
  readonly name: string;
  readonly group: string;
}

const actionName = (text: string, action: string): string => `${text}: ${action}`;

function advantageTable(oracle: Oracle) {
  const names: Name[] = [];
  const values: number[] = [];
  for (const { prompt, value, actionValues } of oracle.states.values()) {
    for (const [action, q] of actionValues.entries()) {
      names.push({ name: actionName(prompt.text, prompt.actions![action]!), group: prompt.text });
      values.push(q - value);
    }
  }
  return { names, values, index: new Map(names.map(({ name }, index) => [name, index])) };
}

/** Names of a tabular policy's parameters: state and action, in the policy's own order. */
function parameterNames(oracle: Oracle, policy: TrainablePolicy): readonly Name[] {
  const names: Name[] = [];
  for (const { prompt } of oracle.states.values()) {
    const offset = policy.promptTokens(prompt)[0]!;
    for (const [index, action] of prompt.actions!.entries()) {
      names[offset + index] = { name: actionName(prompt.text, action), group: prompt.text };
    }
  }
  return names;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let index = 0; index < a.length; index++) sum += a[index]! * b[index]!;
  return sum;
}
