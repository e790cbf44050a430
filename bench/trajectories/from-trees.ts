import { leaves, path, type RolloutTree, type TreeEdge, type TreeNode } from '../../algorithms/tree.ts';
import { TRAJECTORY_FORMAT, TRAJECTORY_VERSION, type Trajectory, type TrajectoryTurn } from './trajectory.ts';

/**
 * The trajectories of a tree, one per leaf in the order of the leaves, with all that credit can depend on: `growTrees`
 * makes the same tree of them.
 * @param group name of the tree's question among those that are written together.
 * @param batch what is normalised together.
 */
export function trajectoriesOf(
  tree: RolloutTree,
  group: string,
  batch?: string | number,
): readonly Trajectory[] {
  const { task } = tree;
  /** The trajectory that sampled an edge, and its place in it. */
  const sampledBy: { id: string; turn: number }[] = [];
  return sampled(tree).map((leaf, index) => {
    const edges = path(tree, leaf);
    const id = String(index);
    const own = edges.findIndex((edge) => sampledBy[edge.id] === undefined);
    const first = edges[own]!;
    for (const [turn, edge] of edges.entries()) sampledBy[edge.id] ??= { id, turn };
    // Inside an action, the trajectory that is left is that of the edge which shares its tokens.
    const left = first.shared === undefined ? edges[own - 1]?.id : first.shared.edge;
    const fork =
      left === undefined
        ? {}
        : {
            fork: {
              of: sampledBy[left]!.id,
              turn: own,
              ...(first.shared === undefined ? {} : { tokens: first.shared.tokens }),
            },
          };
    return {
      format: TRAJECTORY_FORMAT,
      version: TRAJECTORY_VERSION,
      group,
      id,
      ...(batch === undefined ? {} : { batch }),
      question: task.question,
      answers: [...task.answers],
      turns: edges.map((edge, turn) => turnOf(tree, edge, edges[turn - 1])),
      end: leaf.end === 'truncated' ? 'truncated' : 'terminated',
      ...(leaf.milestones === undefined ? {} : { milestones: leaf.milestones }),
      ...fork,
      round: first.round,
    };
  });
}

/** The leaves in the order in which their rollouts were begun: what a rollout leaves comes before it. */
function sampled(tree: RolloutTree): readonly TreeNode[] {
  const begun = leaves(tree).map((leaf) => {
    const edges = path(tree, leaf);
    return { leaf, start: edges.findLast(({ start }) => start)?.id ?? 0 };
  });
  return begun.sort((a, b) => a.start - b.start).map(({ leaf }) => leaf);
}

function turnOf(tree: RolloutTree, edge: TreeEdge, before: TreeEdge | undefined): TrajectoryTurn {
  const node = tree.nodes[edge.from]!;
  const { tokens, text, actions } = node.prompt;
  const seen =
    before === undefined ? 0 : (tree.nodes[before.from]!.prompt.tokens?.length ?? 0) + before.tokens.length;
  const isLast = tree.nodes[edge.to]!.end !== 'open';
  return {
    observation: {
      ...(tokens === undefined ? {} : { tokens: [...tokens.subarray(seen)] }),
      text,
      ...(actions === undefined ? {} : { actions: [...actions] }),
    },
    tokens: [...edge.tokens],
    text: edge.action,
    logprobs: [...edge.logProbs],
    entropies: [...edge.entropies],
    reward: edge.reward,
    ...(edge.outputs === undefined
      ? {}
      : { outputs: Object.fromEntries(Object.entries(edge.outputs).map(([head, v]) => [head, [...v]])) }),
    ...(edge.previous === undefined ? {} : { previous: [...edge.previous] }),
    ...(edge.reference === undefined ? {} : { reference: [...edge.reference] }),
    ...(edge.pieces === undefined ? {} : { pieces: [...edge.pieces] }),
    ...(node.gold === undefined ? {} : { gold: node.gold }),
    ...(node.milestones === undefined ? {} : { milestones: node.milestones }),
    ...((edge.tool === true) === !isLast ? {} : { tool: edge.tool === true }),
    ...(edge.cut === true ? { cut: true } : {}),
    ...(edge.forced === undefined ? {} : { forced: edge.forced }),
    ...(edge.begin === undefined ? {} : { begin: edge.begin }),
    order: edge.id,
  };
}
