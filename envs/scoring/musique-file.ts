import { harmonicMean, scoreAnswer } from './answer.ts';
import type { FileScore, ScoreInput } from './file-score.ts';
import {
  asAnswer,
  asArray,
  asBoolean,
  asFields,
  asInteger,
  asString,
  type NamedRecord,
  parseRecords,
  wrong,
} from './json.ts';

const PREDICTION_SHAPE =
  'lines {"id", "predicted_answer": text, "predicted_support_idxs": [index, …], "predicted_answerable": true or ' +
  'false}, one for each gold line ("predicted_support_idxs" optional; "predicted_answerable" only for the full set)';
const GOLD_SHAPE =
  'lines {"id", "answer": text, "answer_aliases": [text, …], "answerable": true or false, "paragraphs": ' +
  '[{"idx", "is_supporting"}, …]}, ids unique (full set: each id once answerable and once not)';

interface Gold {
  readonly where: string;
  readonly id: string;
  readonly answers: readonly string[];
  readonly support: readonly number[];
  readonly answerable: boolean;
}

interface Prediction {
  readonly answer: string;
  readonly support: readonly number[] | undefined;
  readonly answerable: boolean | undefined;
}

/**
 * Scores MuSiQue's JSON Lines as evaluate_v1.0.py, in fractions: `answer_f1`, `answer_em` and `support_f1`
 * over the answerable questions. With an unanswerable question in the gold file it is the full set, where
 * every id occurs twice, and two grouped metrics follow: a pair scores its answerable twin's answer F1
 * (`group_answer_sufficiency_f1`) or support F1 (`group_support_sufficiency_f1`) when both answerability
 * predictions of the pair are right, else 0.
 *
 * The answer rule is the project's reference. The metric names, the pairing and the support and group rules
 * are not in it: they follow the published evaluate_v1.0.py and copies of its metrics/support.py and
 * metrics/group_*_sufficiency.py. An empty support set predicted for an empty one scores F1 1.
 *
 * DEVIATES: the script wants both files to have the same ids in the same order. Here lines are matched by id,
 * the k-th of an id to the k-th, and a question without a line scores 0. Of a pair with one line only, both
 * count as missing, since nothing says which twin it is for. `predicted_support_idxs` may be absent
 * everywhere, which leaves the support metrics out.
 * @throws InputError on a broken or ill-shaped file.
 */
export function scoreMusiqueFile(input: ScoreInput): FileScore {
  const gold = readGold(input);
  const full = gold.some((question) => !question.answerable);
  const pairs = groupById(gold);
  for (const [id, group] of pairs) checkGroup(id, group, full);
  const lines = groupById(readPredictions(input, full));
  const support = [...lines.values()].flat().some((line) => line.prediction.support !== undefined);

  const sums = { em: 0, f1: 0, support: 0, groupAnswer: 0, groupSupport: 0 };
  const missing: string[] = [];
  for (const [id, group] of pairs) {
    const given = lines.get(id) ?? [];
    if (given.length > group.length) {
      throw wrong(given[group.length]!.where, `duplicate id '${id}'`, PREDICTION_SHAPE);
    }
    if (given.length < group.length) {
      missing.push(id);
      continue;
    }
    const twin = group.findIndex((question) => question.answerable);
    const question = group[twin]!;
    const { where, prediction } = given[twin]!;
    if (support && prediction.support === undefined) {
      throw wrong(where, '"predicted_support_idxs" is absent here and present elsewhere', PREDICTION_SHAPE);
    }
    const answer = scoreAnswer('musique', prediction.answer, question.answers);
    const supportF1 = scoreSupport(prediction.support ?? [], question.support);
    sums.em += answer.em;
    sums.f1 += answer.f1;
    sums.support += supportF1;
    if (group.every((one, index) => one.answerable === given[index]!.prediction.answerable)) {
      sums.groupAnswer += answer.f1;
      sums.groupSupport += supportF1;
    }
  }
  // Every group has exactly one answerable question, so all the means are over the groups.
  const mean = (sum: number): number => sum / pairs.size;
  return {
    questions: gold.length,
    metrics: {
      answer_f1: mean(sums.f1),
      answer_em: mean(sums.em),
      ...(support ? { support_f1: mean(sums.support) } : {}),
      ...(full ? { group_answer_sufficiency_f1: mean(sums.groupAnswer) } : {}),
      ...(full && support ? { group_support_sufficiency_f1: mean(sums.groupSupport) } : {}),
    },
    unit: 'fraction',
    decimals: 3,
    counts: { answerable: pairs.size, unanswerable: gold.length - pairs.size },
    missing: { answer: missing },
    unknown: [...lines.keys()].filter((id) => !pairs.has(id)),
    notes: support ? [] : ['no predicted_support_idxs: no support metrics'],
  };
}

/** F1 of two sets of paragraph indices; 1 when both are empty. */
function scoreSupport(predicted: readonly number[], gold: readonly number[]): number {
  const [left, right] = [new Set(predicted), new Set(gold)];
  if (left.size === 0 && right.size === 0) return 1;
  const same = [...left].filter((index) => right.has(index)).length;
  return harmonicMean(left.size > 0 ? same / left.size : 0, right.size > 0 ? same / right.size : 0);
}

function checkGroup(id: string, group: readonly Gold[], full: boolean): void {
  const answerable = group.filter((question) => question.answerable).length;
  const where = group.at(-1)!.where;
  if (!full && group.length > 1) throw wrong(where, `duplicate id '${id}'`, GOLD_SHAPE);
  if (full && (group.length !== 2 || answerable !== 1)) {
    const found = `${answerable} answerable and ${group.length - answerable} unanswerable lines`;
    throw wrong(where, `id '${id}' has ${found}, and the full set has one of each`, GOLD_SHAPE);
  }
}

function groupById<Item extends { readonly id: string }>(items: readonly Item[]): Map<string, Item[]> {
  const groups = new Map<string, Item[]>();
  for (const item of items) {
    const group = groups.get(item.id);
    if (group === undefined) groups.set(item.id, [item]);
    else group.push(item);
  }
  return groups;
}

function readGold({ gold }: ScoreInput): Gold[] {
  return parseRecords(gold, GOLD_SHAPE).map(({ where, value }) => {
    const paragraphs = asArray(value.paragraphs, `${where}: "paragraphs"`, GOLD_SHAPE).map((item, index) => {
      const at = `${where}: paragraphs[${index}]`;
      const paragraph = asFields(item, at, GOLD_SHAPE);
      return {
        idx: asInteger(paragraph.idx, `${at}: "idx"`, GOLD_SHAPE),
        supporting: asBoolean(paragraph.is_supporting, `${at}: "is_supporting"`, GOLD_SHAPE),
      };
    });
    return {
      where,
      id: asString(value.id, `${where}: "id"`, GOLD_SHAPE),
      answers: [
        asAnswer(value.answer, `${where}: "answer"`, GOLD_SHAPE),
        ...asArray(value.answer_aliases, `${where}: "answer_aliases"`, GOLD_SHAPE).map((alias, index) =>
          asAnswer(alias, `${where}: "answer_aliases"[${index}]`, GOLD_SHAPE),
        ),
      ],
      support: paragraphs.filter((paragraph) => paragraph.supporting).map((paragraph) => paragraph.idx),
      answerable: asBoolean(value.answerable, `${where}: "answerable"`, GOLD_SHAPE),
    };
  });
}

function readPredictions({ predictions }: ScoreInput, full: boolean) {
  return parseRecords(predictions, PREDICTION_SHAPE).map(({ where, value }: NamedRecord) => {
    const idxs = value.predicted_support_idxs;
    const at = (key: string): string => `${where}: "${key}"`;
    const prediction: Prediction = {
      answer: asString(value.predicted_answer, at('predicted_answer'), PREDICTION_SHAPE),
      support:
        idxs === undefined
          ? undefined
          : asArray(idxs, at('predicted_support_idxs'), PREDICTION_SHAPE).map((idx) =>
              asInteger(idx, at('predicted_support_idxs'), PREDICTION_SHAPE),
            ),
      answerable: full
        ? asBoolean(value.predicted_answerable, at('predicted_answerable'), PREDICTION_SHAPE)
        : undefined,
    };
    return { where, id: asString(value.id, at('id'), PREDICTION_SHAPE), prediction };
  });
}
