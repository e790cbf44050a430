/**
 * The layouts of question files that can be read. Each has a reader in `formats/`, which documents it.
 * @experimental
 */
export const QUESTION_FORMATS = [
  '2wikimultihopqa',
  'bamboogle',
  'flashrag',
  'hotpotqa',
  'musique',
  'search-r1',
] as const;

/** Name of a question file's layout. */
export type QuestionFormat = (typeof QUESTION_FORMATS)[number];

/**
 * A paragraph that comes with a question.
 * @experimental
 */
export interface Paragraph {
  readonly title: string;
  /** May be empty: a few HotpotQA paragraphs have no sentence. */
  readonly text: string;
  /** The question's answer rests on it. */
  readonly gold: boolean;
}

/**
 * A question, the same whatever file it came from.
 * @experimental
 */
export interface QuestionRecord {
  /** Unique in the file. The unanswerable twins of MuSiQue full share their twin's id: they get ' (unanswerable)'. */
  readonly id: string;
  readonly question: string;
  /** Accepted answers, the canonical one first; [] where the file has none (test sets). */
  readonly answers: readonly string[];
  /** 'bridge', 'comparison', '2hop', '3hop1', a data source such as 'nq', … or 'unknown'. */
  readonly kind: string;
  /** Facts to combine, at least 1; undefined if the file does not say. */
  readonly hops: number | undefined;
  /** False only for MuSiQue full's unanswerable questions. */
  readonly answerable: boolean;
  /** In the order of the file; [] where the file has none. */
  readonly paragraphs: readonly Paragraph[];
  /** Where it stands, for messages: 'line 12', 'row 3', 'record 5 (line 120)'. */
  readonly at: string;
}

/** An opened question file. */
export interface QuestionFile {
  readonly format: QuestionFormat;
  /** Streams the file; every iteration reads it again from the start. Throws InputError at the first bad record. */
  readonly records: AsyncIterable<QuestionRecord>;
}
