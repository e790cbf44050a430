import type { ForkPoint } from '../algorithms/algorithm.ts';
import type { RolloutTree, TreeEdge, TreeNode } from '../algorithms/tree.ts';
import type { Random } from '../core/random.ts';
import type { AnyEnvironment, Task } from '../envs/environment.ts';
import type { ActRequest, Generation, Policy, Prompt, Sampling } from '../policies/policy.ts';
import { checkKinds, checkPrefixes, readPrompt } from './context.ts';

/** What a rollout plan looks like to the engine: an algorithm's `next` with its options filled in. */
export type Plan = (tree: RolloutTree, random: Random) => readonly ForkPoint[];

export interface RolloutRequest {
  readonly environment: AnyEnvironment;
  readonly policy: Policy;
  readonly plan: Plan;
  readonly tasks: readonly Task[];
  /** Split per question and rollout, so the order of work changes no draw. */
  readonly random: Random;
  readonly sampling: Sampling;
  readonly signal?: AbortSignal;
}

interface MutableNode extends TreeNode {
  children: number[];
}

interface MutableTree {
  readonly task: Task;
  readonly nodes: MutableNode[];
  readonly edges: TreeEdge[];
}

/** A plan that asks for more of one question is taken for one that never ends. */
const MOST_ROLLOUTS = 10_000;

/** A rollout under way: where it stands and whose stream it draws from. */
interface Continuation {
  readonly tree: MutableTree;
  readonly random: Random;
  node: number;
  readonly round: number;
  start: boolean;
  /** The beginning of the first action, where the fork point is inside one. */
  shared: TreeEdge['shared'];
}

/**
 * Grows one rollout tree per task: asks every tree's plan, samples all requested rollouts of all trees in
 * lock-step batches to their ends, and asks again until every plan answers `[]`.
 * @throws RangeError when a plan names a fork point that does not exist or has ended, or asks for more than
 * 10,000 rollouts of one question.
 * @throws InputError when the environment and the policy do not fit (listed actions, free text).
 * @throws the signal's reason when it is aborted.
 */
export async function rollout(request: RolloutRequest): Promise<readonly RolloutTree[]> {
  const { environment, policy, plan, tasks, random } = request;
  checkKinds(environment, policy);
  const trees = tasks.map((task): MutableTree => {
    const state = environment.reset(task);
    const prompt = readPrompt(environment, policy, state, undefined);
    const root: MutableNode = {
      id: 0,
      parent: undefined,
      state,
      depth: 0,
      prompt,
      end: 'open',
      children: [],
      return: 0,
    };
    return { task, nodes: [root], edges: [] };
  });
  const started = trees.map(() => 0);
  let planning = trees.map((_, index) => index);
  for (let round = 0; planning.length > 0; round++) {
    const continuations: Continuation[] = [];
    planning = planning.filter((index) => {
      const tree = trees[index]!;
      const points = plan(tree, random.split('plan', index, round));
      for (const point of points) {
        const at = forkPoint(tree, point);
        if (started[index] === MOST_ROLLOUTS) {
          throw new RangeError(
            `rollout plan: more than ${MOST_ROLLOUTS} rollouts of question '${tree.task.id}'; it never answers []`,
          );
        }
        const stream = random.split('rollout', index, started[index]!++);
        continuations.push({ tree, random: stream, ...at, round, start: true });
      }
      return points.length > 0;
    });
    await runToTheEnd(request, continuations);
  }
  for (const tree of trees) checkPrefixes(tree);
  return trees;
}

/** Where a rollout starts: its node, and the tokens that its first action shares with another. */
function forkPoint(tree: MutableTree, point: ForkPoint): Pick<Continuation, 'node' | 'shared'> {
  if ('node' in point) {
    const end = tree.nodes[point.node]?.end;
    if (end !== 'open') {
      throw new RangeError(`rollout plan: node ${point.node} cannot be forked: ${end ?? 'no such node'}`);
    }
    return { node: point.node, shared: undefined };
  }
  const edge = tree.edges[point.edge];
  const last = (edge?.tokens.length ?? 0) - 1;
  if (edge === undefined || !Number.isInteger(point.tokens) || point.tokens < 1 || point.tokens > last) {
    const why = edge === undefined ? 'no such edge' : `valid: 1 to ${last} of its ${last + 1} tokens`;
    throw new RangeError(
      `rollout plan: edge ${point.edge} cannot be forked after ${point.tokens} tokens: ${why}`,
    );
  }
  return { node: edge.from, shared: { edge: point.edge, tokens: point.tokens } };
}

async function runToTheEnd(request: RolloutRequest, continuations: readonly Continuation[]): Promise<void> {
  const { environment, policy, sampling, signal } = request;
  for (let active = continuations; active.length > 0; ) {
    signal?.throwIfAborted();
    const actions = await policy.act(
      active.map((continuation) => actRequest(environment, continuation)),
      sampling,
    );
    const stateOf = ({ tree, node }: Continuation): unknown => tree.nodes[node]!.state;
    await environment.prepare?.(
      active.map((continuation, index) => ({ state: stateOf(continuation), action: actions[index]!.text })),
      signal,
    );
    active = active.filter((continuation, index) => {
      const { tree, random, round, shared } = continuation;
      const action = actions[index]!;
      const parent = tree.nodes[continuation.node]!;
      const next = environment.step(parent.state, action.text, random);
      if (next.terminated && next.truncated) {
        throw new Error(`${environment.id}: a transition is both terminated and truncated`);
      }
      const end = next.terminated ? 'terminated' : next.truncated ? 'truncated' : 'open';
      const edge: TreeEdge = {
        id: tree.edges.length,
        from: parent.id,
        to: tree.nodes.length,
        action: action.text,
        tokens: action.tokens,
        logProbs: action.logProbs,
        entropies: action.entropies,
        reward: next.reward,
        round,
        start: continuation.start,
        ...(shared === undefined ? {} : { shared }),
        ...(action.cut ? { cut: true } : {}),
      };
      tree.edges.push(edge);
      parent.children.push(edge.id);
      const turn = { prompt: parent.prompt, action: action.text, tokens: action.tokens };
      tree.nodes.push({
        id: edge.to,
        parent: edge.id,
        state: next.state,
        depth: parent.depth + 1,
        prompt: end === 'open' ? readPrompt(environment, policy, next.state, turn) : ENDED,
        end,
        children: [],
        return: parent.return + next.reward,
      });
      continuation.node = edge.to;
      continuation.start = false;
      continuation.shared = undefined;
      return end === 'open';
    });
  }
}

const ENDED: Prompt = { text: '' };

function actRequest({ text }: AnyEnvironment, { tree, node, random, shared }: Continuation): ActRequest {
  const { prompt } = tree.nodes[node]!;
  if (text === undefined) return { prompt, random };
  const generation: Generation = { stops: text.stops, maxTokens: text.maxActionTokens };
  if (shared === undefined) return { prompt, random, generation };
  const origin = tree.edges[shared.edge]!;
  const prefix = {
    tokens: origin.tokens.slice(0, shared.tokens),
    logProbs: origin.logProbs.slice(0, shared.tokens),
    entropies: origin.entropies.slice(0, shared.tokens),
  };
  return { prompt, random, generation: { ...generation, prefix } };
}
