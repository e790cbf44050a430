import { scoreAnswer } from './answer.ts';
import type { FileScore, ScoreInput } from './file-score.ts';
import { asAnswer, asArray, asFields, asString, type Fields, parseJson, wrong } from './json.ts';

const PREDICTION_SHAPE = 'an object {id: answer text}';
const GOLD_SHAPE =
  'an object {"version", "data": [{"paragraphs": [{"qas": [{"id", "answers": [{"text"}, …]}]}]}]}, ids unique';

/** `answerable`: the file lists at least one answer. */
interface Question {
  readonly id: string;
  readonly golds: readonly string[];
  readonly answerable: boolean;
}

interface Sum {
  exact: number;
  f1: number;
  total: number;
}

/**
 * Scores a SQuAD file as evaluate-v1.1.py (`exact_match`, `f1`) or evaluate-v2.0.py (`exact`, `f1`, and the
 * same with the prefixes `HasAns_` and `NoAns_` where the file has such questions), in percent. For v2, '' is
 * the prediction "no answer"; the no-answer probability file and its thresholds are not supported (the
 * script's default ignores them).
 *
 * A missing prediction scores 0. DEVIATES for v2: that script leaves missing questions out of the overall
 * mean and then fails at the breakdown.
 * @throws InputError on a broken or ill-shaped file; for v1.1 also on a question without an answer.
 */
export function scoreSquadFile(metric: 'squad-v1.1' | 'squad-v2', input: ScoreInput): FileScore {
  const { questions, version } = readGold(metric, input);
  const predictions = asFields(
    parseJson(input.predictions, PREDICTION_SHAPE, true),
    input.predictions.name,
    PREDICTION_SHAPE,
  );
  const sums = { all: zeroSum(), HasAns: zeroSum(), NoAns: zeroSum() };
  const missing: string[] = [];
  for (const { id, golds, answerable } of questions) {
    const at = `${input.predictions.name}: id '${id}'`;
    const absent = !Object.hasOwn(predictions, id);
    if (absent) missing.push(id);
    const score = absent
      ? { em: 0, f1: 0 }
      : scoreAnswer(metric, asString(predictions[id], at, PREDICTION_SHAPE), golds);
    for (const sum of [sums.all, answerable ? sums.HasAns : sums.NoAns]) {
      sum.exact += score.em;
      sum.f1 += score.f1;
      sum.total += 1;
    }
  }
  const known = new Set(questions.map((question) => question.id));
  const v1 = metric === 'squad-v1.1';
  const expectedVersion = v1 ? '1.1' : 'v2.0';
  return {
    questions: questions.length,
    metrics: v1
      ? { exact_match: percent(sums.all.exact, sums.all), f1: percent(sums.all.f1, sums.all) }
      : {
          ...exactAndF1('', sums.all),
          ...exactAndF1('HasAns_', sums.HasAns),
          ...exactAndF1('NoAns_', sums.NoAns),
        },
    unit: 'percent',
    decimals: null,
    counts: v1 ? {} : { HasAns: sums.HasAns.total, NoAns: sums.NoAns.total },
    missing: { answer: missing },
    unknown: Object.keys(predictions).filter((id) => !known.has(id)),
    notes:
      version === undefined || version === expectedVersion
        ? []
        : [
            `${input.gold.name} has version ${JSON.stringify(version)}, ${metric} is for "${expectedVersion}"`,
          ],
  };
}

function readGold(metric: string, { gold }: ScoreInput): { questions: Question[]; version: unknown } {
  const file = asFields(parseJson(gold, GOLD_SHAPE), gold.name, GOLD_SHAPE);
  const questions: Question[] = [];
  const seen = new Set<string>();
  const list = (parent: Fields, key: string, where: string) =>
    asArray(parent[key], `${where}: "${key}"`, GOLD_SHAPE).map((item, index) => {
      const at = `${where}: ${key}[${index}]`;
      return { at, value: asFields(item, at, GOLD_SHAPE) };
    });
  for (const article of list(file, 'data', gold.name)) {
    for (const paragraph of list(article.value, 'paragraphs', article.at)) {
      for (const { at, value } of list(paragraph.value, 'qas', paragraph.at)) {
        const id = asString(value.id, `${at}: "id"`, GOLD_SHAPE);
        if (seen.has(id)) throw wrong(at, `duplicate id '${id}'`, GOLD_SHAPE);
        seen.add(id);
        const golds = list(value, 'answers', at).map((answer) =>
          asAnswer(answer.value.text, `${answer.at}: "text"`, GOLD_SHAPE),
        );
        if (metric === 'squad-v1.1' && golds.length === 0) {
          throw wrong(at, `id '${id}' has no answers, which only squad-v2 allows`, GOLD_SHAPE);
        }
        questions.push({ id, golds, answerable: golds.length > 0 });
      }
    }
  }
  if (questions.length === 0) throw wrong(gold.name, 'no questions in it', GOLD_SHAPE);
  return { questions, version: file.version };
}

function zeroSum(): Sum {
  return { exact: 0, f1: 0, total: 0 };
}

// The scripts write `100.0 * sum / total`, in this order.
function percent(value: number, sum: Sum): number {
  return (100 * value) / sum.total;
}

function exactAndF1(prefix: string, sum: Sum): Record<string, number> {
  if (sum.total === 0) return {};
  return { [`${prefix}exact`]: percent(sum.exact, sum), [`${prefix}f1`]: percent(sum.f1, sum) };
}
