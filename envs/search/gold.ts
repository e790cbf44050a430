import type { Passage, Retriever } from './retrieval/retriever.ts';

/** Finds a passage of a corpus by what it says: undefined when the corpus does not have it. */
export type Identify = (title: string, text: string) => Passage | undefined;

/**
 * Looks passages up by title and text, white space aside; then by title alone, where the corpus has that title
 * once (files of one data set may hold a text with and without its last sentence).
 */
export function identifier(passages: readonly Passage[]): Identify {
  const byContent = new Map<string, Passage>();
  const byTitle = new Map<string, Passage | undefined>();
  for (const passage of passages) {
    const key = contentKey(passage.title, passage.text);
    if (!byContent.has(key)) byContent.set(key, passage);
    const title = squeezed(passage.title);
    byTitle.set(title, byTitle.has(title) ? undefined : passage);
  }
  return (title, text) => byContent.get(contentKey(title, text)) ?? byTitle.get(squeezed(title));
}

function contentKey(title: string, text: string): string {
  return `${squeezed(title)}\n${squeezed(text)}`;
}

function squeezed(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}

/**
 * A server's hits with the ids of known passages, where they are those passages word for word: a server numbers
 * its passages as it likes.
 */
export function withKnownIds(retriever: Retriever, passages: readonly Passage[]): Retriever {
  const byContent = new Map(passages.map((passage) => [contentKey(passage.title, passage.text), passage]));
  return {
    ...retriever,
    search: async (queries, topK, signal) => {
      const found = await retriever.search(queries, topK, signal);
      return found.map((hits) =>
        hits.map(({ passage, score }) => ({
          passage: byContent.get(contentKey(passage.title, passage.text)) ?? passage,
          score,
        })),
      );
    },
  };
}
