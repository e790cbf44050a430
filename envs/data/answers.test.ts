import { describe, expect, it } from 'vitest';
import { InputError } from '../../core/errors.ts';
import { answerList } from './answers.ts';
import { parquet, struct, text } from './files/parquet.test-helper.ts';
import { load, temporaryFiles } from './files.test-helper.ts';

const file = temporaryFiles();
const context = { where: 'f.jsonl, line 3', expected: 'a row' };
const read = (value: unknown) => answerList(value, 'answer', context);

describe('answerList', () => {
  it.each<[unknown, readonly string[]]>([
    [undefined, []],
    [null, []],
    ['', []],
    ['Lima', ['Lima']],
    [
      ['a', ' ', null, 'b'],
      ['a', 'b'],
    ],
    [{ target: ['a', 'b'] }, ['a', 'b']],
    [{ target: 'a' }, ['a']],
    [{}, []],
    ['["a", "b"]', ['a', 'b']],
    [' ["a", null, ""]\n', ['a']],
    ['[]', []],
    ['{"target": ["a", "b"]}', ['a', 'b']],
    ['{"target": "a"}', ['a']],
    ['{"target": "[\\"a\\"]"}', ['a']],
    [{ target: '["a", "b"]' }, ['a', 'b']],
    [
      ['["a", "b"]', 'c'],
      ['a', 'b', 'c'],
    ],
    // Brackets of an answer's own, and what a list says it is.
    ['[citation] needed', ['[citation] needed']],
    ['{x | x > 1}', ['{x | x > 1}']],
    [
      ['[1, 2]', '{"a": 1}'],
      ['[1, 2]', '{"a": 1}'],
    ],
    ['"Heroes"', ['"Heroes"']],
    ['1945', ['1945']],
    ['null', ['null']],
  ])('reads %j', (value, answers) => {
    expect(read(value)).toEqual(answers);
  });

  it('refuses targets in targets, however deep', () => {
    const deep = JSON.parse(`${'{"target":'.repeat(200_000)}1${'}'.repeat(200_000)}`);
    expect(() => read(deep)).toThrow(/answer\.target: an object where a list belongs/);
  });

  it.each<[unknown, RegExp]>([
    ["['a', 'b']", /answer: "\['a', 'b'\]" may be a list or one answer .*; expected a row$/],
    [["['a' 'b']"], /may be a list or one answer/],
    ["{'target': ['a']}", /may be a list or one answer/],
    ['["a", "b"', /may be a list or one answer/],
    ['[1, 2]', /may be a list or one answer/],
    ['["a", 1]', /may be a list or one answer/],
    ['[["a"], ["b"]]', /may be a list or one answer/],
    ['{"answer": "a"}', /may be a list or one answer/],
    [{ target: "['a']" }, /answer\.target: "\['a'\]" may be/],
    [{ answer: 'a' }, /answer: an object without target; expected a row$/],
    [[1], /answer\[0\]: 1 where a string belongs/],
    [5, /answer: 5 where a list belongs/],
  ])('refuses %j', (value, message) => {
    const call = () => read(value);
    expect(call).toThrow(InputError);
    expect(call).toThrow(/^f\.jsonl, line 3: /);
    expect(call).toThrow(message);
  });
});

describe('lists packed into JSON text are read in every format', () => {
  const packed = '["a", "b"]';
  const context = { context: [], supporting_facts: [], evidences: [] };
  const paragraphs = [{ title: 't', paragraph_text: 'p', is_supporting: true }];
  const rewarded = { data_source: 'nq', question: 'q', extra_info: { index: 0 } };
  it.each<[string, object, readonly string[]]>([
    ['flashrag', { id: '1', question: 'q', golden_answers: packed }, ['a', 'b']],
    ['bamboogle', { idx: 1, question: 'q', answer: packed }, ['a', 'b']],
    ['2wikimultihopqa', { id: '1', question: 'q', answer: packed, ...context }, ['a', 'b']],
    ['hotpotqa', { id: '1', question: 'q', answer: packed, context: [] }, ['a', 'b']],
    ['musique', { id: '1', question: 'q', answer: 'a', answer_aliases: '["c"]', paragraphs }, ['a', 'c']],
    [
      'musique',
      { id: '1', question: 'q', answer: packed, answer_aliases: ['c'], paragraphs },
      ['a', 'b', 'c'],
    ],
    ['search-r1', { ...rewarded, reward_model: { ground_truth: packed } }, ['a', 'b']],
    ['search-r1', { ...rewarded, reward_model: { ground_truth: { target: packed } } }, ['a', 'b']],
    ['search-r1', { ...rewarded, reward_model: {}, golden_answers: packed }, ['a', 'b']],
    [
      'search-r1',
      { ...rewarded, reward_model: { ground_truth: 'a, b' }, extra_info: { index: 0, answer: packed } },
      ['a', 'b'],
    ],
    ['search-r1', { ...rewarded, reward_model: { ground_truth: '["a<|answer_split|>b"]' } }, ['a', 'b']],
  ])('%s: %j', async (format, row, answers) => {
    const path = file('packed.jsonl', JSON.stringify(row));
    expect(await load(path, { format: format as 'flashrag' })).toMatchObject([{ answers }]);
  });

  it('in Parquet files of verl', async () => {
    const columns = [
      text('data_source'),
      text('question'),
      struct('reward_model', text('style'), text('ground_truth')),
      struct('extra_info', text('index')),
    ];
    const row = {
      data_source: 'nq',
      question: 'who?',
      reward_model: { style: 'rule', ground_truth: '{"target": ["a", "b"]}' },
      extra_info: { index: '0' },
    };
    const good = file('packed.parquet', parquet(columns, [row]));
    expect(await load(good)).toMatchObject([{ answers: ['a', 'b'] }]);
    const broken = { ...row, reward_model: { style: 'rule', ground_truth: "{'target': ['a', 'b']}" } };
    await expect(load(file('repr.parquet', parquet(columns, [broken])))).rejects.toThrow(
      /repr\.parquet, row 1: reward_model\.ground_truth: "\{'target': \['a', 'b'\]\}" may be a list/,
    );
  });

  it('in CSV', async () => {
    const path = file('packed.csv', 'Question,Answer\nq,"[""a"", ""b""]"\n');
    expect(await load(path)).toMatchObject([{ answers: ['a', 'b'] }]);
  });
});
