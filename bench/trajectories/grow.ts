import type { RolloutTree, TreeEdge, TreeNode } from '../../algorithms/tree.ts';
import { InputError } from '../../core/errors.ts';
import type { Task } from '../../envs/environment.ts';
import { lacking } from './lacking.ts';
import { branches, type Merge } from './merge.ts';
import { type ReadContext, readPrompt } from './read-prompt.ts';
import type { Trajectory, TrajectoryTurn } from './trajectory.ts';

/**
 * A tree made of trajectories.
 * @experimental
 */
export interface GrownTree {
  readonly tree: RolloutTree;
  /** By trajectory: the edges of its turns. */
  readonly paths: readonly (readonly number[])[];
}

/** An edge before it has its number. */
interface Drafted {
  readonly turn: TrajectoryTurn;
  /** The turn after it: what it read is what this one brought. */
  readonly next: TrajectoryTurn | undefined;
  readonly trajectory: Trajectory;
  readonly before: number | undefined;
  readonly start: boolean;
  readonly round: number;
  readonly shared: { readonly edge: number; readonly tokens: number } | undefined;
}

interface MutableNode extends TreeNode {
  readonly children: number[];
}

/**
 * Makes a tree of the trajectories of one question. Where they name forks or rounds, the tree is the one that they name;
 * otherwise they are merged as `merge` says, and a trajectory that shares turns with an earlier one has left it in round
 * 1. Every trajectory is a leaf of its own. Fields that the trajectories lack throw `LackingField` when they are read.
 * @param group trajectories of one group, checked by `trajectoryProblem`.
 * @throws InputError when two have one id, a fork leaves a trajectory that is not there or differs from it before the
 * fork, or orders are not complete and different.
 */
export function growTree(group: readonly Trajectory[], merge: Merge): GrownTree {
  const names = new Map(group.map((trajectory, index) => [trajectory.id, index]));
  if (names.size < group.length) {
    const twice = group.find(({ id }, index) => names.get(id) !== index)!;
    throw new InputError(
      `group '${twice.group}': two trajectories have the id '${twice.id}'; valid: one of each`,
    );
  }
  const drafted: Drafted[] = [];
  const paths: number[][] = [];
  for (const { index, parent, turns: common, tokens } of branches(group, names, merge)) {
    const trajectory = group[index]!;
    const { turns } = trajectory;
    const path = parent === undefined ? [] : paths[parent]!.slice(0, common);
    const round = trajectory.round ?? (parent === undefined ? 0 : 1);
    for (let at = common; at < turns.length; at++) {
      const start = at === common;
      const shared = start && tokens !== undefined ? { edge: paths[parent!]![at]!, tokens } : undefined;
      const before = path.at(-1);
      path.push(drafted.length);
      drafted.push({ turn: turns[at]!, next: turns[at + 1], trajectory, before, start, round, shared });
    }
    paths[index] = path;
  }
  const place = placesOf(drafted);
  return {
    tree: numbered(group[0]!, drafted, place),
    paths: paths.map((path) => path.map((at) => place[at]!)),
  };
}

/** The number of every drafted edge: by `order` if the turns have one, as drafted otherwise. */
function placesOf(drafted: readonly Drafted[]): Int32Array {
  const place = Int32Array.from(drafted.keys());
  const orders = drafted.flatMap(({ turn }) => turn.order ?? []);
  if (orders.length === 0) return place;
  const { group } = drafted[0]!.trajectory;
  const different = new Set(orders).size;
  if (different < drafted.length) {
    throw new InputError(
      `group '${group}': ${drafted.length} actions have ${different} different orders; valid: a different one for each, or none`,
    );
  }
  const sorted = place.slice().sort((a, b) => drafted[a]!.turn.order! - drafted[b]!.turn.order!);
  for (const [number, at] of sorted.entries()) place[at] = number;
  for (const [at, { before, trajectory }] of drafted.entries()) {
    if (before !== undefined && place[before]! > place[at]!) {
      throw new InputError(
        `group '${group}': trajectory '${trajectory.id}' has an action with an order before that of the action it follows; valid: after it`,
      );
    }
  }
  return place;
}

function numbered(first: Trajectory, drafted: readonly Drafted[], place: Int32Array): RolloutTree {
  const nodes: MutableNode[] = [];
  const edges: TreeEdge[] = [];
  const contexts: (ReadContext | undefined)[] = [];
  /** Adds the node that an edge leads to, or the root, where `turn` is the next. */
  const addNode = (edge: TreeEdge | undefined, turn: TrajectoryTurn | Trajectory, end: TreeNode['end']) => {
    const parent = edge === undefined ? undefined : nodes[edge.from]!;
    const observation = 'tokens' in turn ? turn.observation : undefined;
    const before = edge === undefined ? undefined : contexts[edge.from];
    const isKnown = observation?.tokens !== undefined && (edge === undefined || before !== undefined);
    const context = isKnown
      ? { before, action: edge?.tokens ?? [], observation: observation.tokens! }
      : undefined;
    contexts.push(context);
    nodes.push({
      id: nodes.length,
      parent: edge?.id,
      state: undefined,
      depth: parent === undefined ? 0 : parent.depth + 1,
      prompt: end === 'open' ? readPrompt(observation, context) : { text: '' },
      end,
      children: [],
      return: parent === undefined ? 0 : parent.return + edge!.reward,
      ...defined({ gold: 'tokens' in turn ? turn.gold : undefined, milestones: turn.milestones }),
    });
  };
  addNode(undefined, first.turns[0]!, 'open');
  const order = Int32Array.from(drafted.keys()).sort((a, b) => place[a]! - place[b]!);
  for (const at of order) {
    const { next, trajectory, before } = drafted[at]!;
    const from = before === undefined ? 0 : place[before]! + 1;
    const edge = edgeOf(drafted[at]!, place, edges.length, from);
    edges.push(edge);
    nodes[from]!.children.push(edge.id);
    addNode(edge, next ?? trajectory, next === undefined ? (trajectory.end ?? 'terminated') : 'open');
  }
  return { task: taskOf(first), nodes, edges };
}

function edgeOf(
  { turn, next, trajectory, start, round, shared }: Drafted,
  place: Int32Array,
  id: number,
  from: number,
): TreeEdge {
  const reward = (turn.reward ?? 0) + (next === undefined ? (trajectory.reward ?? 0) : 0);
  const edge = {
    ...{ id, from, to: id + 1, tokens: turn.tokens, reward, start, round },
    ...defined({
      action: turn.text,
      logProbs: turn.logprobs,
      entropies: turn.entropies,
      shared: shared === undefined ? undefined : { edge: place[shared.edge]!, tokens: shared.tokens },
      cut: turn.cut === true ? true : undefined,
      tool: (turn.tool ?? next !== undefined) ? true : undefined,
      begin: turn.begin,
      forced: turn.forced,
      previous: turn.previous,
      reference: turn.reference,
      pieces: turn.pieces,
      outputs: turn.outputs,
    }),
  };
  return lacking(edge, {
    action: 'texts of the actions (text)',
    logProbs: 'log-probabilities of the sampled tokens (logprobs)',
    entropies: 'entropies of the distributions that the tokens were drawn from (entropies)',
  }) as TreeEdge;
}

function taskOf({ group, question, answers }: Trajectory): Task {
  const task = { id: group, kind: '', hops: 0, ...defined({ question, answers }) };
  return lacking(task, {
    question: 'text of the question (question)',
    answers: 'accepted answers (answers)',
  }) as Task;
}

/** Without the properties that are undefined. */
function defined<T extends object>(object: T): { [Key in keyof T]?: Exclude<T[Key], undefined> } {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as {
    [Key in keyof T]?: Exclude<T[Key], undefined>;
  };
}
