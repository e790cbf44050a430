import { InputError } from '../../core/errors.ts';
import type { Passage, Retriever } from './retrieval/retriever.ts';

/** Finds passages, and remembers what it found. */
export interface Lookup {
  /**
   * The best passages for a query. What was fetched is known; else a local retriever is asked.
   * @throws InputError when the retriever answers later and the query was not fetched.
   */
  find(query: string): readonly Passage[];
  /** Asks for all queries that are not known yet, in one batch. */
  fetch(queries: readonly string[], signal?: AbortSignal): Promise<void>;
}

/** Queries remembered, unless one batch alone has more. Forgetting costs time and changes no result. */
const REMEMBERED = 20_000;

/**
 * @param topK passages per query, at least 1.
 * @param remembered queries kept, at least 1; the oldest are forgotten first. Default 20,000.
 */
export function createLookup(retriever: Retriever, topK: number, remembered = REMEMBERED): Lookup {
  const known = new Map<string, readonly Passage[]>();
  const keep = (query: string, hits: readonly { readonly passage: Passage }[]): readonly Passage[] => {
    const passages = hits.map(({ passage }) => passage);
    known.set(query, passages);
    return passages;
  };
  const forget = (limit: number): void => {
    for (const query of known.keys()) {
      if (known.size <= limit) return;
      known.delete(query);
    }
  };
  return {
    find: (query) => {
      const passages = known.get(query);
      if (passages !== undefined) return passages;
      const found = retriever.search([query], topK);
      if (found instanceof Promise) {
        found.catch(() => undefined); // what it would say no longer matters
        throw new InputError(
          `search/v1: retriever ${retriever.description} answers later, and the query '${query.slice(0, 80)}' was not fetched; call prepare before step`,
        );
      }
      forget(remembered - 1);
      return keep(query, checkCount(found, 1)[0]!);
    },
    fetch: async (queries, signal) => {
      const wanted = [...new Set(queries)];
      // What this batch needs becomes the newest, so that it outlives what is forgotten.
      for (const query of wanted) {
        const passages = known.get(query);
        if (passages === undefined) continue;
        known.delete(query);
        known.set(query, passages);
      }
      const missing = wanted.filter((query) => !known.has(query));
      if (missing.length === 0) return;
      const found = checkCount(await retriever.search(missing, topK, signal), missing.length);
      missing.forEach((query, index) => {
        keep(query, found[index]!);
      });
      forget(Math.max(remembered, wanted.length));
    },
  };
}

function checkCount<Item>(lists: readonly Item[], expected: number): readonly Item[] {
  if (lists.length !== expected) {
    throw new Error(`retriever gave ${lists.length} lists of hits for ${expected} queries`);
  }
  return lists;
}
