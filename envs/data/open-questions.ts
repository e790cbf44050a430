import { InputError } from '../../core/errors.ts';
import { asFields, type Fields } from '../scoring/json.ts';
import { quoted } from './fields.ts';
import { jsonMembers } from './files/json-stream.ts';
import type { RawRecord } from './files/raw-record.ts';
import { type Layout, openSource, type Source } from './files/source.ts';
import { READERS } from './formats/index.ts';
import type { LoadedRecord, QuestionReader } from './reader.ts';
import { QUESTION_FORMATS, type QuestionFile, type QuestionFormat } from './record.ts';

/** The columns that readers look at; a Parquet file's other columns are not read. */
const COLUMNS = [
  ...['_id', 'id', 'idx', 'question', 'Question', 'answer', 'Answer', 'golden_answers', 'metadata'],
  ...['context', 'supporting_facts', 'type', 'level', 'evidences', 'evidences_id', 'entity_ids'],
  ...['paragraphs', 'question_decomposition', 'answer_aliases', 'answerable'],
  ...['data_source', 'prompt', 'reward_model', 'extra_info'],
];

const CORPUS = 'is this a corpus? then --corpus (corpus in a suite)';

/**
 * How to read a question file.
 * @experimental
 */
export interface OpenOptions {
  /** Found out from the first record when left out. */
  readonly format?: QuestionFormat;
  readonly signal?: AbortSignal;
  /** What to do with a second record of the same id. Default 'refuse'. */
  readonly duplicates?: 'refuse' | 'keep';
}

/**
 * A question file with all that its records say.
 * @experimental
 */
export interface LoadedFile extends QuestionFile {
  readonly records: AsyncIterable<LoadedRecord>;
}

/**
 * Opens a question file: .json (an array, or one record a line), .jsonl, .ndjson, .csv or .parquet, in any of the
 * formats. The records are checked as they are read. Either every answerable question has an answer or none has
 * (test sets): a file where only some have one is refused.
 * @throws InputError, here or while the records are read, on a file that cannot be read, is of no known format or
 *   has no record; on a record that is broken, lacks a field or has one of the wrong kind; on an id that comes twice.
 * @experimental
 */
export async function openQuestions(path: string, options: OpenOptions = {}): Promise<LoadedFile> {
  const { signal } = options;
  const source = await openSource(path, { columns: COLUMNS, signal });
  const first = await firstRecord(path, source, signal);
  const format = options.format ?? detect(path, first, source.layout);
  return {
    format,
    records: { [Symbol.asyncIterator]: () => readAll(path, source, READERS[format], options.duplicates) },
  };
}

async function firstRecord(path: string, source: Source, signal?: AbortSignal): Promise<RawRecord> {
  try {
    for await (const record of source.records) return record;
  } catch (error) {
    if (error instanceof InputError && source.layout === 'lines' && (await isOneObject(path, signal))) {
      throw new InputError(
        `${path}: one JSON object; expected an array of questions, or one record a line; ${CORPUS}`,
      );
    }
    throw error;
  }
  throw new InputError(`${path}: no record in the file`);
}

/** Whether a file that is not one record a line is one JSON object. Reads it member by member, to its end. */
async function isOneObject(path: string, signal?: AbortSignal): Promise<boolean> {
  try {
    for await (const { key } of jsonMembers(path, signal)) if (key === undefined) return false;
    return true;
  } catch (error) {
    if (error instanceof InputError) return false;
    throw error;
  }
}

function detect(path: string, { value, at }: RawRecord, layout: Layout): QuestionFormat {
  const fields = asFields(value, `${path}, ${at}`, 'a question');
  for (const [format, reader] of Object.entries(READERS)) {
    if (reader.detects(fields)) return format as QuestionFormat;
  }
  const hint =
    layout === 'csv'
      ? '; a CSV file needs the columns Question and Answer'
      : looksLikePassage(fields)
        ? `; ${CORPUS}`
        : '';
  throw new InputError(
    `${path}, ${at}: of no known format (fields: ${fieldNames(fields)}); valid: ${QUESTION_FORMATS.join(', ')}${hint}`,
  );
}

/** One passage, or a corpus of one line. */
function looksLikePassage(fields: Fields): boolean {
  const lists = Object.values(fields);
  return (
    'contents' in fields ||
    'text' in fields ||
    (lists.length > 0 && lists.every((item) => Array.isArray(item)))
  );
}

function fieldNames(fields: Fields): string {
  const names = Object.keys(fields);
  const shown = names.slice(0, 12).map((name) => quoted(name));
  return names.length > shown.length ? `${shown.join(', ')}, …` : shown.join(', ') || 'none';
}

async function* readAll(
  path: string,
  source: Source,
  reader: QuestionReader,
  duplicates: OpenOptions['duplicates'] = 'refuse',
): AsyncGenerator<LoadedRecord> {
  const seen = new Map<string, string>();
  let answered: { readonly at: string; readonly has: boolean } | undefined;
  for await (const { value, at, index } of source.records) {
    const context = { where: `${path}, ${at}`, expected: reader.expected };
    const record = { ...reader.read(asFields(value, context.where, reader.expected), context, index), at };
    const other = seen.get(record.id);
    if (other !== undefined && duplicates === 'refuse') {
      throw new InputError(`${path}, ${at}: the id ${quoted(record.id)} is that of ${other} too`);
    }
    seen.set(record.id, at);
    if (record.answerable) {
      const has = record.answers.length > 0;
      answered ??= { at, has };
      if (has !== answered.has) {
        const [without, having] = has ? [answered.at, at] : [at, answered.at];
        throw new InputError(
          `${path}, ${without}: no answer, though ${having} has one; expected one for all questions or for none`,
        );
      }
    }
    yield record;
  }
}
