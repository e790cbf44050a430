import type { ForkPoint } from '../algorithms/algorithm.ts';
import type { RolloutTree, TreeEdge, TreeNode } from '../algorithms/tree.ts';
import type { Random } from '../core/random.ts';
import type { AnyEnvironment, Task } from '../envs/environment.ts';
import type { ActRequest, Policy, Prompt, Sampling } from '../policies/policy.ts';

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
}

/**
 * Grows one rollout tree per task: asks every tree's plan, samples all requested rollouts of all trees in
 * lock-step batches to their ends, and asks again until every plan answers `[]`.
 * @throws RangeError when a plan names a node that does not exist or has ended, or asks for more than 10,000
 * rollouts of one question.
 * @throws the signal's reason when it is aborted.
 */
export async function rollout(request: RolloutRequest): Promise<readonly RolloutTree[]> {
  const { environment, plan, tasks, random } = request;
  const trees = tasks.map((task): MutableTree => {
    const state = environment.reset(task);
    const prompt = readPrompt(environment, state, undefined);
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
      for (const { node } of points) {
        if (tree.nodes[node]?.end !== 'open') {
          throw new RangeError(
            `rollout plan: node ${node} cannot be forked: ${tree.nodes[node]?.end ?? 'no such node'}`,
          );
        }
        if (started[index] === MOST_ROLLOUTS) {
          throw new RangeError(
            `rollout plan: more than ${MOST_ROLLOUTS} rollouts of question '${tree.task.id}'; it never answers []`,
          );
        }
        const stream = random.split('rollout', index, started[index]!++);
        continuations.push({ tree, random: stream, node, round, start: true });
      }
      return points.length > 0;
    });
    await runToTheEnd(request, continuations);
  }
  return trees;
}

async function runToTheEnd(request: RolloutRequest, continuations: readonly Continuation[]): Promise<void> {
  const { environment, policy, sampling, signal } = request;
  for (let active = continuations; active.length > 0; ) {
    signal?.throwIfAborted();
    const requests = active.map(
      ({ tree, node, random }): ActRequest => ({ prompt: tree.nodes[node]!.prompt, random }),
    );
    const actions = await policy.act(requests, sampling);
    active = active.filter((continuation, index) => {
      const { tree, random, round } = continuation;
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
      };
      tree.edges.push(edge);
      parent.children.push(edge.id);
      tree.nodes.push({
        id: edge.to,
        parent: edge.id,
        state: next.state,
        depth: parent.depth + 1,
        prompt: end === 'open' ? readPrompt(environment, next.state, { parent, action: action.text }) : ENDED,
        end,
        children: [],
        return: parent.return + next.reward,
      });
      continuation.node = edge.to;
      continuation.start = false;
      return end === 'open';
    });
  }
}

const ENDED: Prompt = { text: '' };

/** The newest observation where it is Markov, the whole transcript otherwise; and the legal actions. */
function readPrompt(
  environment: AnyEnvironment,
  state: unknown,
  before: { parent: TreeNode; action: string } | undefined,
): Prompt {
  const { text } = environment.observe(state);
  const whole =
    environment.markov || before === undefined
      ? text
      : `${before.parent.prompt.text}\n${before.action}\n${text}`;
  const actions = environment.actions?.(state);
  return actions === undefined ? { text: whole } : { text: whole, actions };
}
