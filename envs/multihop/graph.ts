import type { FactRelation, Facts, NodeType } from './facts.ts';

/** Inverse relations, told where they lead to few places. */
type InverseRelation = 'capital-of' | 'currency-of' | 'language-of' | 'family-of' | 'branch' | 'city';

/** A relation that the walk can follow. Borders are their own inverse. */
export type Relation = FactRelation | InverseRelation;

/** One move: follow `relation` to `target`. */
export interface Edge {
  readonly relation: Relation;
  readonly target: string;
}

/** Where the walk can go. Names are display names, unique over all types. */
export interface Graph {
  readonly types: ReadonlyMap<string, NodeType>;
  /** The moves from a node, always in the same order, at most `MAX_EDGES`. */
  edges(node: string): readonly Edge[];
  /** Targets of one relation's moves from a node: all its values, or none if the relation is left out. */
  targets(node: string, relation: Relation): readonly string[];
  /** All values of a relation, those of relations left out of the walk included. */
  values(node: string, relation: FactRelation): readonly string[];
  /** Number of moves from every node to the nearest of `goals`; nodes that cannot reach any are absent. */
  distancesTo(goals: readonly string[]): ReadonlyMap<string, number>;
}

/** Moves along relations from one node, at most; 'answer' and 'back' come on top. */
const MAX_EDGES = 10;

/** A relation with more values at a node is left out there, as a whole: a part of it would be a wrong fact. */
const MAX_VALUES: Readonly<Record<Relation, number>> = {
  capital: 1,
  'capital-of': 1,
  currency: 2,
  'currency-of': 4,
  language: 3,
  'language-of': 4,
  borders: 5,
  subregion: 1,
  region: 1,
  family: 1,
  'family-of': 4,
  'branch-of': 1,
  branch: 4,
  division: 1,
  city: 4,
  country: 1,
  seat: 1,
};

const INVERSES: Partial<Record<FactRelation, InverseRelation>> = {
  capital: 'capital-of',
  currency: 'currency-of',
  language: 'language-of',
  family: 'family-of',
  'branch-of': 'branch',
  division: 'city',
};

/** All relations, in the order of the moves. */
export const RELATIONS = Object.keys(MAX_VALUES) as readonly Relation[];
/** Where a node has too many moves, relations are left out in this order: those with the most values first. */
const DROP_ORDER: readonly Relation[] = [...RELATIONS].sort(
  (a, b) => MAX_VALUES[b] - MAX_VALUES[a] || (a < b ? -1 : 1),
);

/** Turns facts into the graph that is walked. */
export function createGraph(facts: Facts): Graph {
  const all = new Map<string, Map<Relation, string[]>>();
  const add = (subject: string, relation: Relation, object: string): void => {
    const relations = all.get(subject) ?? new Map<Relation, string[]>();
    all.set(subject, relations);
    relations.set(relation, [...(relations.get(relation) ?? []), object]);
  };
  for (const [subject, relation, object] of facts.facts) {
    add(subject, relation, object);
    const inverse = INVERSES[relation];
    if (inverse !== undefined) add(object, inverse, subject);
  }
  const edges = new Map<string, readonly Edge[]>();
  for (const name of facts.types.keys()) edges.set(name, edgesOf(all.get(name) ?? new Map()));
  const incoming = invert(edges);
  return {
    types: facts.types,
    edges: (node) => edges.get(node) ?? [],
    targets: (node, relation) =>
      (edges.get(node) ?? []).filter((edge) => edge.relation === relation).map((edge) => edge.target),
    values: (node, relation) => all.get(node)?.get(relation) ?? [],
    distancesTo: (goals) => distances(goals, incoming),
  };
}

function edgesOf(relations: ReadonlyMap<Relation, readonly string[]>): Edge[] {
  const kept = new Map([...relations].filter(([relation, values]) => values.length <= MAX_VALUES[relation]));
  const count = (): number => [...kept.values()].reduce((sum, values) => sum + values.length, 0);
  for (const relation of DROP_ORDER) {
    if (count() <= MAX_EDGES) break;
    kept.delete(relation);
  }
  return RELATIONS.flatMap((relation) =>
    [...(kept.get(relation) ?? [])].sort((a, b) => (a < b ? -1 : 1)).map((target) => ({ relation, target })),
  );
}

function invert(edges: ReadonlyMap<string, readonly Edge[]>): Map<string, string[]> {
  const incoming = new Map<string, string[]>();
  for (const [source, moves] of edges) {
    for (const { target } of moves) {
      const sources = incoming.get(target);
      if (sources === undefined) incoming.set(target, [source]);
      else sources.push(source);
    }
  }
  return incoming;
}

/** Breadth-first search against the direction of the moves. */
function distances(
  goals: readonly string[],
  incoming: ReadonlyMap<string, readonly string[]>,
): Map<string, number> {
  const result = new Map<string, number>(goals.map((goal) => [goal, 0]));
  let frontier: readonly string[] = [...result.keys()];
  for (let distance = 1; frontier.length > 0; distance++) {
    const next: string[] = [];
    for (const node of frontier) {
      for (const source of incoming.get(node) ?? []) {
        if (result.has(source)) continue;
        result.set(source, distance);
        next.push(source);
      }
    }
    frontier = next;
  }
  return result;
}
