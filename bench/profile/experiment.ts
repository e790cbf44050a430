import type { DecisionProcess } from './process.ts';

/** One difficulty, alone, with one knob. */
export interface Experiment {
  /** Lower-case words with hyphens: the name of its folder. */
  readonly id: string;
  /** What is asked of a method, in one sentence. */
  readonly question: string;
  /** Whose claim it tests. */
  readonly claim: string;
  readonly knob: {
    readonly name: string;
    /** Four to seven, from easy to hard. */
    readonly levels: readonly number[];
  };
  process(level: number): DecisionProcess;
  /** Rollouts per question and questions per iteration. Default: 16, and every question of its four copies once. */
  batch?(level: number): { readonly rollouts: number; readonly questions: number };
  /** Episodes of the starting policy that a run may spend, in sampled actions. Default: 1600. */
  readonly episodes?: number;
  /** The best return that the policy can have, where what it reads hides the state. */
  optimum?(level: number): number;
}
