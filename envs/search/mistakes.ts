import type { Random } from '../../core/random.ts';
import type { FactRelation } from '../multihop/facts.ts';
import type { FactsTask } from './facts.ts';
import { type Knowledge, namesInQuestion, type Query } from './plan.ts';
import { fill, WORDINGS } from './sentences.ts';
import { answering, searching, thinking } from './writing.ts';

/** Writes a mistake. Draws through `random.integer` only. */
export type Mistake = (random: Random) => string;

const RELATIONS = Object.keys(WORDINGS) as readonly FactRelation[];

/**
 * The mistakes that can be made here, each as likely as the others: asking for another relation, asking about
 * another name at hand, asking again, answering too early, answering a wrong name that was read, writing an
 * action without its tag. At least one; none names what has neither been asked about nor read.
 * @param query the right next search; undefined if answering is right.
 */
export function mistakesAt(
  task: FactsTask,
  knowledge: Knowledge,
  query: Query | undefined,
): readonly Mistake[] {
  const { names, asked } = knowledge;
  const inQuestion = namesInQuestion(task);
  const isWrong = (name: string): boolean => !task.answers.includes(name);
  const early = query === undefined ? [] : inQuestion.filter(isWrong);
  const read = names.filter((name) => !inQuestion.includes(name) && isWrong(name));
  const others = names.filter((name) => name !== query?.name);
  const mistakes: Mistake[] = [(random) => malformed(query, names, random)];
  if (names.length > 0)
    mistakes.push((random) => otherRelation(query?.name ?? drawn(names, random), query, random));
  if (others.length > 0) mistakes.push((random) => otherName(drawn(others, random), query, random));
  if (asked.length > 0) mistakes.push((random) => searching('again', drawn(asked, random)));
  if (early.length > 0) mistakes.push((random) => answering(drawn(early, random)));
  if (read.length > 0) mistakes.push((random) => answering(drawn(read, random)));
  return mistakes;
}

function drawn<Item>(items: readonly Item[], random: Random): Item {
  return items[random.integer(items.length)]!;
}

function otherRelation(name: string, query: Query | undefined, random: Random): string {
  const relation = drawn(
    RELATIONS.filter((other) => other !== query?.relation),
    random,
  );
  return searching(WORDINGS[relation].noun, fill(WORDINGS[relation].forward[0], name));
}

function otherName(name: string, query: Query | undefined, random: Random): string {
  const relation = query?.relation ?? drawn(RELATIONS, random);
  return searching(WORDINGS[relation].noun, fill(WORDINGS[relation].forward[0], name));
}

/**
 * No opening tag, one that the closing tag does not match, or no content. All end with a stop, so that a policy
 * that learns them still ends its actions.
 */
function malformed(query: Query | undefined, names: readonly string[], random: Random): string {
  const thought = thinking(query === undefined ? 'Found it.' : `Next: ${WORDINGS[query.relation].noun}.`);
  const content = query?.text ?? names.at(-1) ?? '';
  const bare = [`${content} </search>`, `<answer> ${content} </search>`, '<search> </search>'];
  return `${thought} ${drawn(bare, random)}`;
}
