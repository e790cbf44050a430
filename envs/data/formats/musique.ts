import { asArray, asBoolean, asFields, asString } from '../../scoring/json.ts';
import { answerList } from '../answers.ts';
import {
  absentNames,
  type Context,
  distinct,
  idField,
  isAbsent,
  optionalText,
  textField,
} from '../fields.ts';
import type { QuestionReader } from '../reader.ts';
import type { Paragraph } from '../record.ts';

const OPTIONAL = ['question_decomposition', 'answer_aliases', 'answerable'];

/**
 * MuSiQue (Trivedi et al. 2022), -Ans and -Full: `{id, question, paragraphs, answer, answer_aliases, answerable,
 * question_decomposition}`. The kind is the shape at the start of the id ('2hop', '3hop1'), hops are the steps of
 * the decomposition or, without one, the number in that shape. -Full's unanswerable twins share the id of their
 * answerable twin and get ' (unanswerable)' behind it.
 */
export const musique: QuestionReader = {
  expected:
    'MuSiQue: id, question, paragraphs[{title, paragraph_text, is_supporting}], answer, answer_aliases',
  detects: (fields) => 'paragraphs' in fields,
  read: (fields, context) => {
    const { where, expected } = context;
    const id = idField(fields, 'id', context);
    const answerable =
      isAbsent(fields.answerable) || asBoolean(fields.answerable, `${where}: answerable`, expected);
    const shape = /^(\d)hop\d*(?=__)/.exec(id);
    const steps = isAbsent(fields.question_decomposition)
      ? 0
      : asArray(fields.question_decomposition, `${where}: question_decomposition`, expected).length;
    const hops = steps || Number(shape?.[1] ?? 0);
    const own = answerList(optionalText(fields, 'answer', context), 'answer', context);
    const aliases = answerList(fields.answer_aliases, 'answer_aliases', context);
    return {
      id: answerable ? id : `${id} (unanswerable)`,
      question: textField(fields, 'question', context),
      answers: own.length === 0 ? [] : distinct([...own, ...aliases]),
      kind: shape?.[0] ?? 'unknown',
      hops: hops === 0 ? undefined : hops,
      answerable,
      paragraphs: asArray(fields.paragraphs, `${where}: paragraphs`, expected).map((item, i) =>
        readParagraph(item, `paragraphs[${i}]`, context),
      ),
      goldWithoutParagraph: [],
      missing: absentNames(fields, OPTIONAL),
    };
  },
};

function readParagraph(item: unknown, name: string, { where, expected }: Context): Paragraph {
  const fields = asFields(item, `${where}: ${name}`, expected);
  const { is_supporting: gold } = fields;
  return {
    title: asString(fields.title, `${where}: ${name}.title`, expected),
    text: asString(fields.paragraph_text, `${where}: ${name}.paragraph_text`, expected),
    gold: !isAbsent(gold) && asBoolean(gold, `${where}: ${name}.is_supporting`, expected),
  };
}
