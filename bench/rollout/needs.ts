import type { Measurement } from '../../algorithms/algorithm.ts';
import type { TreeEdge, TreeNode } from '../../algorithms/tree.ts';
import { InputError } from '../../core/errors.ts';
import { createRandom } from '../../core/random.ts';
import type { AnyEnvironment, Task } from '../../envs/environment.ts';
import { scoreGiven } from '../../envs/scoring/answer.ts';
import {
  type ActionRecord,
  isServed,
  type Policy,
  type Sampling,
  type ServedPolicy,
  type TrainablePolicy,
} from '../../policies/policy.ts';
import { tokenPieces } from '../../policies/tokenizer/pieces.ts';
import { answeringOf, closingActions } from './forced.ts';
import { takeStep } from './step.ts';

/** Weights of a policy: its parameters, or where a server keeps them. */
type Weights = ArrayLike<number> | string;

/**
 * What is to be measured on rollout trees, and with whose weights.
 * @experimental
 */
export interface Measuring {
  readonly needs: readonly Measurement[];
  /** The policy that acts, able to use other weights for a moment. Needed for 'previous' and 'reference'. */
  readonly weights?: TrainablePolicy | ServedPolicy;
  /** Weights before the last update. Absent: the policy's own, as before the first. */
  readonly previous?: Weights;
  /** Starting weights. Absent: the policy's own. */
  readonly reference?: Weights;
}

interface Measured {
  readonly task: Task;
  readonly nodes: TreeNode[];
  readonly edges: TreeEdge[];
  measuredTokens?: number;
}

/**
 * The floor of the accepted answer's probability if actions are listed: in most states no action gives that answer, and
 * the logarithm must be finite.
 */
export const GOLD_FLOOR = 1e-3;

/** Measures what is new on the trees (nodes and edges that lack it), in one batch per kind. Changes the trees. */
export async function annotateTrees(
  trees: readonly Measured[],
  request: Measuring & {
    readonly environment: AnyEnvironment;
    readonly policy: Policy;
    readonly sampling: Sampling;
  },
): Promise<void> {
  const { needs, environment, policy, sampling } = request;
  if (needs.includes('gold')) await measureGold(trees, environment, policy, sampling);
  if (needs.includes('pieces')) {
    for (const { edges } of trees) {
      for (const [id, edge] of edges.entries()) {
        if (edge.pieces === undefined) edges[id] = { ...edge, pieces: piecesOf(edge, policy) };
      }
    }
  }
  for (const kind of ['previous', 'reference'] as const) {
    if (needs.includes(kind)) await measureUnder(kind, trees, request);
  }
}

/** The action's text by token. */
const piecesOf = ({ tokens, action }: TreeEdge, { codec }: Policy): readonly string[] =>
  codec === undefined ? [action] : tokenPieces(tokens, codec);

async function measureUnder(
  kind: 'previous' | 'reference',
  trees: readonly Measured[],
  { policy, weights, sampling, ...request }: Parameters<typeof annotateTrees>[1],
): Promise<void> {
  const other = request[kind];
  const missing = trees.flatMap((tree) =>
    tree.edges.filter((edge) => edge[kind] === undefined).map((edge) => ({ tree, edge })),
  );
  const attach = (values: readonly ArrayLike<number>[]): void => {
    for (const [index, { tree, edge }] of missing.entries()) {
      tree.edges[edge.id] = { ...tree.edges[edge.id]!, [kind]: Array.from(values[index]!) };
    }
  };
  if (other === undefined || weights === undefined) {
    // The same weights: what was sampled with is what would be measured.
    attach(missing.map(({ edge }) => edge.logProbs));
    return;
  }
  const records = missing.map(({ tree, edge }) => ({
    prompt: tree.nodes[edge.from]!.prompt,
    tokens: edge.tokens,
  }));
  attach(await logProbsUnder(weights, other, records, sampling));
  for (const [index, { tree }] of missing.entries()) count(tree, records[index]!, policy);
}

/** Log-probabilities under other weights. The policy's own are set again, whatever comes of it. */
export async function logProbsUnder(
  policy: TrainablePolicy | ServedPolicy,
  weights: Weights,
  records: readonly ActionRecord[],
  sampling: Sampling,
): Promise<readonly Float64Array[]> {
  if (isServed(policy)) return policy.logProbsUnder(weights as string, records, sampling);
  const parameters = weights as ArrayLike<number>;
  if (policy.logProbsUnder !== undefined) return policy.logProbsUnder(parameters, records, sampling);
  const own = policy.parameters();
  policy.setParameters(parameters);
  try {
    return await policy.logProbs(records, sampling);
  } finally {
    policy.setParameters(own);
  }
}

function count(tree: Measured, { prompt, tokens }: ActionRecord, policy: Policy): void {
  tree.measuredTokens = (tree.measuredTokens ?? 0) + policy.promptTokens(prompt).length + tokens.length;
}

/** The probability that each legal action ends the episode with an accepted answer. */
function chancesOfRight(environment: AnyEnvironment, node: TreeNode, { answers }: Task): readonly number[] {
  const kind = environment.answerKind ?? 'text';
  // Exact match is the same under every metric.
  const isRight = (given: string | undefined): number =>
    scoreGiven({ kind, metric: 'hotpotqa' }, given, answers).em;
  const actions = node.prompt.actions!;
  if (environment.answersAfter !== undefined) {
    return actions.map((action) =>
      environment.answersAfter!(node.state, action).reduce(
        (sum, { answer, probability }) => sum + probability * isRight(answer),
        0,
      ),
    );
  }
  const closing = new Set(closingActions(environment, node));
  return actions.map((action, index) => {
    if (!closing.has(index)) return 0;
    const next = takeStep(environment, node.state, action, createRandom(0).split('look ahead'));
    return isRight(environment.answer!(next.state));
  });
}

/** The mean log-probability of the first accepted answer at every open node. */
async function measureGold(
  trees: readonly Measured[],
  environment: AnyEnvironment,
  policy: Policy,
  sampling: Sampling,
): Promise<void> {
  const places = trees.flatMap((tree) =>
    tree.nodes
      .filter((node) => node.end === 'open' && node.gold === undefined && tree.task.answers.length > 0)
      .map((node) => ({ tree, node })),
  );
  const set = (index: number, gold: number): void => {
    const { tree, node } = places[index]!;
    tree.nodes[node.id] = { ...tree.nodes[node.id]!, gold };
  };
  if (environment.text === undefined) {
    if (environment.answer === undefined) {
      throw new InputError(
        `${environment.id} has no answers (Environment.answer), and the algorithm measures how likely the accepted one is; valid: an environment that has some, such as multihop`,
      );
    }
    const distributions = await policy.distributions(
      places.map(({ node }) => node.prompt),
      sampling,
    );
    for (const [index, { tree, node }] of places.entries()) {
      const probability = chancesOfRight(environment, node, tree.task).reduce(
        (sum, chance, action) => sum + (chance === 0 ? 0 : chance * Math.exp(distributions[index]![action]!)),
        0,
      );
      set(index, Math.log(Math.max(probability, GOLD_FLOOR)));
      count(tree, { prompt: node.prompt, tokens: [] }, policy);
    }
    return;
  }
  const codec = policy.codec!;
  const opening = codec.encode(answeringOf(environment));
  const records = places.map(({ tree, node }): ActionRecord => {
    const context = node.prompt.tokens!;
    const tokens = new Int32Array(context.length + opening.length);
    tokens.set(context);
    tokens.set(opening, context.length);
    return { prompt: { text: node.prompt.text, tokens }, tokens: codec.encode(` ${tree.task.answers[0]!}`) };
  });
  // No nucleus: an answer outside of it has a probability all the same.
  const logProbs = await policy.logProbs(records, { temperature: sampling.temperature });
  for (const [index, values] of logProbs.entries()) {
    set(index, values.reduce((sum, value) => sum + value, 0) / values.length);
    count(places[index]!.tree, records[index]!, policy);
  }
}
