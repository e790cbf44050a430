import { wrong } from '../../scoring/json.ts';
import { answerList } from '../answers.ts';
import { idField, isAbsent, optionalText, textField } from '../fields.ts';
import type { QuestionReader } from '../reader.ts';

/**
 * Bamboogle (Press et al. 2023): CSV with the header `Question,Answer`, or JSON `{idx, question, answer}`. Both
 * have to be there, though an answer may be blank. Rows without `idx` are numbered from 1.
 */
export const bamboogle: QuestionReader = {
  expected: 'Bamboogle: Question, Answer (CSV), or idx, question, answer',
  detects: (fields) =>
    ('Question' in fields && 'Answer' in fields) || ('question' in fields && 'answer' in fields),
  read: (fields, context, index) => {
    const [question, answer] = 'Question' in fields ? ['Question', 'Answer'] : ['question', 'answer'];
    if (!(answer! in fields)) throw wrong(`${context.where}: ${answer}`, 'no such field', context.expected);
    return {
      id: isAbsent(fields.idx) ? String(index + 1) : idField(fields, 'idx', context),
      question: textField(fields, question!, context),
      answers: answerList(optionalText(fields, answer!, context), answer!, context),
      kind: 'unknown',
      hops: undefined,
      answerable: true,
      paragraphs: [],
      goldWithoutParagraph: [],
      missing: [],
    };
  },
};
