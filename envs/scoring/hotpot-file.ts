import { harmonicMean, scoreAnswer } from './answer.ts';
import {
  addParts,
  type FileScore,
  namedParts,
  type Parts,
  type ScoreInput,
  zeroParts,
} from './file-score.ts';
import {
  asAnswer,
  asArray,
  asFields,
  asInteger,
  asString,
  asStrings,
  type Fields,
  type NamedText,
  parseJson,
  parseRecords,
  recordsOf,
  wrong,
} from './json.ts';
import { normalizePhrase } from './normalize.ts';

const SHAPES = {
  hotpotqa: {
    predictions: 'an object {"answer": {id: text}, "sp": {id: [[title, sentence number], …]}}, "sp" optional',
    gold: 'a list of {"_id", "answer", "supporting_facts": [[title, sentence number], …]}, ids unique',
  },
  '2wikimultihopqa': {
    predictions:
      'an object {"answer": {id: text}, "sp": {id: [[title, sentence number], …]}, ' +
      '"evidence": {id: [[subject, relation, object], …]}}, "sp" and "evidence" optional',
    gold:
      'a list of {"_id", "answer", "supporting_facts": [[title, sentence number], …], ' +
      '"evidences": [[subject, relation, object], …]} with optional "answer_id" and "evidences_id", ids unique',
  },
} as const;
const ALIASES_SHAPE = 'lines {"Q_id": id, "aliases": [text, …], "demonyms": [text, …]}';

type Fact = readonly [title: string, sentence: number];
type Triple = readonly [subject: string, relation: string, object: string];
type Aliases = ReadonlyMap<string, readonly string[]>;
type PartName = 'answer' | 'sp' | 'evidence';

/**
 * Scores a HotpotQA file as hotpot_evaluate_v1.py (fractions) or a 2WikiMultihopQA file as
 * 2wikimultihop_evaluate_v1.1.py (percent): answer (`em`, `f1`, `prec`, `recall`), supporting facts (`sp_*`),
 * evidence triples (`evi_*`, 2Wiki) and `joint_*`. Joint precision and recall are products over the parts.
 * A question without a prediction in one part scores 0 there and in the joint metrics.
 *
 * Kept as the scripts have them: 2Wiki compares titles in lower case but removes repeats before that, and its
 * evidence recall counts predicted triples over gold triples, so that two predicted aliases of one gold
 * triple give a recall above 1.
 *
 * DEVIATES: the scripts fail when a whole part is absent; here its metrics and the joint ones are left out.
 * @throws InputError on a broken or ill-shaped file.
 */
export function scoreHotpotFile(metric: 'hotpotqa' | '2wikimultihopqa', input: ScoreInput): FileScore {
  const wiki = metric === '2wikimultihopqa';
  const shape = SHAPES[metric];
  const gold = recordsOf(parseJson(input.gold, shape.gold), input.gold.name, shape.gold);
  const predicted = readPredictions(input.predictions, shape.predictions, wiki);
  const aliases = input.aliases === undefined ? new Map() : readAliases(input.aliases);
  const names = [...predicted.keys()];
  const joint = names.length === (wiki ? 3 : 2);

  const sums = { answer: zeroParts(), sp: zeroParts(), evidence: zeroParts(), joint: zeroParts() };
  const missing: Record<PartName, string[]> = { answer: [], sp: [], evidence: [] };
  const seen = new Set<string>();
  for (const { where, value } of gold) {
    const id = asString(value._id, `${where}: "_id"`, shape.gold);
    if (seen.has(id)) throw wrong(where, `duplicate id '${id}'`, shape.gold);
    seen.add(id);
    const parts: Parts[] = [];
    for (const name of names) {
      const part = predicted.get(name) ?? {};
      const at = `${input.predictions.name}: "${name}", id '${id}'`;
      const score = scorePart(name, Object.hasOwn(part, id) ? part[id] : undefined, value, {
        metric,
        aliases,
        at,
        where,
        predictionShape: shape.predictions,
        goldShape: shape.gold,
      });
      if (score === undefined) {
        missing[name].push(id);
        continue;
      }
      addParts(sums[name], score);
      parts.push(score);
    }
    if (joint && parts.length === names.length) addParts(sums.joint, jointParts(parts));
  }

  const scale = wiki ? 100 : 1;
  const named = (prefix: string, sum: Parts) => namedParts(prefix, sum, gold.length, scale);
  return {
    questions: gold.length,
    metrics: {
      ...named('', sums.answer),
      ...(predicted.has('sp') ? named('sp_', sums.sp) : {}),
      ...(predicted.has('evidence') ? named('evi_', sums.evidence) : {}),
      ...(joint ? named('joint_', sums.joint) : {}),
    },
    unit: wiki ? 'percent' : 'fraction',
    decimals: wiki ? 2 : null,
    counts: {},
    missing: Object.fromEntries(names.map((name) => [name, missing[name]])),
    unknown: [...new Set([...predicted.values()].flatMap((part) => Object.keys(part)))].filter(
      (id) => !seen.has(id),
    ),
    notes: joint
      ? []
      : [`no ${wiki ? 'sp or evidence' : 'sp'} predictions: answer metrics only, no joint metrics`],
  };
}

interface PartContext {
  readonly metric: 'hotpotqa' | '2wikimultihopqa';
  readonly aliases: Aliases;
  /** Where the prediction stands. */
  readonly at: string;
  /** Where the gold record stands. */
  readonly where: string;
  readonly predictionShape: string;
  readonly goldShape: string;
}

/** One part of one question; undefined without a prediction. The gold side is read, and refused, first. */
function scorePart(
  name: PartName,
  prediction: unknown,
  gold: Fields,
  context: PartContext,
): Parts | undefined {
  const { metric, aliases, at, where, predictionShape, goldShape } = context;
  if (name === 'answer') {
    const golds = goldAnswers(gold, where, goldShape, aliases);
    if (prediction === undefined) return undefined;
    const score = scoreAnswer(metric, asString(prediction, at, predictionShape), golds);
    return { em: score.em, f1: score.f1, prec: score.precision, recall: score.recall };
  }
  if (name === 'sp') {
    const facts = asFacts(gold.supporting_facts, `${where}: "supporting_facts"`, goldShape);
    if (prediction === undefined) return undefined;
    return scoreFacts(asFacts(prediction, at, predictionShape), facts, metric === '2wikimultihopqa');
  }
  const evidence = goldEvidence(gold, where, goldShape, aliases);
  if (prediction === undefined) return undefined;
  return scoreEvidence(asTriples(prediction, at, predictionShape), evidence);
}

/** `update_sp`: repeats are removed first and titles lower-cased, where they are, after that. */
function scoreFacts(predicted: readonly Fact[], gold: readonly Fact[], lowerCase: boolean): Parts {
  const keys = (facts: readonly Fact[]): string[] => {
    const unique = [...new Set(facts.map((fact) => JSON.stringify(fact)))];
    return lowerCase ? unique.map((key) => key.toLowerCase()) : unique;
  };
  const predictedKeys = keys(predicted);
  const goldKeys = keys(gold);
  const [inPredicted, inGold] = [new Set(predictedKeys), new Set(goldKeys)];
  const right = predictedKeys.filter((key) => inGold.has(key)).length;
  const forgotten = goldKeys.filter((key) => !inPredicted.has(key)).length;
  const prec = predictedKeys.length > 0 ? right / predictedKeys.length : 0;
  const recall = right + forgotten > 0 ? right / (right + forgotten) : 0;
  const em = right === predictedKeys.length && forgotten === 0 ? 1 : 0;
  return { em, f1: harmonicMean(prec, recall), prec, recall };
}

/** `update_evi`: each gold triple is the set of its alias variants. */
function scoreEvidence(predicted: readonly Triple[], gold: readonly (readonly Triple[])[]): Parts {
  const key = (triple: Triple): string => JSON.stringify(triple.map(normalizePhrase));
  const predictedKeys = new Set(predicted.map(key));
  const goldKeys = new Set(gold.flatMap((variants) => variants.map(key)));
  const right = [...predictedKeys].filter((triple) => goldKeys.has(triple)).length;
  const prec = predictedKeys.size > 0 ? right / predictedKeys.size : 0;
  const recall = gold.length > 0 ? right / gold.length : 0;
  const em = right === predictedKeys.size && right === gold.length ? 1 : 0;
  return { em, f1: harmonicMean(prec, recall), prec, recall };
}

function jointParts(parts: readonly Parts[]): Parts {
  const product = (key: keyof Parts): number => parts.reduce((value, part) => value * part[key], 1);
  const [prec, recall] = [product('prec'), product('recall')];
  return { em: product('em'), f1: harmonicMean(prec, recall), prec, recall };
}

function readPredictions(file: NamedText, expected: string, wiki: boolean): Map<PartName, Fields> {
  const value = asFields(parseJson(file, expected, true), file.name, expected);
  const parts = new Map([['answer' as PartName, asFields(value.answer, `${file.name}: "answer"`, expected)]]);
  for (const name of wiki ? (['sp', 'evidence'] as const) : (['sp'] as const)) {
    if (value[name] !== undefined)
      parts.set(name, asFields(value[name], `${file.name}: "${name}"`, expected));
  }
  return parts;
}

/** Of an id that occurs twice the last line counts, as in the script. */
function readAliases(file: NamedText): Aliases {
  const texts = (value: unknown, where: string) => asStrings(value, where, ALIASES_SHAPE);
  return new Map(
    parseRecords(file, ALIASES_SHAPE).map(({ where, value }) => [
      asString(value.Q_id, `${where}: "Q_id"`, ALIASES_SHAPE),
      [...texts(value.aliases, `${where}: "aliases"`), ...texts(value.demonyms, `${where}: "demonyms"`)],
    ]),
  );
}

function goldAnswers(gold: Fields, where: string, expected: string, aliases: Aliases): readonly string[] {
  const answer = asAnswer(gold.answer, `${where}: "answer"`, expected);
  return typeof gold.answer_id === 'string' ? [answer, ...(aliases.get(gold.answer_id) ?? [])] : [answer];
}

function goldEvidence(gold: Fields, where: string, expected: string, aliases: Aliases): readonly Triple[][] {
  const triples = asTriples(gold.evidences, `${where}: "evidences"`, expected);
  const ids =
    gold.evidences_id === undefined ? [] : asTriples(gold.evidences_id, `${where}: "evidences_id"`, expected);
  if (ids.length !== 0 && ids.length !== triples.length) {
    throw wrong(where, `${ids.length} "evidences_id" for ${triples.length} "evidences"`, expected);
  }
  return triples.map(([subject, relation, object], index) => {
    const [subjectId, , objectId] = ids[index] ?? [];
    const variants = (text: string, id: string | undefined) => [text, ...(aliases.get(id ?? '') ?? [])];
    return variants(subject, subjectId).flatMap((s) =>
      variants(object, objectId).map((o): Triple => [s, relation, o]),
    );
  });
}

function asFacts(value: unknown, where: string, expected: string): readonly Fact[] {
  return asArray(value, where, expected).map((item, index) => {
    const at = `${where}, entry ${index}`;
    const fact = asArray(item, at, expected);
    if (fact.length !== 2) throw wrong(at, `${fact.length} values where 2 belong`, expected);
    return [asString(fact[0], at, expected), asInteger(fact[1], at, expected)];
  });
}

function asTriples(value: unknown, where: string, expected: string): readonly Triple[] {
  return asArray(value, where, expected).map((item, index) => {
    const at = `${where}, entry ${index}`;
    const [subject, relation, object, ...more] = asStrings(item, at, expected);
    if (subject === undefined || relation === undefined || object === undefined || more.length > 0) {
      throw wrong(at, 'not three values', expected);
    }
    return [subject, relation, object];
  });
}
