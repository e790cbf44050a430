import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { InputError } from '../../core/errors.ts';
import { FILE_METRICS, type FileMetric, scoreFiles, scoreTexts } from './files.ts';
import golden from './golden/official.json' with { type: 'json' };

const lines = (records: readonly unknown[]): string =>
  records.map((record) => JSON.stringify(record)).join('\n');
const text = (metric: string, value: unknown): string =>
  metric === 'musique' ? lines(value as unknown[]) : JSON.stringify(value);

function score(metric: FileMetric, predictions: unknown, gold: unknown, aliases?: readonly unknown[]) {
  return scoreTexts(metric, {
    predictions: { name: 'predictions.json', text: text(metric, predictions) },
    gold: { name: 'gold.json', text: text(metric, gold) },
    ...(aliases === undefined ? {} : { aliases: { name: 'aliases.json', text: lines(aliases) } }),
  });
}

describe('the official scores of synthetic files', () => {
  it.each(golden.cases.map((one, index) => [index, one.metric, one] as const))(
    'case %d, %s',
    (_, name, one) => {
      const metric = name as FileMetric;
      const result = score(metric, one.predictions, one.gold, 'aliases' in one ? one.aliases : undefined);
      const half = { '2wikimultihopqa': 0.005, musique: 0.0005 }[metric as string] ?? 0;
      expect(Object.keys(result.metrics)).toEqual(Object.keys(one.official));
      for (const [key, expected] of Object.entries(one.official)) {
        expect(Math.abs(result.metrics[key]! - expected), key).toBeLessThanOrEqual(half + 1e-12);
      }
    },
  );

  it('covers every metric', () => {
    expect(new Set(golden.cases.map((one) => one.metric))).toEqual(new Set(FILE_METRICS));
  });
});

const hotpotGold = [
  {
    _id: 'a',
    answer: 'Paris',
    supporting_facts: [
      ['Paris', 0],
      ['France', 1],
    ],
  },
  { _id: 'b', answer: 'yes', supporting_facts: [['Lyon', 0]] },
] as const;

describe('HotpotQA', () => {
  it('multiplies precision and recall of answer and facts', () => {
    const result = score(
      'hotpotqa',
      {
        answer: { a: 'Paris France', b: 'yes' },
        sp: {
          a: [
            ['Paris', 0],
            ['Paris', 0],
          ],
          b: [['Lyon', 0]],
        },
      },
      hotpotGold,
    );
    // a: answer P 1/2, R 1; facts P 1, R 1/2; joint P = R = 1/2. b: everything 1.
    expect(result.metrics).toEqual({
      em: 0.5,
      f1: (2 / 3 + 1) / 2,
      prec: 0.75,
      recall: 1,
      sp_em: 0.5,
      sp_f1: (2 / 3 + 1) / 2,
      sp_prec: 1,
      sp_recall: 0.75,
      joint_em: 0.5,
      joint_f1: 0.75,
      joint_prec: 0.75,
      joint_recall: 0.75,
    });
  });

  it('counts missing predictions as 0 and reports them', () => {
    const result = score(
      'hotpotqa',
      { answer: { a: 'Paris', z: 'x' }, sp: { b: [['Lyon', 0]] } },
      hotpotGold,
    );
    expect(result.metrics).toMatchObject({ em: 0.5, sp_em: 0.5, joint_em: 0 });
    expect(result.missing).toEqual({ answer: ['b'], sp: ['a'] });
    expect(result.unknown).toEqual(['z']);
  });

  it('does not take properties of Object for predictions', () => {
    const gold = [{ ...hotpotGold[0], _id: 'constructor' }];
    expect(score('hotpotqa', { answer: {} }, gold).missing).toEqual({ answer: ['constructor'] });
  });

  it('leaves facts and joint metrics out when no facts were predicted', () => {
    const result = score('hotpotqa', { answer: { a: 'Paris', b: 'no' } }, hotpotGold);
    expect(result.metrics).toEqual({ em: 0.5, f1: 0.5, prec: 0.5, recall: 0.5 });
    expect(result.notes).toHaveLength(1);
  });
});

describe('2WikiMultihopQA', () => {
  const gold = [
    {
      _id: 'a',
      answer: 'United States',
      answer_id: 'Q30',
      supporting_facts: [['Bob', 0]],
      evidences: [['Bob', 'country', 'United States']],
      evidences_id: [['Q1', 'country', 'Q30']],
    },
  ];
  const predictions = {
    answer: { a: 'USA' },
    sp: { a: [['bob', 0]] },
    evidence: { a: [['bob', 'country', 'U.S.A.']] },
  };

  it('knows aliases of answers and evidence, and ignores the case of titles', () => {
    const result = score('2wikimultihopqa', predictions, gold, [
      { Q_id: 'Q30', aliases: ['USA'], demonyms: ['American'] },
    ]);
    expect(result.metrics).toMatchObject({ em: 100, sp_em: 100, evi_em: 100, joint_em: 100, joint_f1: 100 });
    expect(result).toMatchObject({ unit: 'percent', decimals: 2 });
  });

  it('has one gold without the alias file', () => {
    expect(score('2wikimultihopqa', predictions, gold).metrics).toMatchObject({
      em: 0,
      sp_em: 100,
      evi_em: 0,
    });
  });

  it('keeps the recall above 1 of the script when two aliases of one triple are predicted', () => {
    const evidence = {
      a: [
        ['bob', 'country', 'USA'],
        ['bob', 'country', 'United States'],
      ],
    };
    const result = score('2wikimultihopqa', { ...predictions, evidence }, gold, [
      { Q_id: 'Q30', aliases: ['USA'], demonyms: [] },
    ]);
    expect(result.metrics).toMatchObject({ evi_em: 0, evi_prec: 100, evi_recall: 200 });
  });
});

describe('SQuAD', () => {
  const file = (version: string, qas: readonly unknown[]) => ({ version, data: [{ paragraphs: [{ qas }] }] });
  const answered = { id: 'q', answers: [{ text: 'Paris' }, { text: 'the city of Paris' }] };
  const unanswerable = { id: 'n', answers: [] };

  it('takes the best gold, in percent', () => {
    expect(score('squad-v1.1', { q: 'city Paris' }, file('1.1', [answered])).metrics).toEqual({
      exact_match: 0,
      f1: 80,
    });
  });

  it('breaks v2 down, counting missing predictions as 0', () => {
    const result = score('squad-v2', { n: '' }, file('v2.0', [answered, unanswerable]));
    expect(result.metrics).toEqual({
      exact: 50,
      f1: 50,
      HasAns_exact: 0,
      HasAns_f1: 0,
      NoAns_exact: 100,
      NoAns_f1: 100,
    });
    expect(result.counts).toEqual({ HasAns: 1, NoAns: 1 });
    expect(result.missing).toEqual({ answer: ['q'] });
  });

  it('notes another version and refuses unanswerable questions in v1.1', () => {
    expect(score('squad-v1.1', { q: '' }, file('v2.0', [answered])).notes[0]).toMatch(/version "v2.0"/);
    expect(() => score('squad-v1.1', { n: '' }, file('1.1', [unanswerable]))).toThrow(/only squad-v2/);
  });
});

describe('MuSiQue', () => {
  const one = (id: string, answerable: boolean) => ({
    id,
    answer: 'Stan Hall',
    answer_aliases: ['Stanley Hall'],
    answerable,
    paragraphs: [
      { idx: 3, is_supporting: true },
      { idx: 5, is_supporting: false },
    ],
  });
  const predicted = (id: string, answer: string, answerable: boolean, idxs = [3]) => ({
    id,
    predicted_answer: answer,
    predicted_support_idxs: idxs,
    predicted_answerable: answerable,
  });

  it('scores aliases and support of the answerable set', () => {
    const result = score('musique', [predicted('x', 'Stanley Hall', true, [3, 5])], [one('x', true)]);
    expect(result.metrics).toEqual({ answer_f1: 1, answer_em: 1, support_f1: 2 / 3 });
  });

  it('credits a pair of the full set only when both answerability predictions are right', () => {
    const gold = [one('x', true), one('y', false), one('x', false), one('y', true)];
    const result = score(
      'musique',
      [
        predicted('x', 'Stan Hall', true),
        predicted('y', '', true),
        predicted('x', 'wrong', false),
        predicted('y', 'Stan Hall', true),
      ],
      gold,
    );
    expect(result.metrics).toEqual({
      answer_f1: 1,
      answer_em: 1,
      support_f1: 1,
      group_answer_sufficiency_f1: 0.5,
      group_support_sufficiency_f1: 0.5,
    });
    expect(result.counts).toEqual({ answerable: 2, unanswerable: 2 });
  });

  it('counts half a pair as missing', () => {
    const gold = [one('x', true), one('x', false), one('y', true), one('y', false)];
    const result = score(
      'musique',
      [predicted('x', 'Stan Hall', true), predicted('y', 'Stan Hall', true), predicted('y', '', false)],
      gold,
    );
    expect(result.missing).toEqual({ answer: ['x'] });
    expect(result.metrics).toMatchObject({ answer_em: 0.5, group_answer_sufficiency_f1: 0.5 });
  });

  it('gives 1 for an empty support set that is right', () => {
    const gold = { ...one('x', true), paragraphs: [{ idx: 3, is_supporting: false }] };
    expect(score('musique', [predicted('x', '', true, [])], [gold]).metrics).toMatchObject({ support_f1: 1 });
  });

  it('leaves support out when no line has it', () => {
    const { predicted_support_idxs: _, ...bare } = predicted('x', 'Hall', true);
    expect(Object.keys(score('musique', [bare], [one('x', true)]).metrics)).toEqual([
      'answer_f1',
      'answer_em',
    ]);
  });
});

describe('files on disk', () => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'creditbench-score-'));
    writeFileSync(join(folder, 'gold.json'), `\ufeff${JSON.stringify(hotpotGold)}`);
    writeFileSync(join(folder, 'predictions.json'), '{"answer": {"a": "Paris", "b": "yes"}}');
    writeFileSync(join(folder, 'latin1.json'), Buffer.from([0x7b, 0xe9, 0x7d]));
  });
  afterAll(() => rmSync(folder, { recursive: true }));
  const paths = (predictions: string) => ({
    predictions: join(folder, predictions),
    gold: join(folder, 'gold.json'),
  });

  it('are read, byte order mark or not', async () => {
    expect((await scoreFiles('hotpotqa', paths('predictions.json'))).metrics.em).toBe(1);
  });

  it('are refused when absent, a folder or not UTF-8', async () => {
    await expect(scoreFiles('hotpotqa', paths('none.json'))).rejects.toThrow(
      /none.json: cannot be read \(no such file\)/,
    );
    await expect(scoreFiles('hotpotqa', paths('.'))).rejects.toThrow(/\(a folder\)/);
    await expect(scoreFiles('hotpotqa', paths('latin1.json'))).rejects.toThrow(/\(not UTF-8\)/);
    await expect(scoreFiles('hotpotqa', paths('none.json'))).rejects.toThrow(InputError);
  });

  it('need a known metric', async () => {
    await expect(scoreFiles('igpo' as FileMetric, paths('none.json'))).rejects.toThrow(
      /'igpo'; valid: hotpotqa, /,
    );
    expect(() => score('igpo' as FileMetric, {}, [])).toThrow(InputError);
  });
});

const shared = new URL('../../../shared/data/', import.meta.url);
describe.skipIf(!existsSync(shared))('real gold files (skipped without the shared data)', () => {
  it('HotpotQA against itself is perfect', () => {
    const gold = JSON.parse(readFileSync(new URL('hotpotqa/questions.json', shared), 'utf8')) as {
      _id: string;
      answer: string;
      supporting_facts: unknown;
    }[];
    const answer = Object.fromEntries(gold.map((question) => [question._id, question.answer]));
    const sp = Object.fromEntries(gold.map((question) => [question._id, question.supporting_facts]));
    const { metrics, questions } = score('hotpotqa', { answer, sp }, gold);
    expect(questions).toBe(100);
    expect(new Set(Object.values(metrics))).toEqual(new Set([1]));
  });

  it('MuSiQue against itself is perfect, as an array too', () => {
    const source = readFileSync(new URL('musique/questions.json', shared), 'utf8');
    const gold = JSON.parse(source) as {
      id: string;
      answer: string;
      paragraphs: { idx: number; is_supporting: boolean }[];
    }[];
    const predictions = gold.map((question) => ({
      id: question.id,
      predicted_answer: question.answer,
      predicted_support_idxs: question.paragraphs.filter((one) => one.is_supporting).map((one) => one.idx),
    }));
    const result = scoreTexts('musique', {
      predictions: { name: 'predictions', text: lines(predictions) },
      gold: { name: 'gold', text: source },
    });
    expect(result.metrics).toEqual({ answer_f1: 1, answer_em: 1, support_f1: 1 });
  });
});
