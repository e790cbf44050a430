import type { AnyAlgorithm } from '../../algorithms/algorithm.ts';
import { grpo } from '../../algorithms/grpo/index.ts';
import { findAlgorithm } from '../../algorithms/registry.ts';
import { STOP_OR_SEARCH_LOGITS, stopOrSearch } from '../../envs/diagnostic/stop-or-search.ts';
import type { AnyEnvironment, LoadedEnvironment, Task } from '../../envs/environment.ts';
import { createTabularPolicy } from '../../policies/tabular/index.ts';
import type { CreditQualityRequest, MethodQuality } from './quality.ts';

/** As many questions of one environment as wanted, all the same but for their ids. */
export function alike(environment: AnyEnvironment, count: number): LoadedEnvironment {
  const tasks = Array.from({ length: count }, (_, index): Task => {
    return { id: `question ${index}`, question: 'why?', answers: ['A'], kind: 'alike', hops: 1 };
  });
  return { environment, tasks: { train: [], dev: tasks, test: [] }, fingerprint: 'alike' };
}

const [search, a] = [0.4, -0.6].map((logit) => 1 / (1 + Math.exp(-logit))) as [number, number];
const start = (1 - search) * 0.3 + search * a;
/** The true advantages of stop-or-search at its documented logits, by hand. */
export const ADVANTAGES: Readonly<Record<string, number>> = {
  stop: 0.3 - start,
  search: a - start,
  A: 1 - a,
  B: -a,
};

/** A method with the rollouts of GRPO that says of every action what it is told to. */
export const saying = (credit: (action: string, text: string) => number): AnyAlgorithm => ({
  ...grpo,
  id: 'saying',
  credit: (trees) => ({
    actions: trees.flatMap((tree, index) =>
      tree.edges.map((edge) => ({
        tree: index,
        edge: edge.id,
        advantage: credit(edge.action, tree.nodes[edge.from]!.prompt.text),
        sequence: `${index}/${edge.id}`,
      })),
    ),
  }),
});

export const named = (...names: readonly string[]): CreditQualityRequest['methods'] =>
  names.map((name) => ({ name, algorithm: findAlgorithm(name) }));

/** Stop-or-search at its documented logits, many times. */
export const stopping = (questions: number): CreditQualityRequest => ({
  loaded: alike(stopOrSearch(), questions),
  policy: createTabularPolicy(STOP_OR_SEARCH_LOGITS),
  methods: named('grpo'),
  questions,
  budget: 20,
  rollouts: 8,
});

/** The measures of a method without their intervals. */
export const valuesOf = ({ measures }: MethodQuality) =>
  Object.fromEntries(Object.entries(measures).map(([name, { value }]) => [name, value])) as Record<
    keyof MethodQuality['measures'],
    number
  >;
