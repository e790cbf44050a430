import { asArray, asFields, type Fields, wrong } from '../../scoring/json.ts';
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
} from '../fields.ts';
import type { QuestionReader } from '../reader.ts';
import { readMetadata, unquoted } from './flashrag.ts';

const SPLIT = '<|answer_split|>';

/**
 * The Parquet files that Search-R1 (Jin et al. 2025) and its relatives train on: `{data_source, reward_model,
 * extra_info, prompt, id?, question?, golden_answers?, metadata?}`. The kind is the data source.
 *
 * The accepted answers are `reward_model.ground_truth`: `{target: […]}`, a list, or a text. A text is split at
 * `<|answer_split|>` (DeepResearcher), or replaced by the list in `extra_info.answer` where there is one
 * (Agentic-RAG); `golden_answers` come last. The question is `question`, `extra_info.question` or the last message
 * of the user. An id is unique within its data source only, so that the data source goes before it.
 */
export const searchR1: QuestionReader = {
  expected:
    'Search-R1: data_source, reward_model.ground_truth, extra_info.index (or id), question (or prompt)',
  detects: (fields) => 'reward_model' in fields,
  read: (fields, context) => {
    const extra = optionalFields(fields, 'extra_info', context);
    const source = optionalText(fields, 'data_source', context);
    const id = isAbsent(fields.id)
      ? idField(extra, 'index', within(context, 'extra_info'))
      : idField(fields, 'id', context);
    return {
      question: readQuestion(fields, extra, context),
      answers: distinct(readAnswers(fields, extra, context)),
      ...readMetadata(optionalFields(fields, 'metadata', context), context),
      id: source === undefined || id.startsWith(`${source}_`) ? id : `${source}_${id}`,
      kind: source ?? 'unknown',
      missing: absentNames(fields, ['id', 'question', 'metadata']),
    };
  },
};

function within({ where, expected }: Context, name: string): Context {
  return { where: `${where}: ${name}`, expected };
}

function readAnswers(fields: Fields, extra: Fields, context: Context): readonly string[] {
  const name = 'reward_model.ground_truth';
  const truth = optionalFields(fields, 'reward_model', context).ground_truth;
  const rest = (): readonly string[] => textList(fields.golden_answers, 'golden_answers', context);
  if (isAbsent(truth)) return rest();
  if (typeof truth === 'string') {
    if (truth.includes(SPLIT)) return truth.split(SPLIT).filter((answer) => answer.trim() !== '');
    return Array.isArray(extra.answer) ? textList(extra.answer, 'extra_info.answer', context) : [truth];
  }
  if (Array.isArray(truth)) return textList(truth, name, context);
  const { target } = asFields(truth, `${context.where}: ${name}`, context.expected);
  return isAbsent(target) ? rest() : textList(target, `${name}.target`, context);
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
  return textField(messages[last]!, 'content', within(context, `prompt[${last}]`));
}
