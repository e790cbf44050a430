import { z } from 'zod';
import type { Algorithm, CreditedAction } from '../algorithm.ts';
import { byQuestion, flatPlan, trajectoryRows } from '../shared/flat.ts';
import { zScores } from '../shared/group.ts';
import { objectiveOptions, toObjective } from '../shared/options.ts';
import { leaves, path, type RolloutTree, returnsOf, type TreeEdge } from '../tree.ts';

const schema = z
  .strictObject({
    /** Rollouts per question. */
    groupSize: z.int().min(1).max(4096).default(16),
    /** Reward of a tool call that got its result. */
    executed: z.number().min(0).default(0.2),
    /** Reward of a result in which an accepted answer occurs. */
    found: z.number().min(0).default(0.5),
    /** Weight of the turn advantage beside the outcome's. */
    coefficient: z.number().min(0).default(1),
    /** Which tool calls are paid: the 'first' (the released code), or 'each' in a group of its own. */
    turns: z.enum(['first', 'each']).default('first'),
    /**
     * Of actions before a result: the 'sum' of the outcome's and the turn's advantage, or the advantage of
     * the 'cumulative' reward, turn and outcome together.
     */
    estimator: z.enum(['sum', 'cumulative']).default('sum'),
    /** Added to the standard deviations. */
    epsilon: z.number().min(0).default(1e-4),
    ...objectiveOptions({ aggregation: 'token-mean' }),
  })
  .prefault({});

export type MtGrpoOptions = z.infer<typeof schema>;

/** What the tool gave back: what is read after the action, without what was read before and without the question. */
export function toolResult(tree: RolloutTree, edge: TreeEdge): string {
  const { text } = tree.nodes[edge.to]!.prompt;
  const before = `${tree.nodes[edge.from]!.prompt.text}\n${edge.action}\n`;
  const own = text.startsWith(before) ? text.slice(before.length) : text;
  const { question } = tree.task;
  return question === '' ? own : own.replaceAll(question, ' ');
}

/** The reward of one tool call: its result is there, and an accepted answer occurs in it (upper case or lower). */
function turnReward(tree: RolloutTree, edge: TreeEdge, { executed, found }: MtGrpoOptions): number {
  const result = toolResult(tree, edge).toLowerCase();
  const hit = tree.task.answers.some((gold) => gold !== '' && result.includes(gold.toLowerCase()));
  return executed + (hit ? found : 0);
}

/**
 * The advantages of every trajectory's stretches: up to its first paid result, up to the second, and so on, and last
 * what comes after all of them.
 * @param rewards of the paid tool calls of every trajectory. @param returns of the trajectories.
 */
export function mtGrpoAdvantages(
  rewards: readonly (readonly number[])[],
  returns: readonly number[],
  { coefficient, estimator, epsilon }: MtGrpoOptions,
): readonly (readonly number[])[] {
  const normalised = (values: readonly number[]) => zScores(values, 'sample', epsilon);
  const outcomes = normalised(returns);
  const most = rewards.reduce((length, turns) => Math.max(length, turns.length), 0);
  // A trajectory without that turn has a turn reward of 0 in its group.
  const turn = Array.from({ length: most }, (_, k) => normalised(rewards.map((turns) => turns[k] ?? 0)));
  const combined = Array.from({ length: Math.max(1, most) }, (_, k) =>
    normalised(returns.map((value, i) => rewards[i]!.slice(k).reduce((sum, reward) => sum + reward, value))),
  );
  return rewards.map((turns, i) => {
    // No result at all: turn and outcome together, everywhere.
    if (turns.length === 0) return [combined[0]![i]!];
    const before = turns.map((_, k) => {
      if (estimator === 'cumulative') return combined[k]![i]!;
      return turns.reduce(
        (sum, _reward, later) => (later < k ? sum : sum + coefficient * turn[later]![i]!),
        outcomes[i]!,
      );
    });
    return [...before, outcomes[i]!];
  });
}

function credit(tree: RolloutTree, index: number, options: MtGrpoOptions): readonly CreditedAction[] {
  const paid = leaves(tree).map((leaf) => {
    const calls = path(tree, leaf).filter(({ tool }) => tool === true);
    return options.turns === 'first' ? calls.slice(0, 1) : calls;
  });
  const advantages = mtGrpoAdvantages(
    paid.map((calls) => calls.map((edge) => turnReward(tree, edge, options))),
    returnsOf(tree),
    options,
  );
  return trajectoryRows(tree, index, (i, { id }) => {
    // One stretch ends with every paid result before this action; ids ascend along a trajectory.
    const stretch = paid[i]!.filter((call) => call.id < id).length;
    return { advantage: advantages[i]![stretch]! };
  });
}

/** Multi-Turn GRPO, turn-level credit assignment (arXiv 2505.11821). */
export const mtGrpo: Algorithm<MtGrpoOptions> = {
  id: 'mt-grpo',
  description: {
    title: 'Multi-Turn GRPO',
    paper: 'arXiv 2505.11821',
    granularity: 'action',
    evidence: 'code',
  },
  schema,
  next: (tree, options) => flatPlan(tree, options.groupSize),
  credit: byQuestion(credit),
  objective: toObjective,
  budget: (rollouts) => ({ groupSize: rollouts }),
};
