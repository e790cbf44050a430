import type { Fact } from './facts.ts';
import type { MultihopTask } from './task.ts';

/**
 * What a question means, read a second time: from its template and the plain list of facts, sharing no code
 * with the composition and ignoring what the walk can see. Slow; for verification.
 * @returns the set of right answers.
 */
export function answersByMeaning(facts: readonly Fact[], task: MultihopTask): Set<string> {
  if (task.kind === 'comparison') {
    // 'compare currency of country:Bulgaria|Serbia|Bulgarian Lev'
    const value = task.id.slice(task.id.lastIndexOf('|') + 1);
    const relations = task.template.split(' ')[1]!.split('>');
    return new Set(
      task.options.filter((option) => {
        let names = new Set([option]);
        for (const relation of relations) names = follow(facts, names, relation);
        // English belongs to the Germanic family too, through its branch West Germanic.
        for (let upper = names; upper.size > 0; ) {
          upper = follow(facts, upper, 'branch-of');
          for (const name of upper) names.add(name);
        }
        return names.has(value);
      }),
    );
  }
  // A bridge names its condition's value after '&': 'borders&language>capital:France&Catalan'.
  const entities = task.id.slice(task.template.length + 1);
  const condition = entities.slice(task.start.length + 1);
  let names = new Set([task.start]);
  for (const part of task.template.split('>')) {
    const [relation, conditionRelation] = part.split('&');
    names = follow(facts, names, relation!);
    if (conditionRelation === undefined) continue;
    names = new Set(
      [...names].filter((name) => follow(facts, new Set([name]), conditionRelation).has(condition)),
    );
    if (names.size !== 1) throw new Error(`${task.id}: ${names.size} entities meet the condition`);
  }
  return names;
}

/** Everything that some name is related to. */
function follow(facts: readonly Fact[], names: ReadonlySet<string>, relation: string): Set<string> {
  const inverse = { 'capital-of': 'capital', 'currency-of': 'currency', 'language-of': 'language' }[relation];
  const result = new Set<string>();
  for (const [subject, stated, object] of facts) {
    if (inverse === undefined && stated === relation && names.has(subject)) result.add(object);
    if (stated === inverse && names.has(object)) result.add(subject);
  }
  return result;
}
