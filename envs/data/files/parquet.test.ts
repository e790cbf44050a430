import { describe, expect, it } from 'vitest';
import { InputError } from '../../../core/errors.ts';
import { load, temporaryFiles } from '../files.test-helper.ts';
import { int64, list, parquet, struct, text } from './parquet.test-helper.ts';

const file = temporaryFiles();
const PROMPT = list('prompt', struct('element', text('role'), text('content')));

const SEARCH_R1 = [
  text('id'),
  text('question'),
  list('golden_answers', text('element')),
  text('data_source'),
  PROMPT,
  struct('reward_model', text('style'), struct('ground_truth', list('target', text('element')))),
  struct('extra_info', int64('index'), text('split')),
];

function searchR1Row(source: string, index: bigint, question: string, target: string[]) {
  return {
    id: `train_${index}`,
    question,
    golden_answers: target,
    data_source: source,
    prompt: [{ role: 'user', content: `Answer the question. Question: ${question}` }],
    reward_model: { style: 'rule', ground_truth: { target } },
    extra_info: { index, split: 'train' },
  };
}

const ROWS = [
  searchR1Row('nq', 0n, 'who built the mill?', ['Ida Grau', 'Grau']),
  searchR1Row('hotpotqa', 0n, 'Which town has a mill?', ['Velmora']),
  searchR1Row('nq', 1n, 'where is Mold?', ['Tarvia']),
];

describe('search-r1', () => {
  it("reads Search-R1's files over row groups; the data source keeps ids apart", async () => {
    const records = await load(file('search-r1.parquet', parquet(SEARCH_R1, ROWS, 2)));
    expect(records.map(({ id, kind, at, answers }) => [id, kind, at, answers])).toEqual([
      ['nq_train_0', 'nq', 'row 1', ['Ida Grau', 'Grau']],
      ['hotpotqa_train_0', 'hotpotqa', 'row 2', ['Velmora']],
      ['nq_train_1', 'nq', 'row 3', ['Tarvia']],
    ]);
    expect(records[0]).toMatchObject({ question: 'who built the mill?', paragraphs: [], hops: undefined });
  });

  it('takes the split and the index, which is INT64, where there is no id', async () => {
    const rows = ROWS.map((row, i) => ({ ...row, id: null, extra_info: { index: BigInt(i), split: 'x' } }));
    const records = await load(file('index.parquet', parquet(SEARCH_R1, rows)));
    expect(records.map(({ id }) => id)).toEqual(['nq_x_0', 'hotpotqa_x_1', 'nq_x_2']);
    expect(records[0]!.missing).toEqual(['metadata']);
  });

  it("reads the metadata of FlashRAG's columns", async () => {
    const metadata = struct(
      'metadata',
      text('type'),
      struct('supporting_facts', list('title', text('element'))),
      struct('context', list('title', text('element')), list('sentences', list('element', text('element')))),
    );
    const row = {
      ...ROWS[1],
      metadata: {
        type: 'bridge',
        supporting_facts: { title: ['Velmora', 'Velmora'] },
        context: { title: ['Velmora', 'Mold'], sentences: [['A town.', ' A mill.'], ['A capital.']] },
      },
    };
    const [record] = await load(file('metadata.parquet', parquet([...SEARCH_R1, metadata], [row])));
    expect(record).toMatchObject({ kind: 'hotpotqa', hops: 1 });
    expect(record!.paragraphs).toEqual([
      { title: 'Velmora', text: 'A town. A mill.', gold: true },
      { title: 'Mold', text: 'A capital.', gold: false },
    ]);
  });

  it('reads the Agentic-RAG variant: the list in extra_info.answer', async () => {
    const columns = [
      text('data_source'),
      PROMPT,
      struct('reward_model', text('style'), text('ground_truth')),
      struct('extra_info', list('answer', text('element')), int64('index'), text('question')),
    ];
    const row = {
      data_source: 'nq',
      prompt: [{ role: 'user', content: 'Long instructions' }],
      reward_model: { style: 'rule', ground_truth: 'Grau, Ida, Ulla' },
      extra_info: { answer: ['Grau, Ida', 'Ulla'], index: 12n, question: 'who built it' },
    };
    const records = await load(file('agentic.parquet', parquet(columns, [row])));
    expect(records).toMatchObject([
      { id: 'nq_12', question: 'who built it', answers: ['Grau, Ida', 'Ulla'] },
    ]);
  });

  it('reads the DeepResearcher variant: answers split, the question from the prompt', async () => {
    const columns = [
      text('data_source'),
      PROMPT,
      struct('reward_model', text('style'), text('ground_truth')),
      struct('extra_info', text('index'), text('split')),
    ];
    const prompt = [
      { role: 'system', content: 'You search.' },
      { role: 'user', content: 'Who built the mill?' },
    ];
    const row = (index: string, truth: string) => ({
      data_source: '2wiki',
      prompt,
      reward_model: { style: 'unknown', ground_truth: truth },
      extra_info: { index, split: 'dev' },
    });
    const path = file(
      'deep.parquet',
      parquet(columns, [
        row('2wiki_a', 'Ida Grau<|answer_split|>Grau<|answer_split|>'),
        row('2wiki_b', 'Ulla'),
      ]),
    );
    expect(await load(path)).toMatchObject([
      { id: '2wiki_a', question: 'Who built the mill?', answers: ['Ida Grau', 'Grau'], kind: '2wiki' },
      { id: '2wiki_b', answers: ['Ulla'] },
    ]);
  });

  const prompted = (content: string, rest: object = {}) => {
    const row = {
      data_source: 'nq',
      prompt: [{ role: 'user', content }],
      reward_model: { ground_truth: { target: ['Grau'] } },
      extra_info: { index: 3, split: 'test' },
      ...rest,
    };
    return load(file('prompted.jsonl', JSON.stringify(row)));
  };
  const INSTRUCTIONS = 'Think in <think> and </think>; for example, <answer> Mold </answer>.';

  it.each([
    ['who built it?', 'who built it?'],
    [' as it is ', ' as it is '],
    [`${INSTRUCTIONS} Question: who built it?\n`, 'who built it?'],
    [`Question: an example\n${INSTRUCTIONS}\nQuestion:\nwho built it?`, 'who built it?'],
  ])('finds the question in the prompt %j', async (content, question) => {
    expect(await prompted(content)).toMatchObject([{ id: 'nq_test_3', question, missing: ['metadata'] }]);
  });

  it('refuses instructions where the question cannot be found', async () => {
    const where = /^.*prompted\.jsonl, line 1: prompt\[0\]\.content: /.source;
    const refused = async (content: string, what: RegExp) => {
      const promise = prompted(content);
      await expect(promise).rejects.toThrow(InputError);
      await expect(promise).rejects.toThrow(new RegExp(where + what.source));
    };
    await refused(
      `${INSTRUCTIONS} who built it?`,
      /instructions \(they contain <think>\) without 'Question:'/,
    );
    await refused('Use </search>. who?', /instructions \(they contain <\/search>\)/);
    await refused(`${INSTRUCTIONS} Question: \n`, /nothing after the last 'Question:'/);
    await refused(`Question: who? ${INSTRUCTIONS}`, /<think> after the last 'Question:'/);
    expect(await prompted(INSTRUCTIONS, { question: 'who?' })).toMatchObject([{ question: 'who?' }]);
  });

  it('reads a ground truth that is a list, and golden answers where there is none', async () => {
    const line = (index: number, rest: string) =>
      `{"data_source": "nq", "question": "q", "extra_info": {"index": ${index}}, ${rest}}`;
    const path = file(
      'mixed.jsonl',
      [
        line(1, '"reward_model": {"ground_truth": ["a", "b"]}'),
        line(2, '"reward_model": {"ground_truth": {}}, "golden_answers": ["c"]'),
        line(3, '"reward_model": {"style": "rule"}, "golden_answers": ["d"]'),
      ].join('\n'),
    );
    expect((await load(path)).map(({ answers }) => answers)).toEqual([['a', 'b'], ['c'], ['d']]);
  });
});

describe('other formats as Parquet', () => {
  it("reads HotpotQA's columns of the Hub", async () => {
    const columns = [
      ...['id', 'question', 'answer', 'type', 'level'].map((name) => text(name)),
      struct('supporting_facts', list('title', text('element'))),
      struct('context', list('title', text('element')), list('sentences', list('element', text('element')))),
    ];
    const row = {
      ...{ id: 'a', question: 'Who?', answer: 'Ida', type: 'bridge', level: 'easy' },
      supporting_facts: { title: ['Mold'] },
      context: { title: ['Mold'], sentences: [['By Ida.']] },
    };
    const records = await load(file('hub.parquet', parquet(columns, [row])));
    expect(records).toMatchObject([
      { id: 'a', answers: ['Ida'], paragraphs: [{ text: 'By Ida.', gold: true }] },
    ]);
  });
});

describe('broken Parquet', () => {
  const good = Buffer.from(parquet(SEARCH_R1, ROWS, 2));

  it('names an unknown column, a cut file and a text file', async () => {
    const other = file('other.parquet', parquet([text('a\u001bb')], [{ 'a\u001bb': 'x' }]));
    await expect(load(other)).rejects.toThrow(
      /other\.parquet: no known column \(columns: "ab"\); valid: _id, id,/,
    );
    await expect(load(file('cut.parquet', good.subarray(0, 300)))).rejects.toThrow(
      /cut\.parquet: broken Parquet: it does not end with 'PAR1'/,
    );
    await expect(load(file('short.parquet', 'PAR1'))).rejects.toThrow(
      /broken Parquet: the file is too short/,
    );
  });

  it('refuses invalid UTF-8 instead of changing it', async () => {
    const bytes = Buffer.from(good);
    // Both texts are in pages of their own that Snappy leaves as they are.
    for (let at = bytes.indexOf('Velmora'); at !== -1; at = bytes.indexOf('Velmora', at + 1))
      bytes[at] = 0xff;
    await expect(load(file('utf8.parquet', bytes))).rejects.toThrow(
      /row group 1: broken Parquet: .*encoded data/,
    );
  });

  it('refuses footers that claim absurd sizes, at once', async () => {
    const footer = (...bytes: number[]) => {
      const length = Buffer.alloc(4);
      length.writeUInt32LE(bytes.length);
      return Buffer.concat([Buffer.from('PAR1'), Buffer.from(bytes), length, Buffer.from('PAR1')]);
    };
    const billion = [0xff, 0xff, 0xff, 0xff, 0x07];
    // Field 2, the schema: a list of structs.
    const lists = load(file('list.parquet', footer(0x29, 0xfc, ...billion, 0)));
    await expect(lists).rejects.toThrow(/metadata list 2147483647; valid: 0 to/);
    const name = load(file('name.parquet', footer(0x28, ...billion, 0)));
    await expect(name).rejects.toThrow(/metadata text 2147483647; valid: 0 to/);
    const number = load(file('number.parquet', footer(0x26, ...new Array(11).fill(0xff), 0)));
    await expect(number).rejects.toThrow(/a metadata number of more than 10 bytes/);
    const deep = load(file('deep-footer.parquet', footer(...new Array(200).fill(0x1c), 0)));
    await expect(deep).rejects.toThrow(/metadata more than 32 levels deep/);
    const whole = footer(0);
    whole.writeUInt32LE(0xfffffff0, whole.length - 8);
    await expect(load(file('whole.parquet', whole))).rejects.toThrow(/the footer claims 4294967280 bytes/);
  });

  it('refuses pages and row groups that claim absurd sizes', async () => {
    // A page begins with field 1, its type (0: data page), then field 2, its size: both zigzag INT32.
    const at = good.indexOf(Buffer.from([0x15, 0x00, 0x15]));
    expect(at).toBeGreaterThan(0);
    const bytes = Buffer.from(good);
    // The size grows over the bytes that follow: still a number, but no longer the page's.
    bytes.fill(0xff, at + 3, at + 7);
    bytes[at + 7] = 0x0f;
    await expect(load(file('page.parquet', bytes))).rejects.toThrow(/broken Parquet: /);
  });
});
