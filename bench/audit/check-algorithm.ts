import type { Algorithm, Head } from '../../algorithms/algorithm.ts';
import { leaves, type RolloutTree } from '../../algorithms/tree.ts';
import type { Random } from '../../core/random.ts';
import { STOP_OR_SEARCH_TASK, stopOrSearch } from '../../envs/diagnostic/stop-or-search.ts';
import type { AnyEnvironment, Environment, Task } from '../../envs/environment.ts';
import { lookAhead } from '../../envs/look-ahead.ts';
import type { TrainablePolicy } from '../../policies/policy.ts';
import { createTabularPolicy } from '../../policies/tabular/index.ts';
import { rollout } from '../rollout/engine.ts';
import { headStates, readHeads } from '../training/heads.ts';
import { trainingRows } from '../training/update.ts';

/** What `checkAlgorithm` runs on. */
export interface CheckAlgorithmOptions {
  readonly random: Random;
  /** Options to check with, completed by the algorithm's schema. Default: all defaults. */
  readonly options?: Record<string, unknown>;
  /** Default: the two-turn environment `stop-or-search/v1` with an intermediate reward. */
  readonly environment?: AnyEnvironment;
  readonly tasks?: readonly Task[];
  /** Batches to try. Default 20. */
  readonly batches?: number;
  /** 'any' for methods without a baseline, which rightly learn from constant rewards. Default 'zero'. */
  readonly constantRewards?: 'zero' | 'any';
}

/**
 * Checks that an algorithm keeps the contract: its plan ends and is pure; its credit is finite, deterministic,
 * on sampled actions only, blind to what it was not given, and zero when all returns are equal.
 * @returns what is wrong, with the likely cause; empty when nothing is.
 */
export async function checkAlgorithm<Options>(
  algorithm: Algorithm<Options>,
  request: CheckAlgorithmOptions,
): Promise<readonly string[]> {
  const problems = new Set<string>();
  const report = (problem: string): void => void problems.add(`${algorithm.id}: ${problem}`);
  const parsed = algorithm.schema.safeParse(request.options ?? {});
  if (!parsed.success)
    return [`${algorithm.id}: its schema rejects its own defaults: ${parsed.error.message}`];
  const options = parsed.data;
  if (algorithm.schema.safeParse({ 'no such option': 1 }).success) {
    report('its schema accepts an unknown option; use z.strictObject');
  }
  checkObjective(algorithm, options, report);

  const environment = request.environment ?? stopOrSearch(0.2);
  const tasks = request.tasks ?? [STOP_OR_SEARCH_TASK, STOP_OR_SEARCH_TASK];
  const policy = createTabularPolicy();
  for (let batch = 0; batch < (request.batches ?? 20); batch++) {
    const random = request.random.split(batch);
    try {
      const trees = await grow(algorithm, options, environment, policy, tasks, random, report);
      checkCredit(algorithm, options, trees, random, report);
      if ((request.constantRewards ?? 'zero') === 'zero') {
        const flat = await grow(algorithm, options, constant(environment), policy, tasks, random, report);
        const credit = algorithm.credit(flat, options, random.split('credit'));
        const largest = Math.max(
          0,
          ...trainingRows(flat, credit).flatMap((row) => row.advantages.map(Math.abs)),
        );
        if (largest > 1e-9)
          report(`equal returns give an advantage of ${largest}: the baseline is not theirs`);
      }
    } catch (error) {
      report(`threw: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return [...problems];
}

type Report = (problem: string) => void;

/** More rollouts of one question than this count as a plan that never ends. */
const ENDLESS = 1000;

/** Trees of up to this many rollouts are compared before and after each call. */
const CLOSELY_WATCHED = 40;

async function grow<Options>(
  algorithm: Algorithm<Options>,
  options: Options,
  environment: AnyEnvironment,
  policy: TrainablePolicy,
  tasks: readonly Task[],
  random: Random,
  report: Report,
): Promise<readonly RolloutTree[]> {
  const trees = await rollout({
    environment,
    policy,
    tasks,
    random,
    measuring: { needs: algorithm.needs?.(options) ?? [] },
    expert: lookAhead(environment),
    sampling: { temperature: 1 },
    plan: (tree, draws) => {
      const rollouts = leaves(tree).length;
      if (rollouts > ENDLESS) throw new Error(`the plan asked for more than ${ENDLESS} rollouts`);
      // Split streams, so that both calls see the same draws.
      const points = algorithm.next(tree, options, draws.split('plan'));
      if (rollouts <= CLOSELY_WATCHED) {
        const before = JSON.stringify(tree);
        const again = algorithm.next(tree, options, draws.split('plan'));
        if (JSON.stringify(tree) !== before) report('next changed the tree that it was given');
        if (JSON.stringify(again) !== JSON.stringify(points))
          report('next answers differently when asked twice');
      }
      return points;
    },
  });
  // Heads before any training say 0.
  const heads = headStates(algorithm.heads?.(options) ?? []);
  const { trees: read } = await readHeads(trees, heads, policy, { temperature: 1 });
  for (const { head } of heads) checkHead(head, read, report);
  return read;
}

/** A head's gradients are those of its own loss: compared by a central difference at every output moved alike. */
function checkHead(head: Head, trees: readonly RolloutTree[], report: Report): void {
  const loss = head.loss(trees);
  const at = (shift: number) =>
    loss(trees.map(({ edges }) => edges.map(({ tokens }) => Float64Array.from(tokens, () => 0.1 + shift))));
  const step = 1e-5;
  const total = at(0)
    .gradients.flat()
    .reduce((sum, gradients) => sum + gradients.reduce((a, b) => a + b, 0), 0);
  const difference = (at(step).loss - at(-step).loss) / (2 * step);
  if (!(Math.abs(total - difference) <= 1e-4 * (1 + Math.abs(difference)))) {
    report(`head ${head.name}: its gradients sum to ${total}, its loss moves by ${difference}`);
  }
}

function checkObjective<Options>(algorithm: Algorithm<Options>, options: Options, report: Report): void {
  const { clip, kl } = algorithm.objective(options);
  if (!(clip.low > 0 && clip.low <= 1)) report(`objective: clip.low is ${clip.low}, not in (0, 1]`);
  if (!(clip.high > 0)) report(`objective: clip.high is ${clip.high}, not above 0`);
  if (!((kl ?? 0) >= 0)) report(`objective: kl is ${kl}, below 0`);
}

function checkCredit<Options>(
  algorithm: Algorithm<Options>,
  options: Options,
  trees: readonly RolloutTree[],
  random: Random,
  report: Report,
): void {
  const before = JSON.stringify(trees);
  const credit = algorithm.credit(trees, options, random.split('credit'));
  const again = algorithm.credit(trees, options, random.split('credit'));
  if (JSON.stringify(trees) !== before) report('credit changed the trees that it was given');
  if (JSON.stringify(again) !== JSON.stringify(credit)) report('credit differs when computed twice');
  // Throws on edges that do not exist, wrong lengths and values that are not finite.
  const rows = trainingRows(trees, credit);
  const seen = new Set<string>();
  for (const row of rows) {
    const key = `${row.sequence} ${row.tree}/${row.edge}`;
    if (seen.has(key)) report('credit lists one action twice in the same sequence');
    seen.add(key);
  }
}

/** The same environment where every episode returns one half, paid at its end. */
function constant(environment: AnyEnvironment): Environment<unknown> {
  return {
    ...environment,
    rewardRange: [0, 1],
    step: (state, action, random) => {
      const next = environment.step(state, action, random);
      return { ...next, reward: next.terminated || next.truncated ? 0.5 : 0 };
    },
  };
}
