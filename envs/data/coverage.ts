import { setImmediate } from 'node:timers/promises';
import { type Bm25Options, createBm25 } from '../search/retrieval/bm25.ts';
import type { Passage } from '../search/retrieval/retriever.ts';

/** A question and what its answer rests on. */
export interface GoldQuestion {
  readonly question: string;
  /** Ids of passages, at least one; undefined for a gold passage that the corpus does not have. */
  readonly gold: readonly (string | undefined)[];
}

/**
 * How often one search with the bare question finds everything: the lower, the more a question needs steps.
 * @experimental
 */
export interface Coverage {
  /** Passages looked at per question. */
  readonly topK: number;
  /** What was searched, with its parameters: the share depends on them. */
  readonly retriever: string;
  /** Questions with gold passages. */
  readonly questions: number;
  /** Of them, those whose gold passages are all among the top K. */
  readonly covered: number;
  /** covered / questions, 0 to 1. */
  readonly share: number;
  /** Wilson interval of `share`, 95 %. */
  readonly interval: readonly [number, number];
  /** Gold passages that the corpus does not have: their questions are never covered. */
  readonly goldNotInCorpus: number;
}

/** How to search: the retriever's own defaults where left out. */
export interface CoverageOptions extends Pick<Bm25Options, 'k1' | 'b'> {
  /** Passages per question, at least 1. */
  readonly topK: number;
  readonly signal?: AbortSignal | undefined;
}

const BATCH = 256;

/**
 * Searches every question as it stands with BM25 and counts those whose gold passages all come up.
 * @param questions at least one.
 */
export async function measureCoverage(
  passages: readonly Passage[],
  questions: readonly GoldQuestion[],
  { topK, signal, ...bm25 }: CoverageOptions,
): Promise<Coverage> {
  const index = createBm25({ passages, ...bm25 });
  let covered = 0;
  for (let from = 0; from < questions.length; from += BATCH) {
    // Lets an interrupt through between batches.
    await setImmediate();
    signal?.throwIfAborted();
    const batch = questions.slice(from, from + BATCH);
    const found = index.search(
      batch.map(({ question }) => question),
      topK,
    );
    for (const [i, { gold }] of batch.entries()) {
      const ids = new Set<string | undefined>(found[i]!.map(({ passage }) => passage.id));
      if (gold.every((id) => id !== undefined && ids.has(id))) covered += 1;
    }
  }
  return {
    topK,
    retriever: index.description,
    questions: questions.length,
    covered,
    share: covered / questions.length,
    interval: wilson(covered, questions.length),
    goldNotInCorpus: questions.flatMap(({ gold }) => gold).filter((id) => id === undefined).length,
  };
}

/** The 97.5 % point of the normal distribution. */
const Z = 1.959963984540054;

/** Wilson's (1927) 95 % interval of a share, within 0 to 1. @param total at least 1. */
export function wilson(count: number, total: number): readonly [number, number] {
  const share = count / total;
  const square = (Z * Z) / total;
  const center = (share + square / 2) / (1 + square);
  const half = (Z * Math.sqrt((share * (1 - share)) / total + square / (4 * total))) / (1 + square);
  return [Math.max(0, center - half), Math.min(1, center + half)];
}
