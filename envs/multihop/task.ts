import type { Task } from '../environment.ts';
import type { Fact } from './facts.ts';

/** The place where comparison questions start: no entity, its moves lead to the candidates. */
export const START_PLACE = 'start';

/** Kind of a multihop question. */
export type Kind = 'compositional' | 'bridge' | 'comparison';

/** A question over the graph. */
export interface MultihopTask extends Task {
  readonly kind: Kind;
  /** The relations that were composed: questions of one template differ in their entities and wording only. */
  readonly template: string;
  /** Where the walk starts: a node, or `START_PLACE`. */
  readonly start: string;
  /** The candidates of a comparison, in the order of the question; empty otherwise. */
  readonly options: readonly string[];
  /** Moves from the start to the nearest answer; one more turn answers. */
  readonly moves: number;
  /** The facts that lead to the answer, in order. */
  readonly facts: readonly Fact[];
}
