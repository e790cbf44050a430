import { InputError } from '../../core/errors.ts';
import { asArray, asFields, asString, wrong } from '../scoring/json.ts';
import { readDocument } from '../search/retrieval/document.ts';
import type { Passage } from '../search/retrieval/retriever.ts';
import { idField, isAbsent, quoted } from './fields.ts';
import type { RawRecord } from './files/raw-record.ts';
import { openSource, type Source } from './files/source.ts';

/** More passages than this do not fit into memory with their index; a retrieval server holds them. */
const MAX_PASSAGES = 10_000_000;

const EXPECTED = 'id and contents; title and text; or {title: [sentences]}';

/**
 * Opens a corpus: lines or an array of `{id?, contents, title?}`, where the first line of `contents` is the title in
 * quotes if there is no other (FlashRAG, Search-R1), or of `{id?, title?, text}`, see `readDocument`; or one object
 * `{title: [sentences]}` whose sentences carry their own leading space (HippoRAG). Passages without an id get 'p0', 'p1', … by their place in the file.
 * @throws InputError, here or while the passages are read, on a file that cannot be read or has no passage, on a
 *   broken passage, on an id that comes twice, and beyond 10 million passages.
 * @experimental
 */
export async function openCorpus(
  path: string,
  options: { readonly signal?: AbortSignal } = {},
): Promise<AsyncIterable<Passage>> {
  const source = await openSource(path, {
    extensions: ['.json', '.jsonl', '.ndjson'],
    objects: true,
    signal: options.signal,
  });
  return { [Symbol.asyncIterator]: () => readAll(path, source) };
}

async function* readAll(path: string, source: Source): AsyncGenerator<Passage> {
  const seen = new Map<string, string>();
  for await (const record of source.records) {
    const passage = readPassage(record, `${path}, ${record.at}`);
    const other = seen.get(passage.id);
    if (other !== undefined) {
      throw new InputError(`${path}, ${record.at}: the id ${quoted(passage.id)} is that of ${other} too`);
    }
    seen.set(passage.id, record.at);
    if (seen.size > MAX_PASSAGES) {
      throw new InputError(
        `${path}: more than ${MAX_PASSAGES} passages; valid: at most that, or a retrieval server`,
      );
    }
    yield passage;
  }
  if (seen.size === 0) throw new InputError(`${path}: no passage in the file`);
}

function readPassage({ value, key, index }: RawRecord, where: string): Passage {
  const own = `p${index}`;
  if (key !== undefined) {
    const sentences = asArray(value, where, EXPECTED);
    const text = sentences.map((item, i) => asString(item, `${where}: sentence ${i}`, EXPECTED)).join('');
    return { id: own, title: key, text };
  }
  const fields = asFields(value, where, EXPECTED);
  const id = isAbsent(fields.id) ? own : idField(fields, 'id', { where, expected: EXPECTED });
  const { title, text, contents } = fields;
  if (isAbsent(contents) && isAbsent(text)) throw wrong(`${where}: text`, 'nothing, nor contents', EXPECTED);
  const string = (name: string, field: unknown) => asString(field ?? '', `${where}: ${name}`, EXPECTED);
  return {
    id,
    ...readDocument({
      title: string('title', title),
      text: string('text', text),
      contents: string('contents', contents),
    }),
  };
}
