import type { Random } from '../../core/random.ts';
import type { Fact, FactRelation } from './facts.ts';
import type { Edge, Graph, Relation } from './graph.ts';
import { containsName, sharesStem } from './leaks.ts';
import { countryClause, FRAME_COUNT, hasAnyPhrase, nounPhrase, question } from './phrases.ts';
import type { Kind } from './task.ts';

/** A question that could be asked. Its wording is drawn only when it is chosen. */
export interface Candidate {
  readonly kind: Kind;
  readonly template: string;
  /** Names the question among all. */
  readonly id: string;
  readonly start: string;
  readonly options: readonly string[];
  readonly answers: readonly string[];
  readonly hops: number;
  readonly moves: number;
  readonly facts: readonly Fact[];
  readonly write: (random: Random) => string;
}

/** Relations with one value that questions step over (see phrases.ts for their words). */
const STEPS: readonly Relation[] = [
  'capital',
  'capital-of',
  'currency',
  'currency-of',
  'language',
  'language-of',
  'borders',
  'subregion',
  'region',
  'family',
  'branch-of',
  'division',
  'country',
  'seat',
];
/** Relations that lead to the several countries among which a bridge question's condition picks one. */
const BRIDGES = { borders: 'borders', 'currency-of': 'currency', 'language-of': 'language' } as const;
/** What the condition may say about that country. */
const CONDITIONS: readonly FactRelation[] = ['borders', 'currency', 'language', 'subregion'];

const MAX_HOPS = 4;

/** Steps from one node to another, each the only value of its relation, except perhaps the last. */
interface Chain {
  readonly relations: readonly Relation[];
  /** The nodes passed, the start included, the answers not. */
  readonly nodes: readonly string[];
  readonly answers: readonly string[];
}

/** All chains of `shortest` to `longest` steps from `start`. */
function chainsFrom(graph: Graph, start: string, shortest: number, longest: number): Chain[] {
  const result: Chain[] = [];
  const grow = (relations: readonly Relation[], nodes: readonly string[]): void => {
    if (relations.length >= longest) return;
    for (const relation of STEPS) {
      const targets = graph.targets(nodes.at(-1)!, relation);
      if (targets.length === 0 || (targets.length > 1 && !hasAnyPhrase(relation))) continue;
      const chain = { relations: [...relations, relation], nodes, answers: targets };
      if (chain.relations.length >= shortest) result.push(chain);
      if (targets.length === 1) grow(chain.relations, [...nodes, targets[0]!]);
    }
  };
  if (shortest === 0) result.push({ relations: [], nodes: [], answers: [start] });
  grow([], [start]);
  return result;
}

/** 'What is the currency of the country whose capital is Lima?' and the like, 2 to 4 hops. */
export function compositionalCandidates(graph: Graph): Candidate[] {
  const result: Candidate[] = [];
  for (const start of graph.types.keys()) {
    const near = distancesFrom(graph, start, MAX_HOPS);
    for (const chain of chainsFrom(graph, start, 2, MAX_HOPS)) {
      const moves = chain.relations.length;
      if (isSpoilt(chain.answers, chain.nodes, [start], near, moves)) continue;
      const template = chain.relations.join('>');
      result.push({
        kind: 'compositional',
        template,
        id: `${template}:${start}`,
        start,
        options: [],
        answers: chain.answers,
        hops: moves,
        moves,
        facts: chainFacts(chain),
        write: (random) => question(describe(start, chain, random), random.integer(FRAME_COUNT)),
      });
    }
  }
  return result;
}

/** 'What is the capital of the country that borders France and has Catalan as an official language?' */
export function bridgeCandidates(graph: Graph): Candidate[] {
  const result: Candidate[] = [];
  for (const start of graph.types.keys()) {
    let near: ReadonlyMap<string, number> | undefined;
    for (const prefix of chainsFrom(graph, start, 0, 1)) {
      if (prefix.answers.length !== 1) continue;
      const [named] = prefix.answers;
      for (const bridge of bridgesFrom(graph, named!)) {
        for (const suffix of chainsFrom(graph, bridge.country, 0, MAX_HOPS - 2 - prefix.relations.length)) {
          const hops = prefix.relations.length + 2 + suffix.relations.length;
          const passed = [...prefix.nodes, named!, ...suffix.nodes];
          near ??= distancesFrom(graph, start, MAX_HOPS);
          if (passed.includes(bridge.value)) continue;
          if (isSpoilt(suffix.answers, passed, [start, bridge.value], near, hops - 1)) continue;
          result.push(bridgeCandidate(start, prefix, named!, bridge, suffix, hops));
        }
      }
    }
  }
  return result;
}

interface Bridge {
  readonly relation: keyof typeof BRIDGES;
  readonly condition: FactRelation;
  readonly value: string;
  readonly country: string;
}

/** Conditions that pick exactly one of the several countries that a relation of `named` leads to. */
function bridgesFrom(graph: Graph, named: string): Bridge[] {
  const result: Bridge[] = [];
  for (const relation of Object.keys(BRIDGES) as (keyof typeof BRIDGES)[]) {
    const countries = graph.targets(named, relation);
    if (countries.length < 2) continue;
    for (const country of countries) {
      for (const condition of CONDITIONS) {
        if (condition === BRIDGES[relation] && condition !== 'borders') continue;
        // The walk must be able to see that the condition holds; that it holds nowhere else is checked on all facts.
        for (const value of graph.targets(country, condition)) {
          const holds = countries.filter((other) => graph.values(other, condition).includes(value));
          if (value !== named && holds.length === 1) result.push({ relation, condition, value, country });
        }
      }
    }
  }
  return result;
}

function bridgeCandidate(
  start: string,
  prefix: Chain,
  named: string,
  bridge: Bridge,
  suffix: Chain,
  hops: number,
): Candidate {
  const picked = `${bridge.relation}&${bridge.condition}`;
  const template = [...prefix.relations, picked, ...suffix.relations].join('>');
  return {
    kind: 'bridge',
    template,
    id: `${template}:${start}&${bridge.value}`,
    start,
    options: [],
    answers: suffix.answers,
    hops,
    moves: hops - 1,
    facts: [
      ...chainFacts(prefix),
      toFact(named, { relation: bridge.relation, target: bridge.country }),
      [bridge.country, bridge.condition, bridge.value],
      ...chainFacts(suffix),
    ],
    write: (random) => {
      const first = countryClause(BRIDGES[bridge.relation], describe(start, prefix, random));
      const second = countryClause(bridge.condition, bridge.value);
      // A long first clause goes last: 'borders the country of Bavaria and uses …' would read both ways.
      const clauses = prefix.relations.length > 0 ? [second, first] : [first, second];
      const country = `the country that ${clauses.join(' and ')}`;
      return question(describe(country, suffix, random), random.integer(FRAME_COUNT));
    },
  };
}

/** The end of a chain in words. */
function describe(start: string, chain: Chain, random: Random): string {
  return chain.relations.reduce((phrase, relation, index) => {
    const isOnly = index < chain.relations.length - 1 || chain.answers.length === 1;
    return nounPhrase(relation, phrase, {
      isOnly,
      isNested: index > 0 || start.startsWith('the '),
      wording: random.integer(2),
    });
  }, start);
}

/**
 * True when the question gives its answer away or has a shorter way to it: an answer is named on the way or
 * like something in the question, or fewer moves from the start reach one.
 */
function isSpoilt(
  answers: readonly string[],
  passed: readonly string[],
  mentioned: readonly string[],
  near: ReadonlyMap<string, number>,
  moves: number,
): boolean {
  return answers.some(
    (answer) =>
      near.get(answer) !== moves ||
      passed.some((node) => containsName(node, answer)) ||
      mentioned.some((name) => sharesStem(name, answer)),
  );
}

/** Moves from `start` to all nodes at most `limit` moves away. */
function distancesFrom(graph: Graph, start: string, limit: number): Map<string, number> {
  const result = new Map([[start, 0]]);
  // Nodes added during the loop are visited by it: a queue.
  for (const [node, distance] of result) {
    if (distance === limit) continue;
    for (const { target } of graph.edges(node)) if (!result.has(target)) result.set(target, distance + 1);
  }
  return result;
}

const FORWARD: Partial<Record<Relation, FactRelation>> = {
  'capital-of': 'capital',
  'currency-of': 'currency',
  'language-of': 'language',
  'family-of': 'family',
  branch: 'branch-of',
  city: 'division',
};

/** The fact behind a move. */
export function toFact(node: string, edge: Edge): Fact {
  const forward = FORWARD[edge.relation];
  return forward === undefined
    ? [node, edge.relation as FactRelation, edge.target]
    : [edge.target, forward, node];
}

function chainFacts(chain: Chain): Fact[] {
  return chain.relations.flatMap((relation, index) => {
    const isLast = index === chain.relations.length - 1;
    const targets = isLast ? chain.answers : [chain.nodes[index + 1]!];
    return targets.map((target) => toFact(chain.nodes[index]!, { relation, target }));
  });
}
