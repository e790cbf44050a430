import type { GainTurn } from '../shared/information-gain.ts';
import type { RolloutTree, TreeEdge } from '../tree.ts';

/**
 * Advantages by token position: the return to go at every token of a trajectory, what was read included, against
 * the other trajectories' at the same distance from the end of the first prompt. A trajectory that has ended counts
 * 0 there.
 *
 * Distances count tokens if the policy reads tokens (free text), and actions' tokens alone if actions are listed.
 * @param turns of every trajectory. @param returns to go, in the shape of `turns`.
 * @param compare from the values of all trajectories at one position to their advantages.
 * @returns the advantages of the tokens of an edge, by trajectory, turn and edge.
 */
export function returnsByPosition(
  tree: RolloutTree,
  turns: readonly (readonly GainTurn[])[],
  returns: readonly (readonly number[])[],
  compare: (values: readonly number[]) => readonly number[],
): (trajectory: number, turn: number, edge: number) => readonly number[] {
  const first = tree.nodes[0]!.prompt.tokens?.length;
  const starts = turns.map((parts) => {
    const places = new Map<number, number>();
    let written = 0;
    for (const edge of parts.flatMap(({ edges }) => edges)) {
      const read = tree.nodes[edge.from]!.prompt.tokens?.length;
      places.set(edge.id, first === undefined || read === undefined ? written : read - first);
      written += edge.tokens.length;
    }
    return places;
  });
  // From a turn's first token on, observations included, to the next turn's: that turn's return to go.
  const lines = turns.map((parts, i) => {
    const endOf = (edge: TreeEdge): number => starts[i]!.get(edge.id)! + edge.tokens.length;
    const line = new Float64Array(endOf(parts.at(-1)!.edges.at(-1)!));
    for (const [k, { edges }] of parts.entries()) line.fill(returns[i]![k]!, starts[i]!.get(edges[0]!.id)!);
    return line;
  });
  const known = new Map<number, readonly number[]>();
  const at = (position: number): readonly number[] => {
    let values = known.get(position);
    if (values === undefined) {
      values = compare(lines.map((line) => line[position] ?? 0));
      known.set(position, values);
    }
    return values;
  };
  return (trajectory, _, id) => {
    const start = starts[trajectory]!.get(id)!;
    return tree.edges[id]!.tokens.map((_token, j) => at(start + j)[trajectory]!);
  };
}
