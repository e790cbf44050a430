import type { Head, TokenValues } from '../../algorithms/algorithm.ts';
import type { RolloutTree } from '../../algorithms/tree.ts';
import { InputError } from '../../core/errors.ts';
import type { Features, Policy, Sampling, TrainablePolicy } from '../../policies/policy.ts';
import { type AdamState, adamState, adamStep, grown } from './learners/adam.ts';

/** A head and its parameters, float64: the bias, then one weight per feature. */
export interface HeadState {
  readonly head: Head;
  readonly parameters: Float64Array;
  readonly adam: AdamState;
}

/** What training a head for one iteration showed, before its first step. */
export interface HeadStatistics {
  readonly name: string;
  readonly loss: number;
  readonly explainedVariance: number | null;
}

/** A policy that is trained; heads need its features. */
type Learning = Policy & Partial<Pick<TrainablePolicy, 'features'>>;

/** What is wrong with a head on a policy that a server trains. */
export const withoutFeatures = (policy: string, what: string): string =>
  `${what} reads the policy's features, and policy ${policy} has none: its model is on a server, which gives log-probabilities only; valid: methods without a critic, such as grpo, rloo, carl or vineppo, or a policy that is trained here, such as text-transformer`;

/** Heads before training: all outputs are 0. */
export function headStates(heads: readonly Head[]): readonly HeadState[] {
  return heads.map((head) => ({ head, parameters: new Float64Array(1), adam: adamState(1) }));
}

/**
 * The features of every action of every tree, tree by tree. One forward pass over all of them.
 * @param sees as in `Head.sees`.
 */
export async function treeFeatures(
  trees: readonly RolloutTree[],
  policy: Learning,
  sampling: Sampling,
  sees?: Head['sees'],
): Promise<Features> {
  if (policy.features === undefined) throw new InputError(withoutFeatures(policy.id, 'a head'));
  const records = trees.flatMap(({ edges, nodes }) =>
    edges.map(({ from, tokens, action }) => {
      const { prompt } = nodes[from]!;
      if (sees === undefined || prompt.actions === undefined) return { prompt, tokens };
      // A list with this action alone: its features are those of the action. The action's name makes the text unique.
      return { prompt: { text: `${prompt.text}\n${action}`, actions: [action] }, tokens: [0] };
    }),
  );
  return policy.features(records, sampling);
}

/** The trees with the outputs of all heads, and the features that each head has read. */
export async function readHeads(
  trees: readonly RolloutTree[],
  states: readonly HeadState[],
  policy: Learning,
  sampling: Sampling,
): Promise<{ readonly trees: readonly RolloutTree[]; readonly features: readonly Features[] }> {
  const known = new Map<Head['sees'], Features>();
  let read = trees;
  for (const sees of [undefined, 'action'] as const) {
    const group = states.filter(({ head }) => head.sees === sees);
    if (group.length === 0) continue;
    const features = await treeFeatures(trees, policy, sampling, sees);
    read = withOutputs(read, group, features, policy);
    known.set(sees, features);
  }
  return { trees: read, features: states.map(({ head }) => known.get(head.sees)!) };
}

/** The same trees with the outputs of the heads at every token, and the tokens that were read for them counted. */
export function withOutputs(
  trees: readonly RolloutTree[],
  states: readonly HeadState[],
  features: Features,
  policy: Pick<TrainablePolicy, 'promptTokens'>,
): readonly RolloutTree[] {
  const places = nonZeros(features.rows);
  const outputs = states.map(({ parameters }) => outputsOf(trees, parameters, features, places));
  return trees.map((tree, index) => ({
    ...tree,
    measuredTokens:
      (tree.measuredTokens ?? 0) +
      tree.edges.reduce(
        (sum, { from, tokens }) => sum + policy.promptTokens(tree.nodes[from]!.prompt).length + tokens.length,
        0,
      ),
    edges: tree.edges.map((edge) => ({
      ...edge,
      outputs: {
        ...edge.outputs,
        ...Object.fromEntries(
          states.map(({ head }, which) => [head.name, Array.from(outputs[which]![index]![edge.id]!)]),
        ),
      },
    })),
  }));
}

/** What a head says of every token, written into `into` where that is given. */
function outputsOf(
  trees: readonly RolloutTree[],
  parameters: Float64Array,
  { width, rows }: Features,
  places = nonZeros(rows),
  into?: TokenValues,
): TokenValues {
  let record = 0;
  // A head that has not met a feature yet has no weight for it.
  const known = Math.min(width, parameters.length - 1);
  return trees.map(({ edges }, tree) =>
    edges.map(({ tokens }, edge) => {
      const row = rows[record]!;
      const values = into?.[tree]?.[edge] ?? new Float64Array(tokens.length);
      values.fill(parameters[0]!);
      for (const at of places[record++]!) {
        const index = at % width;
        if (index < known) values[(at - index) / width]! += parameters[1 + index]! * row[at]!;
      }
      return values;
    }),
  );
}

/** Where each row is not 0: a table's is but for one place. Rows that are one object are looked through once. */
function nonZeros(rows: Features['rows']): readonly Int32Array[] {
  const known = new Map<Features['rows'][number], Int32Array>();
  return rows.map((row) => {
    let places = known.get(row);
    if (places === undefined) {
      let count = 0;
      for (let at = 0; at < row.length; at++) if (row[at] !== 0) count++;
      places = new Int32Array(count);
      count = 0;
      for (let at = 0; at < row.length; at++) if (row[at] !== 0) places[count++] = at;
      known.set(row, places);
    }
    return places;
  });
}

/** One iteration's Adam steps of a head. */
export function trainHead(
  state: HeadState,
  trees: readonly RolloutTree[],
  features: Features,
): { readonly state: HeadState; readonly statistics: HeadStatistics } {
  const { head } = state;
  const { width, rows } = features;
  const size = 1 + width;
  const parameters = new Float64Array(size);
  parameters.set(state.parameters);
  let adam = grown(state.adam, size);
  const places = nonZeros(rows);
  const lossOf = head.loss(trees);
  const gradient = new Float64Array(size);
  let outputs: TokenValues | undefined;
  let statistics: HeadStatistics | undefined;
  for (let step = 0; step < head.steps; step++) {
    outputs = outputsOf(trees, parameters, features, places, outputs);
    const result = lossOf(outputs);
    statistics ??= {
      name: head.name,
      loss: result.loss,
      explainedVariance: result.explainedVariance ?? null,
    };
    gradient.fill(0);
    let record = 0;
    for (const edges of result.gradients) {
      for (const partials of edges) {
        const row = rows[record]!;
        for (let t = 0; t < partials.length; t++) gradient[0]! += partials[t]!;
        for (const at of places[record++]!) {
          const index = at % width;
          gradient[1 + index]! += partials[(at - index) / width]! * row[at]!;
        }
      }
    }
    adam = adamStep(parameters, gradient, adam, { learningRate: head.learningRate, epsilon: 1e-8 });
  }
  return { state: { head, parameters, adam }, statistics: statistics! };
}
