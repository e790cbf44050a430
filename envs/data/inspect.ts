import { InputError } from '../../core/errors.ts';
import { identifier } from '../search/gold.ts';
import type { Passage } from '../search/retrieval/retriever.ts';
import { collectPassages } from './corpus.ts';
import { type Coverage, type GoldQuestion, measureCoverage } from './coverage.ts';
import { openCorpus } from './open-corpus.ts';
import { openQuestions } from './open-questions.ts';
import type { QuestionFormat } from './record.ts';

/**
 * Least, mean and most of a count over the questions.
 * @experimental
 */
export interface Spread {
  readonly least: number;
  readonly mean: number;
  readonly most: number;
}

/**
 * What a question file holds. Counts are of questions unless they say otherwise.
 * @experimental
 */
export interface Inspection {
  readonly format: QuestionFormat;
  readonly questions: number;
  /** Distinct paragraphs (title and text) that come with the questions. */
  readonly passages: number;
  /** By kind, the most frequent first. */
  readonly kinds: Readonly<Record<string, number>>;
  /** By hops; 'unknown' where the file does not say. */
  readonly hops: Readonly<Record<string, number>>;
  readonly answerable: number;
  readonly unanswerable: number;
  readonly withoutAnswer: number;
  readonly yesNo: number;
  /** Accepted answers per question. */
  readonly answers: Spread;
  /** Words (split at white space) per question. */
  readonly questionWords: Spread;
  /** Questions that lack an optional field, by its name. */
  readonly missing: Readonly<Record<string, number>>;
  /** Records whose id an earlier one has. */
  readonly duplicateIds: number;
  /** Gold titles, over all questions, that have no paragraph. */
  readonly goldTitlesWithoutParagraph: number;
  /** null if no answerable question has gold passages. */
  readonly coverage: Coverage | null;
}

/**
 * What to look at.
 * @experimental
 */
export interface InspectOptions {
  /** Found out when left out. */
  readonly format?: QuestionFormat;
  /** A corpus file to search; the paragraphs of the questions when left out. */
  readonly corpus?: string;
  /** Passages that a search returns, 1 to 1000. Default 3, Search-R1's. */
  readonly topK?: number;
  /** BM25's parameters, 0 to 1000 and 0 to 1. Defaults 0.9 and 0.4. */
  readonly k1?: number | undefined;
  readonly b?: number | undefined;
  readonly signal?: AbortSignal;
}

/**
 * Counts what a question file holds, and measures how many of its questions one search would answer.
 * @throws InputError on an option out of range, or a file that is broken: see `openQuestions`, `openCorpus`. Ids
 *   that come twice are counted, not refused.
 * @experimental
 */
export async function inspect(path: string, options: InspectOptions = {}): Promise<Inspection> {
  const { corpus, topK = 3, k1, b, format, signal } = options;
  if (!Number.isInteger(topK) || topK < 1 || topK > 1000) {
    throw new InputError(`topK: ${topK}; valid: a whole number, 1 to 1000`);
  }
  const abort = signal === undefined ? {} : { signal };
  const file = await openQuestions(path, {
    duplicates: 'keep',
    ...(format === undefined ? {} : { format }),
    ...abort,
  });
  const collected = collectPassages();
  const kinds = new Map<string, number>();
  const hops = new Map<string, number>();
  const missing = new Map<string, number>();
  const ids = new Set<string>();
  const answers = spread();
  const words = spread();
  const withGold: { question: string; gold: readonly string[]; titles: readonly string[] }[] = [];
  const counts = { questions: 0, answerable: 0, withoutAnswer: 0, yesNo: 0, goldTitles: 0 };
  for await (const record of file.records) {
    counts.questions += 1;
    ids.add(record.id);
    increment(kinds, record.kind);
    increment(hops, record.hops === undefined ? 'unknown' : String(record.hops));
    for (const name of record.missing) increment(missing, name);
    if (record.answers.length === 0) counts.withoutAnswer += 1;
    if (/^(yes|no)$/i.test(record.answers[0] ?? '')) counts.yesNo += 1;
    answers.add(record.answers.length);
    words.add(record.question.trim().split(/\s+/).length);
    const titles = record.goldWithoutParagraph;
    counts.goldTitles += titles.length;
    const gold = collected.add(record.paragraphs);
    if (!record.answerable) continue;
    counts.answerable += 1;
    if (gold.length + titles.length > 0) withGold.push({ question: record.question, gold, titles });
  }
  const own = collected.passages;
  const searched = corpus === undefined ? own : await readCorpus(corpus, abort);
  const resolve = corpus === undefined ? undefined : inCorpus(own, searched);
  const questions: GoldQuestion[] = withGold.map(({ question, gold, titles }) => ({
    question,
    gold: resolve?.(gold, titles) ?? [...gold, ...titles.map(() => undefined)],
  }));
  const measurable = questions.length > 0 && searched.length > 0;
  return {
    format: file.format,
    questions: counts.questions,
    passages: own.length,
    kinds: byCount(kinds),
    hops: Object.fromEntries(hops),
    answerable: counts.answerable,
    unanswerable: counts.questions - counts.answerable,
    withoutAnswer: counts.withoutAnswer,
    yesNo: counts.yesNo,
    answers: answers.result(),
    questionWords: words.result(),
    missing: byCount(missing),
    duplicateIds: counts.questions - ids.size,
    goldTitlesWithoutParagraph: counts.goldTitles,
    coverage: measurable ? await measureCoverage(searched, questions, { topK, k1, b, signal }) : null,
  };
}

async function readCorpus(path: string, options: { signal?: AbortSignal }): Promise<readonly Passage[]> {
  const passages: Passage[] = [];
  for await (const passage of await openCorpus(path, options)) passages.push(passage);
  return passages;
}

/** Finds gold paragraphs, and gold titles without one, in another corpus: its ids, undefined for what it lacks. */
function inCorpus(
  own: readonly Passage[],
  corpus: readonly Passage[],
): (gold: readonly string[], titles: readonly string[]) => (string | undefined)[] {
  const byId = new Map(own.map((passage) => [passage.id, passage]));
  const identify = identifier(corpus);
  return (gold, titles) => [
    ...gold.map((id) => identify(byId.get(id)!.title, byId.get(id)!.text)?.id),
    ...titles.map((title) => identify(title, '')?.id),
  ];
}

function increment(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}

function byCount(counts: ReadonlyMap<string, number>): Record<string, number> {
  return Object.fromEntries([...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1)));
}

function spread(): { add(value: number): void; result(): Spread } {
  let count = 0;
  let sum = 0;
  let least = Infinity;
  let most = 0;
  return {
    add: (value) => {
      count += 1;
      sum += value;
      least = Math.min(least, value);
      most = Math.max(most, value);
    },
    result: () => ({ least: count === 0 ? 0 : least, mean: count === 0 ? 0 : sum / count, most }),
  };
}
