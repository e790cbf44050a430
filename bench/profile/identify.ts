import { spearman } from '../stats/correlation.ts';
import type { TrainedIteration } from '../training/iteration.ts';
import { tokenCredits } from '../training/token-credits.ts';
import type { Decision } from './written.ts';

/** How well credit says what mattered. Null where it is not defined. */
export interface Identification {
  /** Spearman's correlation between the credit of the sampled actions and their exact advantages. */
  readonly rankCorrelation: number | null;
  /** Share of the sampled actions that matter whose credit has the wrong sign; no credit counts half. */
  readonly signErrors: number | null;
  /** Share of all credit, in absolute values, that lies on actions of states where nothing matters. */
  readonly leakage: number | null;
}

/** Advantages of at most this are rounding. */
const NOTHING = 1e-9;

/** Collects credit of sampled actions and their exact advantages. */
export class CreditCounts {
  private readonly actionValues: ReadonlyMap<string, Float64Array>;
  private readonly values: ReadonlyMap<string, number>;
  private readonly decisions: (state: string, tokens: readonly number[]) => readonly Decision[];
  private readonly credits: number[] = [];
  private readonly advantages: number[] = [];
  private signErrors = 0;
  private mattering = 0;
  private leaked = 0;
  private total = 0;

  /**
   * @param actionValues expected returns after each action, by state.
   * @param values expected returns, by state.
   * @param decisions the decisions behind the tokens of an action. Default: one, which is its token.
   */
  constructor(
    actionValues: ReadonlyMap<string, Float64Array>,
    values: ReadonlyMap<string, number>,
    decisions: (state: string, tokens: readonly number[]) => readonly Decision[] = (state, [token]) => [
      [state, token!],
    ],
  ) {
    this.actionValues = actionValues;
    this.values = values;
    this.decisions = decisions;
  }

  /** Every sampled action of an iteration; those that are not trained have no credit. */
  add({ trees, used, rows }: Pick<TrainedIteration, 'trees' | 'used' | 'rows'>): void {
    const usedTrees = trees.slice(0, used);
    const credits = tokenCredits(usedTrees, rows);
    for (const [index, tree] of usedTrees.entries()) {
      for (const edge of tree.edges) {
        const { at } = tree.nodes[edge.from]!.state as { readonly at: string };
        // Tokens that are another action's are counted there.
        const shared = edge.shared?.tokens ?? 0;
        for (const [t, [state, action]] of this.decisions(at, edge.tokens).entries()) {
          if (t >= shared) this.count(credits[index]![edge.id]?.[t] ?? 0, state, action);
        }
      }
    }
  }

  private count(credit: number, state: string, action: number): void {
    const values = this.actionValues.get(state)!;
    const advantage = values[action]! - this.values.get(state)!;
    this.credits.push(credit);
    this.advantages.push(Math.abs(advantage) <= NOTHING ? 0 : advantage);
    this.total += Math.abs(credit);
    if (Math.abs(advantage) > NOTHING) {
      this.mattering++;
      this.signErrors += credit === 0 ? 0.5 : Number(credit > 0 !== advantage > 0);
    } else if (Math.max(...values) - Math.min(...values) <= NOTHING) {
      this.leaked += Math.abs(credit);
    }
  }

  summary(): Identification {
    return {
      rankCorrelation: spearman(this.credits, this.advantages),
      signErrors: this.mattering === 0 ? null : this.signErrors / this.mattering,
      leakage: this.total === 0 ? null : this.leaked / this.total,
    };
  }
}
