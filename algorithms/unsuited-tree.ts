/**
 * Thrown by credit rules for trees that their own plan would not have grown, and of which they cannot say anything: other
 * people's rollouts. What a tree lacks is in words.
 * @experimental
 */
export class UnsuitedTree extends Error {
  override readonly name = 'UnsuitedTree';
  /** What the rule needs: 'Monte Carlo rollouts from every state'. */
  readonly lacks: string;

  constructor(lacks: string) {
    super(`the tree lacks ${lacks}`);
    this.lacks = lacks;
  }
}
