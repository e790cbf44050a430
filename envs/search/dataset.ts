import { InputError } from '../../core/errors.ts';
import { corpusFromQuestions } from '../data/corpus.ts';
import { quoted } from '../data/fields.ts';
import { openCorpus } from '../data/open-corpus.ts';
import { openQuestions } from '../data/open-questions.ts';
import type { LoadedRecord } from '../data/reader.ts';
import type { QuestionFormat } from '../data/record.ts';
import type { AnswerMetric } from '../scoring/answer.ts';
import { type Identify, identifier } from './gold.ts';
import type { Passage } from './retrieval/retriever.ts';
import type { SearchTask } from './task.ts';

/** Where questions and passages come from. */
export interface DatasetSource {
  readonly files: {
    readonly train?: string | undefined;
    readonly dev: string;
    readonly test?: string | undefined;
  };
  /** Of all files; found out when undefined. */
  readonly format: QuestionFormat | undefined;
  /** 'questions' for the passages that come with them, a path, or undefined if passages are elsewhere. */
  readonly corpus: string | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onNotice?: ((message: string) => void) | undefined;
}

/** Questions and passages, read from files. */
export interface Dataset {
  readonly tasks: {
    readonly train: readonly SearchTask[];
    readonly dev: readonly SearchTask[];
    readonly test: readonly SearchTask[];
  };
  /** Empty if passages are elsewhere: gold passages are then unknown. */
  readonly passages: readonly Passage[];
  /** The data set's own scorer. */
  readonly metric: AnswerMetric;
}

const SPLITS = ['train', 'dev', 'test'] as const;

type Split = (typeof SPLITS)[number];

const METRICS: Partial<Record<QuestionFormat, AnswerMetric>> = {
  '2wikimultihopqa': '2wikimultihopqa',
  musique: 'musique',
};

interface Loaded {
  readonly format: QuestionFormat;
  readonly records: readonly LoadedRecord[];
}

type Splits = Partial<Record<Split, Loaded>>;

/**
 * Reads question files and the corpus. A split without a file has no tasks. Unanswerable questions are left out
 * with a notice; so are, but kept, questions (compared after NFKC, in lower case, with single spaces) that an earlier
 * split has, too. An id that several splits have gets its split before it: 'train/nq_0'. The metric is the one of
 * the format of the dev file; HotpotQA's where it has none of its own.
 * @throws InputError when a file cannot be read, a question has no answer, all questions of a split are in
 *   earlier ones, or there are no passages.
 */
export async function loadDataset(source: DatasetSource): Promise<Dataset> {
  const { files, onNotice } = source;
  const loaded: Splits = {};
  for (const split of SPLITS) {
    const path = files[split];
    if (path !== undefined) loaded[split] = await readRecords(path, source);
  }
  checkSplits(source, loaded);
  const uniqueId = splitIds(loaded);
  const all = SPLITS.flatMap((split) => loaded[split]?.records ?? []);
  const passages = await readPassages(source, all);
  const identify = identifier(passages);
  const absent = { count: 0 };
  const tasks = (split: Split): readonly SearchTask[] =>
    (loaded[split]?.records ?? []).map((record) => ({
      ...toTask(record, passages.length === 0 ? undefined : identify, absent),
      id: uniqueId(split, record.id),
    }));
  const result: Dataset = {
    tasks: { train: tasks('train'), dev: tasks('dev'), test: tasks('test') },
    passages,
    metric: METRICS[loaded.dev!.format] ?? 'hotpotqa',
  };
  if (absent.count > 0) {
    onNotice?.(
      `corpus '${source.corpus}': ${absent.count} gold passages of the questions are not in it and count as not found`,
    );
  }
  return result;
}

async function readRecords(path: string, { format, signal, onNotice }: DatasetSource): Promise<Loaded> {
  const file = await openQuestions(path, {
    ...(format === undefined ? {} : { format }),
    ...(signal === undefined ? {} : { signal }),
  });
  const records: LoadedRecord[] = [];
  let unanswerable = 0;
  for await (const record of file.records) {
    if (!record.answerable) unanswerable += 1;
    else if (record.answers.length === 0) {
      throw new InputError(
        `${path}, ${record.at}: question '${record.id}' has no answer to be scored against`,
      );
    } else records.push(record);
  }
  if (unanswerable > 0) onNotice?.(`${path}: ${unanswerable} unanswerable questions are left out`);
  if (records.length === 0) throw new InputError(`${path}: no question that can be answered`);
  return { format: file.format, records };
}

/**
 * Tells how many questions of a split an earlier split has, too: data sets have a few.
 * @throws InputError when it has them all: the same questions were given twice.
 */
function checkSplits({ files, onNotice }: DatasetSource, loaded: Splits): void {
  const owner = new Map<string, { readonly split: Split; readonly at: string }>();
  for (const split of SPLITS) {
    const records = loaded[split]?.records ?? [];
    const repeats = records.flatMap(({ question, at }) => {
      const other = owner.get(normalised(question));
      return other === undefined || other.split === split ? [] : [{ question, at, other }];
    });
    for (const { question, at } of records) {
      const text = normalised(question);
      if (!owner.has(text)) owner.set(text, { split, at });
    }
    const [first] = repeats;
    if (first === undefined) continue;
    const { split: earlier, at } = first.other;
    const example = `${first.at}: ${quoted(first.question)} is in files.${earlier}, ${files[earlier]}, ${at}`;
    if (repeats.length === records.length) {
      throw new InputError(
        `files.${split}: ${files[split]}: every question is in an earlier split too (${example}); valid: splits of different questions`,
      );
    }
    onNotice?.(
      `files.${split}: ${repeats.length} of ${records.length} questions are in an earlier split too (${example})`,
    );
  }
}

/** What two spellings of the same question have in common. */
function normalised(question: string): string {
  return question.normalize('NFKC').toLowerCase().replace(/\s+/g, ' ').trim();
}

/** Files count their rows each for itself: an id that several splits have gets its split before it. */
function splitIds(loaded: Splits): (split: Split, id: string) => string {
  const owners = new Map<string, Split[]>();
  for (const split of SPLITS) {
    for (const { id } of loaded[split]?.records ?? []) owners.set(id, [...(owners.get(id) ?? []), split]);
  }
  const taken = new Set(owners.keys());
  const renamed: Record<Split, Map<string, string>> = { train: new Map(), dev: new Map(), test: new Map() };
  for (const [id, splits] of owners) {
    if (splits.length === 1) continue;
    for (const split of splits) {
      let name = `${split}/${id}`;
      // A file may have such an id already.
      while (taken.has(name)) name = `${split}/${name}`;
      taken.add(name);
      renamed[split].set(id, name);
    }
  }
  return (split, id) => renamed[split].get(id) ?? id;
}

async function readPassages(
  { corpus, signal }: DatasetSource,
  records: readonly LoadedRecord[],
): Promise<readonly Passage[]> {
  if (corpus === undefined) return [];
  if (corpus === 'questions') {
    const { passages } = corpusFromQuestions(records);
    if (passages.length > 0) return passages;
    throw new InputError(
      "corpus is 'questions', but the question files come without passages; valid: a corpus file, or retriever with a server's address",
    );
  }
  const passages: Passage[] = [];
  for await (const passage of await openCorpus(corpus, signal === undefined ? {} : { signal })) {
    passages.push(passage);
  }
  return passages;
}

/** @param identify undefined if passages are elsewhere. */
function toTask(record: LoadedRecord, identify: Identify | undefined, absent: { count: number }): SearchTask {
  const { id, question, answers, kind, hops, paragraphs, goldWithoutParagraph } = record;
  const gold = [
    ...paragraphs.filter((paragraph) => paragraph.gold),
    ...goldWithoutParagraph.map((title) => ({ title, text: '' })),
  ];
  const ids = new Set<string>();
  if (identify !== undefined) {
    for (const { title, text } of gold) {
      const found = identify(title, text)?.id;
      if (found === undefined) absent.count += 1;
      // No passage has this id, so that it is never found.
      ids.add(found ?? `absent: ${title}`);
    }
  }
  return { id, question, answers, kind, hops: hops ?? gold.length, goldPassages: [...ids] };
}
