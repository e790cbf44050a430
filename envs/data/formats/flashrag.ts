import { asArray, asBoolean, asFields, asString, type Fields } from '../../scoring/json.ts';
import { answerList } from '../answers.ts';
import {
  absentNames,
  type Context,
  distinct,
  idField,
  isAbsent,
  optionalFields,
  optionalText,
  textField,
  textList,
  unpacked,
} from '../fields.ts';
import { readEvidence } from '../paragraphs.ts';
import type { Content, QuestionReader } from '../reader.ts';
import type { Paragraph } from '../record.ts';

/**
 * FlashRAG's data sets (Jin et al. 2024): `{id, question, golden_answers, metadata?}`. What `metadata` holds depends
 * on the data set: see `readMetadata`. PopQA's `o_aliases` (JSON text) are accepted answers after the golden ones,
 * as in PopQA's own scoring. Questions of TriviaQA that are wrapped in quotes as a CSV cell are unwrapped.
 */
export const flashrag: QuestionReader = {
  expected: 'FlashRAG: id, question, golden_answers, metadata',
  detects: (fields) => 'golden_answers' in fields,
  read: (fields, context) => {
    const metadata = optionalFields(fields, 'metadata', context);
    const golden = answerList(fields.golden_answers, 'golden_answers', context);
    return {
      id: idField(fields, 'id', context),
      question: unquoted(textField(fields, 'question', context)),
      answers: golden.length === 0 ? [] : distinct([...golden, ...objectAliases(metadata, context)]),
      ...readMetadata(metadata, context),
      missing: absentNames(fields, ['metadata']),
    };
  },
};

/**
 * What FlashRAG's `metadata` says: of HotpotQA and 2WikiMultihopQA `type`, `supporting_facts` and `context` (with
 * `sentences`, or `content`, whose sentences have no leading space); of MuSiQue `answerable` and
 * `question_decomposition` with a `support_paragraph` per step, all of them gold; of PopQA the property `prop`,
 * which becomes the kind. Empty contexts and gold titles without a paragraph are no error: there are such.
 */
export function readMetadata(
  metadata: Fields,
  context: Context,
): Pick<Content, 'kind' | 'hops' | 'answerable' | 'paragraphs' | 'goldWithoutParagraph'> {
  const { where, expected } = context;
  const inner = { where: `${where}: metadata`, expected };
  const steps = isAbsent(metadata.question_decomposition)
    ? []
    : asArray(metadata.question_decomposition, `${inner.where}: question_decomposition`, expected);
  const type = optionalText(metadata, 'type', inner) ?? optionalText(metadata, 'prop', inner);
  const answerable =
    isAbsent(metadata.answerable) || asBoolean(metadata.answerable, `${inner.where}: answerable`, expected);
  if (steps.length > 0) {
    return {
      kind: type ?? `${steps.length}hop`,
      hops: steps.length,
      answerable,
      paragraphs: supportParagraphs(steps, inner),
      goldWithoutParagraph: [],
    };
  }
  const { paragraphs, goldTitles, goldWithoutParagraph } = readEvidence(metadata, joinerOf(metadata), inner);
  return {
    kind: type === 'bridge-comparison' ? 'bridge_comparison' : (type ?? 'unknown'),
    hops: goldTitles.length === 0 ? undefined : goldTitles.length,
    answerable,
    paragraphs,
    goldWithoutParagraph,
  };
}

/** Sentences under `content` come without a leading space. */
function joinerOf({ context }: Fields): string {
  return typeof context === 'object' && context !== null && !isAbsent((context as Fields).content) ? ' ' : '';
}

function supportParagraphs(steps: readonly unknown[], { where, expected }: Context): readonly Paragraph[] {
  const found = new Map<string, Paragraph>();
  for (const [i, step] of steps.entries()) {
    const at = `${where}: question_decomposition[${i}]`;
    const { support_paragraph: support } = asFields(step, at, expected);
    if (isAbsent(support)) continue;
    const fields = asFields(support, `${at}.support_paragraph`, expected);
    const title = asString(fields.title, `${at}.support_paragraph.title`, expected);
    const text = asString(fields.paragraph_text, `${at}.support_paragraph.paragraph_text`, expected);
    found.set(JSON.stringify([title, text]), { title, text, gold: true });
  }
  return [...found.values()];
}

function objectAliases(metadata: Fields, context: Context): readonly string[] {
  if (isAbsent(metadata.o_aliases)) return [];
  const name = 'metadata.o_aliases';
  return textList(unpacked(metadata.o_aliases, name, context), name, context);
}

/** `"Who sang ""Help""?"` without the outer quotes and with single inner ones; any other text as it is. */
export function unquoted(text: string): string {
  const cell = text.trim();
  const inner = cell.slice(1, -1);
  const isCell = inner !== '' && cell.startsWith('"') && cell.endsWith('"');
  // Inside, every quote is there twice.
  return isCell && !inner.replaceAll('""', '').includes('"') ? inner.replaceAll('""', '"') : text;
}
