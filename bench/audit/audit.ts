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
import { type Credited, crediting, type Rolled } from './estimators/crediting.ts';
import type { Estimator } from './estimators/estimator.ts';
import type { Moments } from './moments.ts';
import { exactGradient, type Oracle, solve } from './oracle.ts';
import { type Sample, Totals } from './totals.ts';
import { type Component, judge, SINGLE_PRECISION, type Verdict } from './verdict.ts';

/**
 * Which loss the advantages enter.
 * - `plain`: credit alone is judged. The sum over a trajectory's actions, averaged over trajectories; for
 *   credit by action the sum over all trained actions (field conventions of the policy gradient).
 * - `own`: the algorithm's own objective, its averages included. What training really follows.
 */
export type AuditObjective = 'plain' | 'own';

export interface AuditRequest {
  readonly algorithm: AnyAlgorithm;
  /**
   * Says the advantages in place of the algorithm's credit rule; plan, measurements and loss stay the algorithm's. Its
   * numbers may be float32: differences of 1e-5 then count as rounding.
   */
  readonly estimator?: Estimator;
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
  /** Id of the algorithm, or of the estimator. */
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
 * @throws ZodError if an option is not valid, InputError if an estimator's answer is not, and what `solve` throws.
 */
export async function audit(request: AuditRequest): Promise<Audit> {
  const { environment, task, policy, estimator, signal, samples = 20_000, seed = 0 } = request;
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

  const roll = async (random: Random): Promise<Rolled> => {
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
    if (resampling?.keep(tree) === false) return { tree, credit: { actions: [] } };
    // What an estimator says is asked for many trees at once.
    return { tree, credit: estimator ? undefined : algorithm.credit([tree], random.split('credit')) };
  };

  const estimate = async ({ tree, credit }: Credited): Promise<Sample> => {
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

  const adding = () => {
    const totals = new Totals(truth, exactAdvantages.names.length);
    const add = async (credited: Credited, probability: number): Promise<void> =>
      totals.add(await estimate(credited), probability);
    return { totals, ...crediting(estimator, add, signal) };
  };
  const exact = adding();
  let { totals } = exact;
  let method: Audit['method'] = 'exact';
  let outcomes: number;
  try {
    outcomes = await enumerate(roll, exact.add, { limit: request.limit ?? 200_000, ...abort });
    await exact.rest();
  } catch (error) {
    if (!(error instanceof TooManyOutcomes)) throw error;
    method = 'monte carlo';
    outcomes = samples;
    const sampled = adding();
    totals = sampled.totals;
    const random = createRandom(seed).split('audit');
    for (let draw = 0; draw < samples; draw++) {
      signal?.throwIfAborted();
      await sampled.add(await roll(random.split(draw)), 1 / samples);
    }
    await sampled.rest();
  }
  const draws = method === 'exact' ? undefined : samples;
  const judging = {
    unit: Math.max(...environment.rewardRange.map(Math.abs)),
    ...(estimator === undefined ? {} : { rounding: SINGLE_PRECISION }),
  };
  return {
    algorithm: estimator?.id ?? request.algorithm.id,
    environment: environment.id,
    method,
    outcomes,
    gradient: judge(components(names, truth, totals.gradient, draws), judging),
    advantage: judge(
      components(exactAdvantages.names, exactAdvantages.values, totals.conditionalAdvantages(), draws),
      { ...judging, shifts: true },
    ),
    ...totals.summary(),
  };
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
