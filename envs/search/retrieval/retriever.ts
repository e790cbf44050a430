/**
 * A unit of retrieval.
 * @experimental
 */
export interface Passage {
  readonly id: string;
  readonly title: string;
  readonly text: string;
}

/**
 * A passage that a search found.
 * @experimental
 */
export interface Hit {
  readonly passage: Passage;
  readonly score: number;
}

/**
 * What answers queries with passages.
 * @experimental
 */
export interface Retriever {
  /** SHA-256 of all that decides the results: corpus, analyzer, parameters; or a server's address and stated name. */
  readonly fingerprint: string;
  /** For tables: what it is, such as 'bm25 (k1 0.9, b 0.4), 2876 passages'. */
  readonly description: string;
  /**
   * The best `topK` passages of every query, best first; ties in the order of the corpus. Local retrievers answer
   * at once, remote ones with a promise.
   */
  search(
    queries: readonly string[],
    topK: number,
    signal?: AbortSignal,
  ): readonly (readonly Hit[])[] | Promise<readonly (readonly Hit[])[]>;
}
