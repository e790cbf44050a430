import { asArray, asFields, type Fields, wrong } from '../../scoring/json.ts';
import { answerList, listedAnswers } from '../answers.ts';
import {
  absentNames,
  type Context,
  distinct,
  idField,
  isAbsent,
  optionalFields,
  optionalText,
  textField,
} from '../fields.ts';
import type { QuestionReader } from '../reader.ts';
import { readMetadata, unquoted } from './flashrag.ts';

const SPLIT = '<|answer_split|>';
/** Stands before the question in prompts. */
const MARK = 'Question:';

/**
 * The Parquet files that Search-R1 (Jin et al. 2025) and its relatives train on: `{data_source, reward_model,
 * extra_info, prompt, id?, question?, golden_answers?, metadata?}`. The kind is the data source.
 *
 * The accepted answers are `reward_model.ground_truth`: `{target: […]}`, a list, JSON text of one of these, or a text.
 * A text is split at `<|answer_split|>` (DeepResearcher), or replaced by the list in `extra_info.answer` if there is one
 * (Agentic-RAG). `golden_answers` come last.
 *
 * The question is `question`, `extra_info.question` or the last message of the user: what follows the last
 * `Question:` in it, or all of it. Instructions with no such mark are refused.
 *
 * The id is `id`, or `extra_info.split` and `extra_info.index` ('train_0'). It is unique within its data source only,
 * so that the data source goes before it. An index that begins with the data source is an id of its own and stays.
 */
export const searchR1: QuestionReader = {
  expected:
    'Search-R1: data_source, reward_model.ground_truth, extra_info.index (or id), question (or prompt)',
  detects: (fields) => 'reward_model' in fields,
  read: (fields, context) => {
    const extra = optionalFields(fields, 'extra_info', context);
    const source = optionalText(fields, 'data_source', context);
    return {
      question: readQuestion(fields, extra, context),
      answers: distinct(readAnswers(fields, extra, context)),
      ...readMetadata(optionalFields(fields, 'metadata', context), context),
      id: readId(fields, extra, source, context),
      kind: source ?? 'unknown',
      missing: absentNames(fields, ['metadata']),
    };
  },
};

function within({ where, expected }: Context, name: string): Context {
  return { where: `${where}: ${name}`, expected };
}

function readId(fields: Fields, extra: Fields, source: string | undefined, context: Context): string {
  const inner = within(context, 'extra_info');
  const own = isAbsent(fields.id) ? idField(extra, 'index', inner) : idField(fields, 'id', context);
  if (source !== undefined && own.startsWith(`${source}_`)) return own;
  const split = isAbsent(fields.id) ? optionalText(extra, 'split', inner) : undefined;
  return [source, split, own].filter((part) => part !== undefined).join('_');
}

function readAnswers(fields: Fields, extra: Fields, context: Context): readonly string[] {
  const name = 'reward_model.ground_truth';
  const truth = optionalFields(fields, 'reward_model', context).ground_truth;
  const own = answerList(truth, name, context)
    .flatMap((answer) => answer.split(SPLIT))
    .filter((answer) => answer.trim() !== '');
  if (own.length === 0) return answerList(fields.golden_answers, 'golden_answers', context);
  const isOneText = own.length === 1 && own[0] === truth;
  return (isOneText ? listedAnswers(extra.answer, 'extra_info.answer', context) : undefined) ?? own;
}

function readQuestion(fields: Fields, extra: Fields, context: Context): string {
  if (!isAbsent(fields.question)) return unquoted(textField(fields, 'question', context));
  if (!isAbsent(extra.question)) return unquoted(textField(extra, 'question', within(context, 'extra_info')));
  const { where, expected } = context;
  if (isAbsent(fields.prompt)) throw wrong(`${where}: question`, 'nothing, nor a prompt', expected);
  const messages = asArray(fields.prompt, `${where}: prompt`, expected).map((message, i) =>
    asFields(message, `${where}: prompt[${i}]`, expected),
  );
  const last = messages.findLastIndex(({ role }) => role === 'user');
  if (last === -1) throw wrong(`${where}: prompt`, "no message of the role 'user'", expected);
  const message = textField(messages[last]!, 'content', within(context, `prompt[${last}]`));
  return questionIn(message, `${where}: prompt[${last}].content`, expected);
}

function questionIn(message: string, where: string, expected: string): string {
  const mark = message.lastIndexOf(MARK);
  const question = mark === -1 ? message : message.slice(mark + MARK.length).trim();
  if (question === '') throw wrong(where, `nothing after the last '${MARK}'`, expected);
  const tag = /<\/?(?:think|search|answer)>/.exec(question)?.[0];
  if (tag === undefined) return question;
  throw wrong(
    where,
    mark === -1
      ? `instructions (they contain ${tag}) without '${MARK}' before the question`
      : `${tag} after the last '${MARK}', where only the question belongs`,
    expected,
  );
}
