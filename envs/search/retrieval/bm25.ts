import { createHash } from 'node:crypto';
import { InputError } from '../../../core/errors.ts';
import { type AnalyzerOptions, checkAnalyzer, createAnalyzer } from './analyzer.ts';
import { buildPostings, type Postings } from './postings.ts';
import type { Hit, Passage, Retriever } from './retriever.ts';
import { selectTop } from './top.ts';

/**
 * What a BM25 index is made of.
 * @experimental
 */
export interface Bm25Options {
  /** The corpus, at least one passage, no id twice. Title and text are indexed together. */
  readonly passages: readonly Passage[];
  /** How slowly repeats of a term stop counting, 0 (they never count) to 1000. Default 0.9, Pyserini's. */
  readonly k1?: number | undefined;
  /** How much long passages are marked down, 0 to 1. Default 0.4, Pyserini's. */
  readonly b?: number | undefined;
  readonly analyzer?: AnalyzerOptions | undefined;
}

/**
 * A retriever that answers at once.
 * @experimental
 */
export interface Bm25 extends Retriever {
  /**
   * As `Retriever.search`. A passage without any of a query's terms is not a hit, so fewer than `topK` may come
   * back. A term that a query repeats counts as often; the order of a query's words does not matter.
   * @param topK at least 1.
   * @throws InputError when `topK` is not a positive integer.
   */
  search(queries: readonly string[], topK: number, signal?: AbortSignal): readonly (readonly Hit[])[];
}

/**
 * An in-memory BM25 index (Robertson and Zaragoza 2009) with Lucene's idf and without the constant factor k1 + 1,
 * as Lucene since version 8: a passage's score is the sum over the query's terms of
 * ln(1 + (N - n + 0.5) / (n + 0.5)) * tf / (tf + k1 * (1 - b + b * length / mean length)).
 * Lengths are exact; Lucene rounds them to one byte. Each posting takes 12 bytes.
 * @throws InputError when the corpus is empty or holds an id twice, or an option is out of range.
 * @experimental
 */
export function createBm25(options: Bm25Options): Bm25 {
  const { passages, k1 = 0.9, b = 0.4 } = options;
  const analyzer = checkAnalyzer(options.analyzer ?? {});
  checkRange('k1', k1, 1000);
  checkRange('b', b, 1);
  checkPassages(passages);
  const analyze = createAnalyzer(analyzer);
  const postings = buildPostings(passages, analyze);
  const impacts = impactsOf(postings, k1, b);
  const rank = createRanking(postings, impacts);
  return {
    fingerprint: fingerprintOf(passages, { kind: 'bm25', k1, b, analyzer }),
    description: `bm25 (k1 ${k1}, b ${b}), ${passages.length} passages`,
    search: (queries, topK, signal) => {
      if (!Number.isInteger(topK) || topK < 1) {
        throw new InputError(`bm25: topK must be an integer of at least 1, got ${topK}`);
      }
      signal?.throwIfAborted();
      return queries.map((query) =>
        rank(analyze(query), topK, (document, score) => ({ passage: passages[document]!, score })),
      );
    },
  };
}

/** What a posting adds to its passage's score. Shape [postings], all above 0. */
function impactsOf({ starts, documents, counts, lengths }: Postings, k1: number, b: number): Float64Array {
  const total = lengths.length;
  const mean = lengths.reduce((sum, length) => sum + length, 0) / total;
  const norms = Float64Array.from(lengths, (length) => k1 * (1 - b + (b * length) / mean));
  const impacts = new Float64Array(documents.length);
  for (let row = 0; row + 1 < starts.length; row++) {
    const [start, end] = [starts[row]!, starts[row + 1]!];
    const idf = Math.log1p((total - (end - start) + 0.5) / (end - start + 0.5));
    for (let place = start; place < end; place++) {
      const count = counts[place]!;
      impacts[place] = (idf * count) / (count + norms[documents[place]!]!);
    }
  }
  return impacts;
}

type Ranking = <Item>(
  terms: readonly string[],
  limit: number,
  item: (document: number, score: number) => Item,
) => readonly Item[];

/** Term-at-a-time scoring into one array of sums that is cleared after every query. */
function createRanking({ rows, starts, documents, lengths }: Postings, impacts: Float64Array): Ranking {
  const sums = new Float64Array(lengths.length);
  const touched = new Uint32Array(lengths.length);
  return (terms, limit, item) => {
    // In a fixed order, so that rounding does not depend on the order of words.
    const wanted = terms.map((term) => rows.get(term)).filter((row) => row !== undefined);
    wanted.sort((left, right) => left - right);
    let count = 0;
    for (const row of wanted) {
      const end = starts[row + 1]!;
      for (let place = starts[row]!; place < end; place++) {
        const document = documents[place]!;
        const sum = sums[document]!;
        if (sum === 0) touched[count++] = document;
        sums[document] = sum + impacts[place]!;
      }
    }
    const candidates = touched.subarray(0, count);
    const items = Array.from(selectTop(candidates, sums, limit), (document) =>
      item(document, sums[document]!),
    );
    for (const document of candidates) sums[document] = 0;
    return items;
  };
}

function fingerprintOf(passages: readonly Passage[], settings: object): string {
  const hash = createHash('sha256').update(JSON.stringify(settings));
  for (const { id, title, text } of passages) hash.update(JSON.stringify([id, title, text]));
  return hash.digest('hex');
}

function checkRange(name: string, value: number, highest: number): void {
  if (!(value >= 0 && value <= highest)) {
    throw new InputError(`bm25: ${name} must be from 0 to ${highest}, got ${value}`);
  }
}

function checkPassages(passages: readonly Passage[]): void {
  if (passages.length === 0)
    throw new InputError('bm25: the corpus is empty; at least one passage is needed');
  const places = new Map<string, number>();
  for (const [index, { id }] of passages.entries()) {
    const first = places.get(id);
    if (first !== undefined) {
      throw new InputError(
        `bm25: passages ${first + 1} and ${index + 1} of the corpus have the same id ${JSON.stringify(id)}; ids must be unique`,
      );
    }
    places.set(id, index);
  }
}
