import type { Fact, FactRelation } from '../multihop/facts.ts';
import type { Relation } from '../multihop/graph.ts';
import type { MultihopTask } from '../multihop/task.ts';
import type { Passage } from './retrieval/retriever.ts';
import { tell } from './sentences.ts';
import type { SearchTask } from './task.ts';

/** A question of the facts world with the facts that answer it. */
export interface FactsTask extends SearchTask, Pick<MultihopTask, 'start' | 'options' | 'facts'> {
  /** What a comparison follows from each option to the value asked for; empty otherwise. */
  readonly relations: readonly Relation[];
}

/** A passage and the facts that it tells. */
export interface FactsPassage extends Passage {
  readonly subject: string;
  readonly relation: FactRelation;
  /** In the order of the sentence. */
  readonly objects: readonly string[];
}

/** The id of the passage that tells a fact: 'Suriname/capital'. */
export function passageId([subject, relation]: Fact): string {
  return `${subject}/${relation}`;
}

/**
 * The facts as passages: one short sentence for all objects of a subject's relation, titled with the subject,
 * in the order in which the subjects and relations first come up. What is true both ways, such as a capital
 * and its country, is told once; borders are told in every country's list, which would be wrong without one.
 */
export function factsPassages(facts: readonly Fact[]): readonly FactsPassage[] {
  const groups = new Map<string, { subject: string; relation: FactRelation; objects: string[] }>();
  for (const fact of facts) {
    const [subject, relation, object] = fact;
    const group = groups.get(passageId(fact));
    if (group === undefined) groups.set(passageId(fact), { subject, relation, objects: [object] });
    else group.objects.push(object);
  }
  return [...groups].map(([id, group]) => ({
    id,
    title: group.subject,
    text: tell(group.subject, group.relation, group.objects),
    ...group,
  }));
}

/** A question of `multihop/v1` for the searching agent; `hops` becomes the number of gold passages. */
export function factsTask(task: MultihopTask): FactsTask {
  const { id, question, answers, kind, start, options, facts } = task;
  const goldPassages = [...new Set(facts.map(passageId))];
  return {
    id,
    question,
    answers,
    kind,
    hops: goldPassages.length,
    goldPassages,
    start,
    options,
    facts,
    relations: comparedRelations(task.template),
  };
}

/** 'compare capital-of>language of city' follows capital-of, then language. */
function comparedRelations(template: string): readonly Relation[] {
  const compared = /^compare (\S+) of /.exec(template)?.[1];
  return compared === undefined ? [] : (compared.split('>') as Relation[]);
}
