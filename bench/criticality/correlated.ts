import { setImmediate } from 'node:timers/promises';
import type { ConfiguredAlgorithm } from '../../algorithms/configured.ts';
import type { RolloutTree } from '../../algorithms/tree.ts';
import type { Random } from '../../core/random.ts';
import type { AnyEnvironment, Task } from '../../envs/environment.ts';
import type { Policy, SampledAction, Sampling } from '../../policies/policy.ts';
import { enumerate } from '../audit/enumerate.ts';
import { type Oracle, solve } from '../audit/oracle.ts';
import { rollout } from '../rollout/engine.ts';

/**
 * A policy whose draws at one state hang together, as those of siblings on one shared random stream: each
 * action is, with probability sqrt(rho), the state's one shared draw, and an independent draw otherwise. Every
 * action alone still follows the policy, and the indicators of two siblings' actions have correlation rho
 * exactly: 0 is independent sampling, 1 makes all siblings the same.
 *
 * Keeps the shared draws, so use a new one per tree. Draws only through `categorical`.
 * @param rho 0 to 1.
 */
export function correlatedPolicy(policy: Policy, rho: number): Policy {
  const shared = new Map<string, number>();
  const joint = Math.sqrt(rho);
  return {
    ...policy,
    act: async (requests, sampling) => {
      const distributions = await policy.distributions(
        requests.map(({ prompt }) => prompt),
        sampling,
      );
      return requests.map(({ prompt, random }, index): SampledAction => {
        const logProbs = distributions[index]!;
        const draw = (): number => random.categorical(logProbs.map(Math.exp));
        let token: number;
        if (random.categorical([1 - joint, joint]) === 1) {
          token = shared.get(prompt.text) ?? draw();
          shared.set(prompt.text, token);
        } else token = draw();
        const entropy = -logProbs.reduce((sum, value) => sum + Math.exp(value) * value, 0);
        return {
          text: prompt.actions![token]!,
          tokens: [token],
          logProbs: [logProbs[token]!],
          entropies: [entropy],
        };
      });
    },
  };
}

/** CARL's estimate for one action of one state against the truth, over trees. */
export interface EdgeRow {
  readonly rho: number;
  /** The state, as the policy reads it, and the action. 'all' and 'all': every credited action together. */
  readonly state: string;
  readonly action: string;
  /** Expected number of credited actions per tree. */
  readonly count: number;
  /** Mean of the estimated advantage, weighted by count. */
  readonly mean: number;
  /** The exact advantage Q(s, a) - V(s), the mean over credited actions where there are several. */
  readonly exact: number;
  /** mean - exact: the bias. */
  readonly bias: number;
  /** Variance of the estimate around its mean. */
  readonly variance: number;
  /** Root of the mean squared distance to the exact advantage. */
  readonly rmse: number;
  /** Share of credited actions whose estimate is 0: no signal. */
  readonly zeroShare: number;
  /** Slope of the regression of estimate on truth through the origin: the factor by which credit shrinks. */
  readonly slope: number | null;
  /** Standard error of `mean` and of `slope` with the tree as the unit; null if exact by enumeration. */
  readonly meanError: number | null;
  readonly slopeError: number | null;
}

/** Sums over the credited actions of one tree (or weighted over outcomes), per state and action. */
interface Sums {
  count: number;
  estimate: number;
  exact: number;
  squares: number;
  distance: number;
  zeros: number;
  product: number;
  exactSquares: number;
}

const ZERO: Sums = {
  count: 0,
  estimate: 0,
  exact: 0,
  squares: 0,
  distance: 0,
  zeros: 0,
  product: 0,
  exactSquares: 0,
};

interface Request {
  readonly environment: AnyEnvironment;
  readonly task: Task;
  readonly policy: Policy;
  /** An algorithm that credits actions one by one: CARL. */
  readonly algorithm: ConfiguredAlgorithm;
  readonly sampling: Sampling;
  /** Correlations to try, each 0 to 1. */
  readonly rhos: readonly number[];
  /** 'exact' enumerates every outcome; a number is that many sampled trees per correlation. */
  readonly trees: number | 'exact';
  readonly random: Random;
  readonly signal?: AbortSignal;
}

/**
 * How far an algorithm's advantages depart from the exact ones when siblings are sampled with correlation, per
 * state and action and in total.
 * @throws TooManyOutcomes if `trees` is 'exact' and the case is too large.
 */
export async function correlatedSampling(request: Request): Promise<readonly EdgeRow[]> {
  const oracle = await solve(request);
  const rows: EdgeRow[] = [];
  for (const rho of request.rhos) {
    const perTree: Map<string, Sums>[] = [];
    const weights: number[] = [];
    const grow = async (random: Random): Promise<Map<string, Sums>> => {
      const [tree] = await rollout({
        ...request,
        policy: correlatedPolicy(request.policy, rho),
        tasks: [request.task],
        random,
        plan: request.algorithm.next,
      });
      return treeSums(tree!, request, oracle, random);
    };
    if (request.trees === 'exact') {
      await enumerate(
        grow,
        (sums, probability) => {
          perTree.push(sums);
          weights.push(probability);
        },
        request.signal === undefined ? {} : { signal: request.signal },
      );
    } else {
      for (let index = 0; index < request.trees; index++) {
        await setImmediate(); // lets signals in
        request.signal?.throwIfAborted();
        // The same streams for every correlation: differences between correlations are paired.
        perTree.push(await grow(request.random.split(index)));
        weights.push(1 / request.trees);
      }
    }
    const cells = [...new Set(perTree.flatMap((sums) => [...sums.keys()]))].sort();
    rows.push(
      ...cells.map((cell) =>
        edgeRow(
          rho,
          cell,
          perTree.map((sums) => sums.get(cell) ?? ZERO),
          weights,
          request.trees !== 'exact',
        ),
      ),
    );
  }
  return rows;
}

const ALL = JSON.stringify(['all', 'all']);

function treeSums(
  tree: RolloutTree,
  { environment, algorithm }: Request,
  oracle: Oracle,
  random: Random,
): Map<string, Sums> {
  const result = new Map<string, Sums>();
  for (const { edge: id, advantage } of algorithm.credit([tree], random.split('credit')).actions) {
    const edge = tree.edges[id]!;
    const node = tree.nodes[edge.from]!;
    const state = oracle.states.get(environment.key!(node.state))!;
    const exact = state.actionValues[edge.tokens[0]!]! - state.value;
    const estimate = advantage as number;
    for (const cell of [JSON.stringify([node.prompt.text, edge.action]), ALL]) {
      const sums = result.get(cell) ?? { ...ZERO };
      sums.count++;
      sums.estimate += estimate;
      sums.exact += exact;
      sums.squares += estimate ** 2;
      sums.distance += (estimate - exact) ** 2;
      sums.zeros += Number(Math.abs(estimate) < 1e-12);
      sums.product += estimate * exact;
      sums.exactSquares += exact ** 2;
      result.set(cell, sums);
    }
  }
  return result;
}

function edgeRow(
  rho: number,
  cell: string,
  perTree: readonly Sums[],
  weights: readonly number[],
  sampled: boolean,
): EdgeRow {
  const [state, action] = JSON.parse(cell) as [string, string];
  const expected = (of: (sums: Sums) => number): number =>
    perTree.reduce((sum, sums, index) => sum + weights[index]! * of(sums), 0);
  const count = expected((sums) => sums.count);
  const mean = expected((sums) => sums.estimate) / count;
  const exact = expected((sums) => sums.exact) / count;
  const exactSquares = expected((sums) => sums.exactSquares);
  const slope = exactSquares > 0 ? expected((sums) => sums.product) / exactSquares : null;
  // Errors of ratios of means over independent trees, by linearisation.
  const ratioError = (top: (sums: Sums) => number, bottom: (sums: Sums) => number, ratio: number): number => {
    const squares = expected((sums) => (top(sums) - ratio * bottom(sums)) ** 2);
    return Math.sqrt(squares / (perTree.length - 1)) / expected(bottom);
  };
  return {
    rho,
    state,
    action,
    count,
    mean,
    exact,
    bias: mean - exact,
    variance: Math.max(0, expected((sums) => sums.squares) / count - mean ** 2),
    rmse: Math.sqrt(expected((sums) => sums.distance) / count),
    zeroShare: expected((sums) => sums.zeros) / count,
    slope,
    meanError: sampled
      ? ratioError(
          (sums) => sums.estimate,
          (sums) => sums.count,
          mean,
        )
      : null,
    slopeError:
      sampled && slope !== null
        ? ratioError(
            (sums) => sums.product,
            (sums) => sums.exactSquares,
            slope,
          )
        : null,
  };
}
