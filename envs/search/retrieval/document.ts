import type { Passage } from './retriever.ts';

/** How corpora and retrieval servers spell a passage. A field that is blank is not there. */
export interface DocumentFields {
  readonly title?: string | null | undefined;
  /** The body. */
  readonly text?: string | null | undefined;
  /** The body, the title before it as a line of its own (FlashRAG, Search-R1). */
  readonly contents?: string | null | undefined;
}

/**
 * The title and the whole body of a passage. A title that is given wins; a first line of the body that repeats it is
 * left out. Without one, the first line of `contents` is the title. A title that is a line may be in quotes, with inner
 * ones doubled as in CSV; a line that stands alone is a title only if it is in quotes.
 */
export function readDocument({ title, text, contents }: DocumentFields): Pick<Passage, 'title' | 'text'> {
  if (isBlank(title)) {
    const split = splitTitle(contents ?? '');
    return isBlank(text) ? split : { title: split.title, text };
  }
  const body = (isBlank(text) ? contents : text) ?? text ?? '';
  const split = splitTitle(body);
  return { title, text: split.title === unquoted(title) ? split.text : body };
}

const isBlank = (field: string | null | undefined): field is null | undefined | '' =>
  field === undefined || field === null || field.trim() === '';

/** The title is '' if there is none. */
function splitTitle(body: string): Pick<Passage, 'title' | 'text'> {
  const end = body.indexOf('\n');
  const line = end === -1 ? body : body.slice(0, end);
  if (end === -1 && !isQuoted(line.trim())) return { title: '', text: body };
  return { title: unquoted(line), text: end === -1 ? '' : body.slice(end + 1) };
}

const isQuoted = (line: string): boolean => line.length >= 2 && line.startsWith('"') && line.endsWith('"');

function unquoted(title: string): string {
  const line = title.trim();
  if (!isQuoted(line)) return line;
  const inner = line.slice(1, -1);
  const isEscaped = !inner.replaceAll('""', '').includes('"');
  return isEscaped ? inner.replaceAll('""', '"') : inner;
}
