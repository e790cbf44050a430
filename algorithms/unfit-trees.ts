/**
 * Trees that a credit rule can say nothing of, because rollouts are missing that its own plan asks for. Trees grown by that
 * plan never are; trees made of other people's rollouts may be.
 */
export class UnfitTrees extends Error {
  override readonly name = 'UnfitTrees';
  /** What is missing, as people read it: 'rollouts from the states of ...'. */
  readonly lacks: string;

  constructor(lacks: string) {
    super(`the trees have no ${lacks}`);
    this.lacks = lacks;
  }
}
