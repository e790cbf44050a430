import type { Fact, FactRelation } from '../multihop/facts.ts';
import type { Relation } from '../multihop/graph.ts';
import { containsName } from '../multihop/leaks.ts';
import { type FactsPassage, type FactsTask, passageId } from './facts.ts';
import { fill, WORDINGS } from './sentences.ts';
import { retrieved, type SearchState } from './task.ts';

/** What a searcher that can read but knows nothing else has at hand. */
export interface Knowledge {
  /** Names in the question and in what was retrieved, the question's first, without repeats. */
  readonly names: readonly string[];
  /** Ids of the passages read. */
  readonly read: ReadonlySet<string>;
  /** Queries asked so far. */
  readonly asked: readonly string[];
}

/** A query, and the relation and the name it is about. */
export interface Query {
  readonly relation: FactRelation;
  readonly name: string;
  readonly text: string;
}

/** Reads the question and the transcript. `passages` are those of the corpus, by id. */
export function knowledgeOf(
  state: SearchState<FactsTask>,
  passages: ReadonlyMap<string, FactsPassage>,
): Knowledge {
  const { task, turns } = state;
  const read = new Set(retrieved(state).map(({ id }) => id));
  const told = [...read].flatMap((id) => {
    const passage = passages.get(id);
    return passage === undefined ? [] : [passage.subject, ...passage.objects];
  });
  return {
    names: [...new Set([...namesInQuestion(task), ...told])],
    read,
    asked: turns.flatMap((turn) => (turn.kind === 'search' ? [turn.query] : [])),
  };
}

/** The entities of the task that its question names. */
export function namesInQuestion({ question, start, options, facts }: FactsTask): readonly string[] {
  const names = [start, ...options, ...facts.flatMap(([subject, , object]) => [subject, object])];
  return [...new Set(names)].filter((name) => containsName(question, name));
}

/**
 * The facts to find, in order, one per passage. A comparison needs one way from the first option to its value,
 * and where that is not the value asked for, one from the second option.
 */
export function neededFacts(task: FactsTask): readonly Fact[] {
  const facts = task.options.length === 0 ? task.facts : comparisonFacts(task);
  const seen = new Set<string>();
  return facts.filter((fact) => {
    const isNew = !seen.has(passageId(fact));
    seen.add(passageId(fact));
    return isNew;
  });
}

function comparisonFacts(task: FactsTask): readonly Fact[] {
  const result: Fact[] = [];
  for (const option of task.options) {
    const ways = waysFrom(task, option, task.relations);
    if (!task.answers.includes(option)) {
      result.push(...(ways[0]?.facts ?? []));
      continue;
    }
    const right = ways.find(({ end }) => !task.options.includes(end) && containsName(task.question, end));
    return [...result, ...(right?.facts ?? [])];
  }
  return result;
}

interface Way {
  readonly facts: readonly Fact[];
  readonly end: string;
}

function waysFrom(task: FactsTask, node: string, relations: readonly Relation[]): readonly Way[] {
  const [relation, ...rest] = relations;
  if (relation === undefined) return [{ facts: [], end: node }];
  return task.facts.flatMap((fact) => {
    const target = targetOf(fact, node, relation);
    if (target === undefined) return [];
    return waysFrom(task, target, rest).map(({ facts, end }) => ({ facts: [fact, ...facts], end }));
  });
}

function targetOf([subject, told, object]: Fact, node: string, relation: Relation): string | undefined {
  if (told === relation) return subject === node ? object : undefined;
  return relation === 'capital-of' && told === 'capital' && object === node ? subject : undefined;
}

/**
 * The queries that could find the facts that have not been read, those for the first of them first; none when
 * all have been read. Asks by the subject where the steps so far lead to it, by the object otherwise; only with names at hand.
 */
export function nextQueries(task: FactsTask, { names, read }: Knowledge): readonly Query[] {
  const needed = neededFacts(task);
  const missing = needed.filter((fact) => !read.has(passageId(fact)));
  const reached = new Set([
    ...namesInQuestion(task),
    ...needed.filter((fact) => read.has(passageId(fact))).flatMap(([subject, , object]) => [subject, object]),
  ]);
  const known = new Set(names);
  return missing.flatMap((fact) => [
    ...queriesFor(fact, reached),
    // A subject that was read about for another reason can be tried as well.
    ...queriesFor(fact, known),
  ]);
}

function queriesFor([subject, relation, object]: Fact, known: ReadonlySet<string>): readonly Query[] {
  const name = [subject, object].find((one) => known.has(one));
  if (name === undefined) return [];
  const { forward, inverse } = WORDINGS[relation];
  return (name === subject ? forward : inverse).map((wording) => ({
    relation,
    name,
    text: fill(wording, name),
  }));
}
