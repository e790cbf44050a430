import type { RolloutTree, TreeEdge, TreeNode } from '../algorithms/tree.ts';
import { createRandom } from '../core/random.ts';

/** Actions per trajectory. */
const DEPTH = 8;

/**
 * A rollout tree of about `size` nodes as CARL grows them: 8 rollouts, then one after the other from a state drawn at
 * random, each to the end.
 */
export function grownTree(size: number): RolloutTree {
  const random = createRandom(5);
  const nodes: (TreeNode & { children: number[] })[] = [];
  const edges: TreeEdge[] = [];
  const prompt = { text: '' };
  const [tokens, logProbs, entropies] = [[0], [-1], [1]];
  const addNode = (parent: number | undefined, depth: number): number => {
    const end = depth === DEPTH ? 'terminated' : 'open';
    const value = end === 'open' ? 0 : random.uniform();
    nodes.push({ id: nodes.length, parent, state: null, depth, prompt, end, children: [], return: value });
    return nodes.length - 1;
  };
  addNode(undefined, 0);
  for (let rollout = 0; nodes.length < size; rollout++) {
    let at = rollout < 8 ? 0 : random.integer(nodes.length);
    if (nodes[at]!.end !== 'open') continue;
    for (let start = true; nodes[at]!.end === 'open'; start = false) {
      const id = edges.length;
      const to = addNode(id, nodes[at]!.depth + 1);
      const { return: reward } = nodes[to]!;
      const round = rollout < 8 ? 0 : rollout;
      edges.push({ id, from: at, to, action: '', tokens, logProbs, entropies, reward, round, start });
      nodes[at]!.children.push(id);
      at = to;
    }
  }
  return { task: { id: 't', question: 'q', answers: ['a'], kind: 'k', hops: 1 }, nodes, edges };
}
