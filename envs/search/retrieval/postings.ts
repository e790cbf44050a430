import type { Analyzer } from './analyzer.ts';
import type { Passage } from './retriever.ts';

/** Which passages hold a term how often: one compressed sparse row per term. Typed arrays throughout. */
export interface Postings {
  /** Term -> row. */
  readonly rows: ReadonlyMap<string, number>;
  /** Where a row starts in `documents` and `counts`; one more at the end. Shape [terms + 1]. */
  readonly starts: Uint32Array;
  /** Places in the corpus, ascending within a row. Shape [postings]. */
  readonly documents: Uint32Array;
  /** How often the row's term occurs there, at least 1. Shape [postings]. */
  readonly counts: Uint32Array;
  /** Terms per passage, repeats included. Shape [passages]. */
  readonly lengths: Uint32Array;
}

/** Postings in the order of the corpus, before they are sorted by term. */
interface Pairs {
  readonly terms: Uint32Array;
  readonly counts: Uint32Array;
  /** Where a passage's pairs start. Shape [passages + 1]. */
  readonly starts: Uint32Array;
}

/** Counts the terms of every passage, title and text together. Linear in the length of all text. */
export function buildPostings(passages: readonly Passage[], analyze: Analyzer): Postings {
  const rows = new Map<string, number>();
  const lengths = new Uint32Array(passages.length);
  const pairs = countTerms(passages, analyze, rows, lengths);
  return { rows, lengths, ...sortByTerm(pairs, rows.size) };
}

/** Fills `rows` and `lengths` on the way. */
function countTerms(
  passages: readonly Passage[],
  analyze: Analyzer,
  rows: Map<string, number>,
  lengths: Uint32Array,
): Pairs {
  const starts = new Uint32Array(passages.length + 1);
  let terms = new Uint32Array(1024);
  let counts = new Uint32Array(1024);
  // Where a term's newest pair is; it is the current passage's when it lies at or after `start`.
  let newest = new Int32Array(1024).fill(-1);
  let end = 0;
  for (let index = 0; index < passages.length; index++) {
    const { title, text } = passages[index]!;
    const words = analyze(`${title}\n${text}`);
    const start = end;
    lengths[index] = words.length;
    if (end + words.length > terms.length) {
      const size = Math.max(end + words.length, 2 * terms.length);
      terms = grown(terms, new Uint32Array(size));
      counts = grown(counts, new Uint32Array(size));
    }
    for (const word of words) {
      const row = rows.get(word) ?? addRow(rows, word);
      if (row >= newest.length) newest = grown(newest, new Int32Array(2 * newest.length).fill(-1));
      const place = newest[row]!;
      if (place >= start) {
        counts[place]!++;
      } else {
        newest[row] = end;
        terms[end] = row;
        counts[end++] = 1;
      }
    }
    starts[index + 1] = end;
  }
  return { terms: terms.subarray(0, end), counts: counts.subarray(0, end), starts };
}

function addRow(rows: Map<string, number>, word: string): number {
  const row = rows.size;
  // A copy: a match is a view that would keep the whole text of its passage in memory.
  rows.set(Buffer.from(word).toString(), row);
  return row;
}

function grown<Numbers extends Uint32Array | Int32Array>(from: Numbers, to: Numbers): Numbers {
  to.set(from);
  return to;
}

/** A counting sort: stable, so documents ascend within a row. */
function sortByTerm(
  pairs: Pairs,
  terms: number,
): { readonly starts: Uint32Array; readonly documents: Uint32Array; readonly counts: Uint32Array } {
  const starts = new Uint32Array(terms + 1);
  for (const term of pairs.terms) starts[term + 1]!++;
  for (let term = 0; term < terms; term++) starts[term + 1]! += starts[term]!;
  const next = starts.slice(0, terms);
  const documents = new Uint32Array(pairs.terms.length);
  const counts = new Uint32Array(pairs.terms.length);
  for (let document = 0; document + 1 < pairs.starts.length; document++) {
    for (let pair = pairs.starts[document]!; pair < pairs.starts[document + 1]!; pair++) {
      const place = next[pairs.terms[pair]!]!++;
      documents[place] = document;
      counts[place] = pairs.counts[pair]!;
    }
  }
  return { starts, documents, counts };
}
