import type { Fields } from '../../scoring/json.ts';
import { wrong } from '../../scoring/json.ts';
import { answerList } from '../answers.ts';
import { absentNames, type Context, idField, isAbsent, optionalText, textField } from '../fields.ts';
import { readEvidence } from '../paragraphs.ts';
import type { QuestionReader } from '../reader.ts';

const OPTIONAL = ['supporting_facts', 'type', 'level'];

/**
 * HotpotQA (Yang et al. 2018): an array of `{_id, question, answer, supporting_facts, context, type, level}`, or
 * the variant on the Hub with `id` and columns in `context`. Sentences carry their own leading space. A gold title
 * without a paragraph is no error: the full-wiki files have such. Hops: the distinct gold titles.
 */
export const hotpotqa: QuestionReader = {
  expected: 'HotpotQA: _id (or id), question, answer, supporting_facts, context, type, level',
  detects: (fields) => 'context' in fields && !('paragraphs' in fields),
  read: (fields, context) => readHotpotLike(fields, context, '', OPTIONAL),
};

/**
 * The common part of HotpotQA and 2WikiMultihopQA.
 * @param joiner between sentences.
 * @param optional names of the fields that may be missing.
 */
export function readHotpotLike(
  fields: Fields,
  context: Context,
  joiner: string,
  optional: readonly string[],
): ReturnType<QuestionReader['read']> {
  if (isAbsent(fields.context)) throw wrong(`${context.where}: context`, 'nothing', context.expected);
  const { paragraphs, goldTitles, goldWithoutParagraph } = readEvidence(fields, joiner, context);
  return {
    id: idField(fields, isAbsent(fields._id) ? 'id' : '_id', context),
    question: textField(fields, 'question', context),
    answers: answerList(optionalText(fields, 'answer', context), 'answer', context),
    kind: optionalText(fields, 'type', context) ?? 'unknown',
    hops: goldTitles.length === 0 ? undefined : goldTitles.length,
    answerable: true,
    paragraphs,
    goldWithoutParagraph,
    missing: absentNames(fields, optional),
  };
}
