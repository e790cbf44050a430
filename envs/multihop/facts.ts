/** What a node of the graph is. */
export type NodeType =
  | 'country'
  | 'city'
  | 'division'
  | 'currency'
  | 'language'
  | 'family'
  | 'subregion'
  | 'region';

/** The relations facts are stated in; each is a function or a small set of its subject. */
export type FactRelation =
  | 'capital'
  | 'borders'
  | 'currency'
  | 'language'
  | 'subregion'
  | 'region'
  | 'family'
  | 'branch-of'
  | 'division'
  | 'country'
  | 'seat';

/** Subject, relation, object, by display names. */
export type Fact = readonly [subject: string, relation: FactRelation, object: string];

/** All facts. For every country that is in, all its values of a relation are in, or none. */
export interface Facts {
  /** Display name (unique over all types) to type, in a fixed order. */
  readonly types: ReadonlyMap<string, NodeType>;
  readonly facts: readonly Fact[];
}

/** Collects nodes and facts; a name belongs to the first type that takes it. */
export class FactCollector {
  readonly types = new Map<string, NodeType>();
  readonly facts: Fact[] = [];

  /** True when the name is now, or already was, a node of this type. */
  node(name: string, type: NodeType): boolean {
    const known = this.types.get(name);
    if (known === undefined) this.types.set(name, type);
    return known === undefined || known === type;
  }

  fact(subject: string, relation: FactRelation, object: string): void {
    this.facts.push([subject, relation, object]);
  }
}
