import { creditByToken, disagreement } from './credit.ts';
import { DEFAULT_LIMITS, type ShownTree, type TreePageLimits } from './input.ts';
import { rowsOf } from './rows.ts';
import { actionsOf } from './view.ts';

/** Keeps, of any number of trees, those that a page shows: the ones on which methods disagree most. */
export class TreeSelection {
  private readonly limits: TreePageLimits;
  private kept: { readonly tree: ShownTree; readonly score: number; readonly tokens: number }[] = [];
  private seen = 0;

  constructor(most: Partial<TreePageLimits> = {}) {
    this.limits = { ...DEFAULT_LIMITS, ...most };
  }

  add(tree: ShownTree): void {
    this.seen++;
    const actions = actionsOf(rowsOf(tree.grown));
    const values = Object.keys(tree.credits).flatMap((method) => creditByToken(tree, method, actions) ?? []);
    const tokens = actions.reduce((sum, { from, to }) => sum + to - from, 0);
    this.kept.push({ tree, score: disagreement(values), tokens });
    this.kept.sort((a, b) => b.score - a.score);
    // What comes after is not shown: the trees before have as many tokens as there is room for.
    let room = this.limits.tokens;
    const shown = this.kept.findIndex((one) => {
      room -= one.tokens;
      return room <= 0;
    });
    this.kept.length = Math.min(this.kept.length, this.limits.trees, shown === -1 ? Infinity : shown + 1);
  }

  /** Those that are kept, and how many are not. */
  result(): { readonly trees: readonly ShownTree[]; readonly leftOut: number } {
    return { trees: this.kept.map(({ tree }) => tree), leftOut: this.seen - this.kept.length };
  }
}
