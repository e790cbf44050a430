import type { Passage } from '../search/retrieval/retriever.ts';
import type { Paragraph, QuestionRecord } from './record.ts';

/** The paragraphs of questions as a corpus. */
export interface QuestionCorpus {
  /** In the order in which they first come; ids 'p0', 'p1', … */
  readonly passages: readonly Passage[];
  /** The ids of the gold passages of every question, by question id; [] where it has none. */
  readonly gold: ReadonlyMap<string, readonly string[]>;
}

/**
 * Collects the distinct paragraphs of questions. Equal title and text make one passage; the same title with another
 * text is another passage (MuSiQue cuts its paragraphs out of longer articles).
 */
export function corpusFromQuestions(
  records: Iterable<Pick<QuestionRecord, 'id' | 'paragraphs'>>,
): QuestionCorpus {
  const { passages, add } = collectPassages();
  const gold = new Map<string, readonly string[]>();
  for (const { id, paragraphs } of records) gold.set(id, add(paragraphs));
  return { passages, gold };
}

/** As `corpusFromQuestions`, one question at a time: `add` returns the ids of the gold passages, each once. */
export function collectPassages(): {
  readonly passages: readonly Passage[];
  add(paragraphs: readonly Paragraph[]): readonly string[];
} {
  const passages: Passage[] = [];
  const ids = new Map<string, string>();
  const idOf = ({ title, text }: Paragraph): string => {
    // The length keeps title and text apart whatever they contain.
    const key = `${title.length} ${title}${text}`;
    const known = ids.get(key);
    if (known !== undefined) return known;
    const id = `p${passages.length}`;
    ids.set(key, id);
    passages.push({ id, title, text });
    return id;
  };
  const add = (paragraphs: readonly Paragraph[]): readonly string[] => {
    const gold = new Set<string>();
    for (const paragraph of paragraphs) {
      const id = idOf(paragraph);
      if (paragraph.gold) gold.add(id);
    }
    return [...gold];
  };
  return { passages, add };
}
