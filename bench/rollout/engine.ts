import type { ForkPoint } from '../../algorithms/algorithm.ts';
import type { RolloutTree, TreeEdge, TreeNode } from '../../algorithms/tree.ts';
import type { Random } from '../../core/random.ts';
import type { AnyEnvironment, Task } from '../../envs/environment.ts';
import type {
  ActRequest,
  Generation,
  Policy,
  Prompt,
  SampledAction,
  SampledTokens,
  Sampling,
} from '../../policies/policy.ts';
import { checkKinds, checkPrefixes, readPrompt } from './context.ts';
import { answerAtOnce, type Expert, expertActions, forcedBeginning } from './forced.ts';
import { annotateTrees, type Measuring } from './needs.ts';
import { takeStep } from './step.ts';

/**
 * What a rollout plan looks like to the engine: an algorithm's `next` with its options filled in.
 * @experimental
 */
export type Plan = (tree: RolloutTree, random: Random) => readonly ForkPoint[];

/**
 * What `rollout` needs.
 * @experimental
 */
export interface RolloutRequest {
  readonly environment: AnyEnvironment;
  readonly policy: Policy;
  readonly plan: Plan;
  readonly tasks: readonly Task[];
  /** Split per question and rollout, so the order of work changes no draw. */
  readonly random: Random;
  readonly sampling: Sampling;
  /** What the algorithm needs beyond its rollouts. Default: nothing. */
  readonly measuring?: Measuring;
  /** The expert that forced actions come from. Default: none. */
  readonly expert?: Expert;
  readonly signal?: AbortSignal;
}

interface MutableNode extends TreeNode {
  children: number[];
  milestones?: number;
}

interface MutableTree {
  readonly task: Task;
  readonly nodes: MutableNode[];
  readonly edges: TreeEdge[];
  measuredTokens?: number;
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
  /** What of the rollout is not left to the policy: until it has answered, or the first action. */
  begin: TreeEdge['begin'];
}

/**
 * Grows one rollout tree per task: asks every tree's plan, samples all requested rollouts of all trees in
 * lock-step batches to their ends, and asks again until every plan answers `[]`.
 * @throws RangeError when a plan names a fork point that does not exist or has ended, or asks for more than
 * 10,000 rollouts of one question.
 * @throws InputError when the environment and the policy do not fit (listed actions, free text), the environment lacks
 * what the algorithm asks for (a scripted agent, how an answer begins), or its steps are not what it declares: a reward
 * that is no number, a return outside `rewardRange`, an episode that has not ended after 10,000 actions.
 * @throws the signal's reason when it is aborted.
 * @experimental
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
      ...milestones(environment, state),
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
    if (request.measuring !== undefined && continuations.length > 0) {
      await annotateTrees(trees, { environment, policy, sampling: request.sampling, ...request.measuring });
    }
  }
  for (const tree of trees) checkPrefixes(tree);
  return trees;
}

/** Where a rollout starts: its node, and the tokens that its first action shares with another. */
function forkPoint(tree: MutableTree, point: ForkPoint): Pick<Continuation, 'node' | 'shared' | 'begin'> {
  if ('node' in point) {
    const end = tree.nodes[point.node]?.end;
    if (end !== 'open') {
      throw new RangeError(`rollout plan: node ${point.node} cannot be forked: ${end ?? 'no such node'}`);
    }
    return { node: point.node, shared: undefined, begin: point.begin };
  }
  const edge = tree.edges[point.edge];
  const last = (edge?.tokens.length ?? 0) - 1;
  if (edge === undefined || !Number.isInteger(point.tokens) || point.tokens < 1 || point.tokens > last) {
    const why = edge === undefined ? 'no such edge' : `valid: 1 to ${last} of its ${last + 1} tokens`;
    throw new RangeError(
      `rollout plan: edge ${point.edge} cannot be forked after ${point.tokens} tokens: ${why}`,
    );
  }
  return { node: edge.from, shared: { edge: point.edge, tokens: point.tokens }, begin: undefined };
}

async function runToTheEnd(request: RolloutRequest, continuations: readonly Continuation[]): Promise<void> {
  const { environment, policy, signal } = request;
  for (let active = continuations; active.length > 0; ) {
    signal?.throwIfAborted();
    const actions = await actAll(request, active);
    const stateOf = ({ tree, node }: Continuation): unknown => tree.nodes[node]!.state;
    await environment.prepare?.(
      active.map((continuation, index) => ({ state: stateOf(continuation), action: actions[index]!.text })),
      signal,
    );
    active = active.filter((continuation, index) => {
      const { tree, random, round, shared } = continuation;
      const action = actions[index]!;
      const parent = tree.nodes[continuation.node]!;
      const next = takeStep(environment, parent.state, action.text, random, {
        question: tree.task.id,
        actions: parent.depth,
        return: parent.return,
      });
      const end = next.terminated ? 'terminated' : next.truncated ? 'truncated' : 'open';
      const edge: { -readonly [Key in keyof TreeEdge]: TreeEdge[Key] } = {
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
      // Not spread from objects: this runs for every action.
      if (shared !== undefined) edge.shared = shared;
      if (action.cut) edge.cut = true;
      if (environment.called?.(next.state) ?? end === 'open') edge.tool = true;
      if (continuation.begin !== undefined) edge.begin = continuation.begin;
      if (action.forced > 0) edge.forced = action.forced;
      tree.edges.push(edge);
      parent.children.push(edge.id);
      const turn = { prompt: parent.prompt, action: action.text, tokens: action.tokens };
      const node: MutableNode = {
        id: edge.to,
        parent: edge.id,
        state: next.state,
        depth: parent.depth + 1,
        prompt: end === 'open' ? readPrompt(environment, policy, next.state, turn) : ENDED,
        end,
        children: [],
        return: parent.return + next.reward,
      };
      const reached = environment.milestones?.(next.state);
      if (reached !== undefined) node.milestones = reached;
      tree.nodes.push(node);
      continuation.node = edge.to;
      continuation.start = false;
      continuation.shared = undefined;
      if (continuation.begin === 'expert') continuation.begin = undefined;
      return end === 'open';
    });
  }
}

const ENDED: Prompt = { text: '' };

function milestones(environment: AnyEnvironment, state: unknown): { milestones?: number } {
  const reached = environment.milestones?.(state);
  return reached === undefined ? {} : { milestones: reached };
}

/** An action, and how many of its leading tokens the policy did not draw. */
type Forced = SampledAction & { readonly forced: number };

/** The next action of every rollout: drawn from the policy but for what its `begin` says. */
async function actAll(request: RolloutRequest, active: readonly Continuation[]): Promise<readonly Forced[]> {
  const { environment, policy, sampling } = request;
  const promptOf = ({ tree, node }: Continuation): Prompt => tree.nodes[node]!.prompt;
  const stateOf = ({ tree, node }: Continuation): unknown => tree.nodes[node]!.state;
  const result: Forced[] = [];
  const place = (of: readonly Continuation[], actions: readonly Forced[]): void => {
    for (const [index, action] of actions.entries()) result[active.indexOf(of[index]!)] = action;
  };
  const expertRollouts = active.filter(({ begin }) => begin === 'expert');
  if (expertRollouts.length > 0) {
    const asked = expertRollouts.map((one) => ({
      prompt: promptOf(one),
      state: stateOf(one),
      random: one.random,
    }));
    place(expertRollouts, await expertActions(request, asked));
  }
  const answering = active.filter(({ begin }) => begin === 'answer');
  if (answering.length > 0 && environment.text === undefined) {
    const asked = answering.map((one) => ({
      prompt: promptOf(one),
      state: stateOf(one),
      random: one.random,
    }));
    place(answering, await answerAtOnce(request, asked));
  }
  const own = active.filter((_, index) => result[index] === undefined);
  const forced = own.filter(({ begin }) => begin === 'answer');
  const beginnings = await forcedBeginning(request, forced.map(promptOf));
  const prefixes = new Map(forced.map((one, index) => [one, beginnings[index]!]));
  const actions = await policy.act(
    own.map((one) => actRequest(environment, one, prefixes.get(one))),
    sampling,
  );
  place(
    own,
    actions.map((action, index) => ({ ...action, forced: prefixes.get(own[index]!)?.tokens.length ?? 0 })),
  );
  return result;
}

function actRequest(
  { text }: AnyEnvironment,
  { tree, node, random, shared }: Continuation,
  forced: SampledTokens | undefined,
): ActRequest {
  const { prompt } = tree.nodes[node]!;
  if (text === undefined) return { prompt, random };
  const generation: Generation = { stops: text.stops, maxTokens: text.maxActionTokens };
  if (forced !== undefined) return { prompt, random, generation: { ...generation, prefix: forced } };
  if (shared === undefined) return { prompt, random, generation };
  const origin = tree.edges[shared.edge]!;
  const prefix = {
    tokens: origin.tokens.slice(0, shared.tokens),
    logProbs: origin.logProbs.slice(0, shared.tokens),
    entropies: origin.entropies.slice(0, shared.tokens),
  };
  return { prompt, random, generation: { ...generation, prefix } };
}
