import type { Random } from '../../core/random.ts';
import type { FactsPassage, FactsTask } from './facts.ts';
import { mistakesAt } from './mistakes.ts';
import { type Knowledge, knowledgeOf, nextQueries } from './plan.ts';
import { WORDINGS } from './sentences.ts';
import type { SearchState } from './task.ts';
import { answering, searching } from './writing.ts';

/** The text of the next action. With probability `noise` (0 to 1) it is a mistake. */
export type Demonstrate = (state: SearchState<FactsTask>, noise: number, random: Random) => string;

/**
 * The scripted searcher of the facts world: it knows which facts a question needs and in which order, but
 * names only what the question or the passages it has read name. It searches for the next fact that it has not
 * read, answers when it has read all, and guesses when no search is left or none would help. Whatever it did
 * wrong before, it goes on from what it has read. That it looks up the right one of several neighbours is hidden
 * knowledge: nothing that it has read says which. With `noise` 0 nothing is drawn.
 * @param passages those of the corpus.
 * @param searches turns in which searching is of use.
 */
export function createDemonstrator(passages: readonly FactsPassage[], searches: number): Demonstrate {
  const byId = new Map(passages.map((passage) => [passage.id, passage]));
  return (state, noise, random) => {
    const knowledge = knowledgeOf(state, byId);
    const queries = nextQueries(state.task, knowledge);
    const query =
      state.turns.length < searches ? queries.find(({ text }) => !knowledge.asked.includes(text)) : undefined;
    if (noise > 0 && random.categorical([1 - noise, noise]) === 1) {
      const mistakes = mistakesAt(state.task, knowledge, query);
      return mistakes[random.integer(mistakes.length)]!(random);
    }
    if (query !== undefined) return searching(WORDINGS[query.relation].noun, query.text);
    if (queries.length > 0) return answering(guess(state.task, knowledge), false);
    return answering(foundAnswer(state.task, knowledge));
  };
}

/** The answer, once everything it rests on has been read. */
function foundAnswer({ answers, start }: FactsTask, { names }: Knowledge): string {
  return answers.find((answer) => names.includes(answer)) ?? names.at(-1) ?? start;
}

/**
 * An answer before everything has been read. It rests on what was read, never on the accepted answers: in a
 * comparison the first option, or the second once the first was read about and did not fit; otherwise the name
 * that came last.
 */
function guess({ options, start }: FactsTask, { names, read }: Knowledge): string {
  const [first, second] = options;
  if (first === undefined) return names.at(-1) ?? start;
  const isReadAbout = [...read].some((id) => id.startsWith(`${first}/`));
  return isReadAbout && second !== undefined ? second : first;
}
