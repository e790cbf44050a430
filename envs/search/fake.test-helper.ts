import type { AnyEnvironment } from '../environment.ts';
import { scoreAnswer } from '../scoring/answer.ts';
import type { SearchSettings } from './environment.ts';
import type { Hit, Passage, Retriever } from './retrieval/retriever.ts';
import type { SearchTask } from './task.ts';

/** Finds the passages that have a word of the query in them, in the order of the corpus. */
export function wordRetriever(passages: readonly Passage[]): Retriever {
  const one = (query: string, topK: number): readonly Hit[] =>
    passages
      .filter(({ title, text }) => query.split(' ').some((word) => `${title} ${text}`.includes(word)))
      .slice(0, topK)
      .map((passage) => ({ passage, score: 1 }));
  return {
    fingerprint: 'words',
    description: 'words',
    search: (queries, topK) => queries.map((query) => one(query, topK)),
  };
}

/** Two passages, of which both are gold for `TASK`. */
export const PASSAGES: readonly Passage[] = [
  { id: 'p0', title: 'Lake Orn', text: 'Lake Orn is drained by the Ilve.' },
  { id: 'p1', title: 'Ilve', text: 'The Ilve ends in the town of Mard.' },
  { id: 'p2', title: 'Mard', text: 'Mard has a mill.' },
];

/** An invented question. */
export const TASK: SearchTask = {
  id: 'q',
  question: 'Where does the river that drains Lake Orn end?',
  answers: ['Mard', 'the town of Mard'],
  kind: 'bridge',
  hops: 2,
  goldPassages: ['p0', 'p1'],
};

/** Settings for tests: two passages a search, two turns. */
export function settings(changes: Partial<SearchSettings> = {}): SearchSettings {
  return {
    retriever: wordRetriever(PASSAGES),
    topK: 2,
    maxTurns: 2,
    maxActionTokens: 64,
    maxObservationTokens: 160,
    prompt: 'short',
    malformed: 'message',
    atLimit: 'answer',
    reward: 'f1',
    score: (prediction, golds) => scoreAnswer('hotpotqa', prediction, golds),
    ...changes,
  };
}

/** The environment's own metrics in a state, by name. */
export const metricsOf = (environment: AnyEnvironment, state: unknown): Record<string, number | null> =>
  Object.fromEntries(environment.metrics!.map(({ name, of }) => [name, of(state)]));

/** An action of exactly the protocol's form. */
export const searchFor = (query: string): string => `<think> t </think> <search> ${query} </search>`;

/** An action of exactly the protocol's form. */
export const answerWith = (answer: string): string => `<think> t </think> <answer> ${answer} </answer>`;
