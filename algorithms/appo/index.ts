import { z } from 'zod';
import type { Algorithm, Credit, CreditedAction, ForkPoint } from '../algorithm.ts';
import type { Objective } from '../objective.ts';
import { zScores } from '../shared/group.ts';
import { objectiveOptions, toObjective } from '../shared/options.ts';
import { leaves, path, type RolloutTree, returnsOf, type TreeEdge } from '../tree.ts';
import { candidates, selectBranches } from './branching.ts';

const schema = z
  .strictObject({
    /** N: rollouts from the start. */
    initial: z.int().min(1).max(4096).default(4),
    /** Branches per question, all started at once. */
    branches: z.int().min(0).max(4096).default(12),
    /** Where the best tokens are looked for: in every initial rollout alike, or in all of the question's together. */
    pool: z.enum(['rollout', 'question']).default('rollout'),
    /** The Branching Score: both parts, or one of them alone (ablations). */
    score: z.enum(['both', 'entropy', 'future']).default('both'),
    /**
     * What Future Value compares the policy with: 'previous' itself before the last update (as described); 'recomputed'
     * itself (as released, where only numerical mismatch of two engines is left; here there is none).
     */
    future: z.enum(['previous', 'recomputed']).default('previous'),
    /** Discount of log ratios by the distance in tokens, in the Branching Score. */
    gamma: z.number().gt(0).max(1).default(1),
    /** Distance in tokens up to which log ratios count in the Branching Score; null: to the end. */
    horizon: z.int().min(0).nullable().default(null),
    /** Future Value is cut to [1 - futureClip, 1 + futureClip]. */
    futureClip: z.number().gt(0).max(1).default(0.2),
    /** A branch keeps the chosen token and draws the next one anew (as released), or draws the chosen one anew. */
    keepToken: z.boolean().default(true),
    /** 'dual': initial rollouts and branches are normalised apart; 'single': together (ablation). */
    groups: z.enum(['dual', 'single']).default('dual'),
    /** Added to the standard deviations. */
    epsilon: z.number().min(0).default(1e-6),
    /** b: weight of the procedure-level scaling of advantages in the loss; 0: none (ablation). */
    procedure: z.number().min(0).default(1),
    /** Tokens after which a token counts half in the procedure-level scaling. */
    halfLife: z.number().positive().default(64),
    /** Lowest factor of the procedure-level scaling: 1 as in the released scripts, 0.8 is symmetric. */
    procedureLow: z.number().gt(0).max(1).default(1),
    ...objectiveOptions({ aggregation: 'token-mean', dualClip: 3 }),
    clipHigh: z.number().positive().max(10).default(0.28),
  })
  .prefault({});

export type AppoOptions = z.infer<typeof schema>;

/** N rollouts, then all branches: from the tokens of the highest Branching Score. */
export function appoPlan(tree: RolloutTree, options: AppoOptions): readonly ForkPoint[] {
  if (tree.edges.length === 0) return Array.from({ length: options.initial }, () => ({ node: 0 }));
  if (options.branches === 0 || tree.edges.some(({ round }) => round > 0)) return [];
  const found = candidates(tree, options);
  if (options.pool === 'question') return selectBranches(found, options.branches);
  return Array.from({ length: options.initial }, (_, row) => {
    // The first rollouts take what does not divide evenly.
    const count = Math.floor((options.branches + options.initial - 1 - row) / options.initial);
    return selectBranches(
      found.filter((candidate) => candidate.row === row),
      count,
    );
  }).flat();
}

/** How many leading tokens of each edge a branch has in common with the rollout it left. */
function covered(tree: RolloutTree, start: TreeEdge): ReadonlyMap<number, number> {
  const before = path(tree, tree.nodes[start.from]!);
  const whole = before.map(({ id, tokens }) => [id, tokens.length] as const);
  return new Map(start.shared === undefined ? whole : [...whole, [start.shared.edge, start.shared.tokens]]);
}

/**
 * Per initial rollout (in the order of their leaves) and per token: its own z-score among the initial rollouts, plus the
 * mean z-score, among the branches, of those that left it behind that token.
 */
export function appoAdvantages(
  tree: RolloutTree,
  options: Pick<AppoOptions, 'groups' | 'epsilon'>,
): ReadonlyMap<number, { readonly leaf: number; readonly advantage: readonly number[] }> {
  const ends = leaves(tree);
  const roundOf = (edge: number): number => tree.edges[edge]!.round;
  const isInitial = ends.map(({ parent }) => roundOf(parent!) === 0);
  const returns = returnsOf(tree);
  const scored = (members: readonly number[]): readonly (readonly [number, number])[] => {
    const values = zScores(
      members.map((index) => returns[index]!),
      'population',
      options.epsilon,
    );
    return members.map((index, i) => [index, values[i]!]);
  };
  const all = [...ends.keys()];
  const base = new Map(
    options.groups === 'single'
      ? scored(all)
      : [true, false].flatMap((which) => scored(all.filter((index) => isInitial[index] === which))),
  );
  const branches = all
    .filter((index) => !isInitial[index])
    .map((index) => {
      const start = path(tree, ends[index]!).find(({ round }) => round > 0)!;
      return { cover: covered(tree, start), value: base.get(index)! };
    });
  const result = new Map<number, { leaf: number; advantage: number[] }>();
  for (const index of all.filter((one) => isInitial[one])) {
    for (const { id, tokens } of path(tree, ends[index]!)) {
      const advantage = tokens.map((_, t) => {
        const over = branches.filter(({ cover }) => (cover.get(id) ?? 0) > t);
        const sum = over.reduce((total, { value }) => total + value, 0);
        return base.get(index)! + (over.length === 0 ? 0 : sum / over.length);
      });
      result.set(id, { leaf: ends[index]!.id, advantage });
    }
  }
  return result;
}

function credit(trees: readonly RolloutTree[], options: AppoOptions): Credit {
  const actions = trees.flatMap((tree, index) =>
    [...appoAdvantages(tree, options)].map(
      ([edge, { leaf, advantage }]): CreditedAction => ({
        tree: index,
        edge,
        advantage,
        sequence: `${index}/${leaf}`,
      }),
    ),
  );
  return { actions };
}

/** PPO-clip of A_t (1 + b f_t); rollouts with more than one token past the dual clip are left out. */
function objective(options: AppoOptions): Objective {
  const future = {
    weight: options.procedure,
    halfLife: options.halfLife,
    low: options.procedureLow,
    high: 1.2,
    participation: 3,
    safety: 6,
  };
  return {
    ...toObjective(options),
    ...(options.procedure === 0 ? {} : { future }),
    ...(options.dualClip === null ? {} : { maxDualClipped: 1 }),
  };
}

/** Agentic Procedural Policy Optimization (arXiv 2606.12384). */
export const appo: Algorithm<AppoOptions> = {
  id: 'appo',
  description: {
    title: 'Agentic Procedural Policy Optimization',
    paper: 'arXiv 2606.12384',
    granularity: 'token',
    evidence: 'code',
    extraSamples: 'branches at tokens of high Branching Score',
    trained: 'initial rollouts',
  },
  schema,
  next: appoPlan,
  credit,
  objective,
  needs: (options) =>
    options.score !== 'entropy' && options.future === 'previous' ? ['pieces', 'previous'] : ['pieces'],
  // A quarter are initial rollouts, as in the best published setting, but two where there is room for a group.
  budget: (rollouts) => {
    const initial = Math.min(rollouts, Math.max(2, Math.round(rollouts / 4)));
    return { initial, branches: rollouts - initial };
  },
};
