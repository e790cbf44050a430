import { describe, expect, it } from 'vitest';
import { fixture, load, temporaryFiles } from './files.test-helper.ts';
import { unquoted } from './formats/flashrag.ts';
import { openQuestions } from './open-questions.ts';

const file = temporaryFiles();

describe('formats are told apart', () => {
  it.each([
    ['hotpotqa.json', 'hotpotqa'],
    ['hotpotqa-hub.jsonl', 'hotpotqa'],
    ['hotpotqa-test.jsonl', 'hotpotqa'],
    ['2wikimultihopqa.json', '2wikimultihopqa'],
    ['2wikimultihopqa-text.jsonl', '2wikimultihopqa'],
    ['musique.jsonl', 'musique'],
    ['musique.json', 'musique'],
    ['bamboogle.csv', 'bamboogle'],
    ['bamboogle.jsonl', 'bamboogle'],
    ['flashrag-hotpotqa.jsonl', 'flashrag'],
    ['flashrag-triviaqa.jsonl', 'flashrag'],
  ])('%s is %s', async (name, format) => {
    expect((await openQuestions(fixture(name))).format).toBe(format);
  });
});

describe('hotpotqa', () => {
  it('reads the native layout: sentences carry their space, gold titles are taken once', async () => {
    const [bridge, comparison] = await load(fixture('hotpotqa.json'));
    expect(bridge).toEqual({
      id: 'h1',
      question: 'Who built the bridge near Velmora?',
      answers: ['Anna Toll'],
      kind: 'bridge',
      hops: 2,
      answerable: true,
      paragraphs: [
        { title: 'Velmora', text: 'Velmora is a town on the river Ister. It has a mill.', gold: true },
        { title: 'Ister Bridge', text: 'The Ister Bridge was built by Anna Toll.', gold: true },
        { title: 'Old Mill', text: 'The mill grinds rye.', gold: false },
      ],
      goldWithoutParagraph: [],
      missing: [],
      at: 'record 1 (line 2)',
    });
    expect(comparison).toMatchObject({ kind: 'comparison', goldWithoutParagraph: ['Lost Page'], hops: 2 });
    expect(comparison!.at).toMatch(/^record 2 \(line \d+\)$/);
  });

  it("reads the Hub's columns to the same records", async () => {
    const [native, hub] = [await load(fixture('hotpotqa.json')), await load(fixture('hotpotqa-hub.jsonl'))];
    expect(hub.map(({ at, ...rest }) => rest)).toEqual(native.map(({ at, ...rest }) => rest));
    expect(hub.map(({ at }) => at)).toEqual(['line 1', 'line 2']);
  });

  it('reads a test set, which has no answers', async () => {
    for (const record of await load(fixture('hotpotqa-test.jsonl'))) {
      expect(record).toMatchObject({
        answers: [],
        kind: 'unknown',
        hops: undefined,
        goldWithoutParagraph: [],
      });
      expect(record.missing).toEqual(['supporting_facts', 'type', 'level']);
      expect(record.paragraphs.every(({ gold }) => !gold)).toBe(true);
    }
  });
});

describe('2wikimultihopqa', () => {
  it('joins sentences by a space, counts hops, and spells bridge_comparison one way', async () => {
    const records = await load(fixture('2wikimultihopqa.json'));
    expect(records.map(({ kind, hops }) => [kind, hops])).toEqual([
      ['compositional', 2],
      ['bridge_comparison', 4],
      ['bridge_comparison', 4],
    ]);
    expect(records[0]!.paragraphs[0]).toEqual({
      title: 'Film A',
      text: 'Film A is a film. It was directed by Bo Lind.',
      gold: true,
    });
    expect(records[0]!.paragraphs.map(({ gold }) => gold)).toEqual([true, true, false, false]);
  });

  it('reads fields that are JSON text to the same records', async () => {
    const native = await load(fixture('2wikimultihopqa.json'));
    const packed = await load(fixture('2wikimultihopqa-text.jsonl'));
    expect(packed.map(({ at, ...rest }) => rest)).toEqual(native.map(({ at, ...rest }) => rest));
  });
});

describe('musique', () => {
  it('reads -Full: the unanswerable twin has an id of its own', async () => {
    const records = await load(fixture('musique.jsonl'));
    expect(records.map(({ id, answerable }) => [id, answerable])).toEqual([
      ['2hop__1_2', true],
      ['2hop__1_2 (unanswerable)', false],
      ['3hop1__3_4_5', true],
    ]);
    expect(records.map(({ kind, hops }) => [kind, hops])).toEqual([
      ['2hop', 2],
      ['2hop', 2],
      // Hops from the id if there is no decomposition.
      ['3hop1', 3],
    ]);
    expect(records[0]!.answers).toEqual(['Mold', 'Mold City']);
    expect(records[2]!.missing).toEqual(['question_decomposition']);
  });

  it('keeps paragraphs of one title apart', async () => {
    const [first] = await load(fixture('musique.jsonl'));
    expect(first!.paragraphs).toEqual([
      { title: 'Lake Orn', text: 'Lake Orn lies in Tarvia.', gold: true },
      { title: 'Tarvia', text: 'The capital of Tarvia is Mold.', gold: true },
      { title: 'Tarvia', text: 'Tarvia exports wool.', gold: false },
    ]);
  });

  it('reads an array to the same records', async () => {
    const [array, lines] = [await load(fixture('musique.json')), await load(fixture('musique.jsonl'))];
    expect(array.map(({ at, ...rest }) => rest)).toEqual(lines.map(({ at, ...rest }) => rest));
  });
});

describe('bamboogle', () => {
  it('reads CSV and JSON lines to the same records', async () => {
    const [csv, lines] = [await load(fixture('bamboogle.csv')), await load(fixture('bamboogle.jsonl'))];
    expect(csv.map(({ at, ...rest }) => rest)).toEqual(lines.map(({ at, ...rest }) => rest));
    expect(csv[0]).toMatchObject({ id: '1', question: 'Who ruled Tarvia when "Mold" was founded?' });
    expect(csv[1]).toMatchObject({ answers: ['a bridge, mostly'], hops: undefined, at: 'line 3' });
  });
});

describe('flashrag', () => {
  it('reads HotpotQA metadata, with an empty context', async () => {
    const [full, empty] = await load(fixture('flashrag-hotpotqa.jsonl'));
    expect(full).toMatchObject({ id: 'dev_0', kind: 'bridge', hops: 2, goldWithoutParagraph: [] });
    expect(full!.paragraphs[0]!.text).toBe('Velmora is a town on the river Ister. It has a mill.');
    expect(empty).toMatchObject({ paragraphs: [], goldWithoutParagraph: ['Velmora', 'Lost Page'], hops: 2 });
  });

  it('reads 2WikiMultihopQA metadata, whose sentences are under content', async () => {
    const [record] = await load(fixture('flashrag-2wikimultihopqa.jsonl'));
    expect(record).toMatchObject({ kind: 'bridge_comparison', hops: 2 });
    expect(record!.paragraphs[0]!.text).toBe('Film A is a film. It was directed by Bo Lind.');
  });

  it('reads MuSiQue metadata: the support paragraphs are gold', async () => {
    const [record] = await load(fixture('flashrag-musique.jsonl'));
    expect(record).toMatchObject({ kind: '2hop', hops: 2, answers: ['Mold', 'Mold City'] });
    expect(record!.paragraphs).toEqual([
      { title: 'Lake Orn', text: 'Lake Orn lies in Tarvia.', gold: true },
      { title: 'Tarvia', text: 'The capital of Tarvia is Mold.', gold: true },
    ]);
  });

  it('accepts the aliases of PopQA after the golden answers', async () => {
    const [record] = await load(fixture('flashrag-popqa.jsonl'));
    expect(record).toMatchObject({ kind: 'occupation', answers: ['founder', 'city founder'] });
  });

  it('unwraps questions of TriviaQA', async () => {
    const records = await load(fixture('flashrag-triviaqa.jsonl'));
    expect(records.map(({ question }) => question)).toEqual([
      'Who sang "The Mill" in 1960?',
      'Who wrote "Mold"',
    ]);
    expect(records[0]!.missing).toEqual(['metadata']);
  });

  it.each([
    ['"A" or "B"', '"A" or "B"'],
    ['"all of it"', 'all of it'],
    ['"', '"'],
    ['""', '""'],
  ])('unwraps %s to %s', (text, expected) => {
    expect(unquoted(text)).toBe(expected);
  });
});

describe('what all formats share', () => {
  it('reads the same file again at every iteration', async () => {
    const { records } = await openQuestions(fixture('musique.jsonl'));
    for (let i = 0; i < 2; i += 1) {
      let count = 0;
      for await (const record of records) count += record.paragraphs.length > 0 ? 1 : 0;
      expect(count).toBe(3);
    }
  });

  it('reads past a byte order mark, blank lines and CRLF, and counts them', async () => {
    const line = '{"idx": 4, "question": "Why?", "answer": "Because"}';
    const [record] = await load(file('marked.jsonl', `\ufeff\r\n\n  \r\n${line}\r\n\n`));
    expect(record).toMatchObject({ id: '4', at: 'line 4' });
  });

  it('takes the format that it is told', async () => {
    const path = file(
      'told.jsonl',
      '{"id": "a", "question": "Why?", "golden_answers": ["x"], "answer": "y"}',
    );
    expect(await load(path)).toMatchObject([{ answers: ['x'] }]);
    expect(await load(path, { format: 'bamboogle' })).toMatchObject([{ answers: ['y'], id: '1' }]);
  });

  it('reads characters and lines that cross the pieces of a file', async () => {
    const questions = Array.from({ length: 3000 }, (_, i) => `${'äöü€😀'.repeat(7 + (i % 13))}${i}`);
    const rows = questions.map((question, i) => JSON.stringify({ idx: i, question, answer: 'x' }));
    const lines = await load(file('long.jsonl', rows.join('\n')));
    const array = await load(file('long.json', `[${rows.join(',\n')}]`));
    expect(lines.map(({ question }) => question)).toEqual(questions);
    expect(array.map(({ question }) => question)).toEqual(questions);
    expect(lines.map(({ at }) => at)).toEqual(questions.map((_, i) => `line ${i + 1}`));
    expect(array.map(({ at }) => at)).toEqual(questions.map((_, i) => `record ${i + 1} (line ${i + 1})`));
  });

  it('stops when it is told to', async () => {
    const controller = new AbortController();
    const { records } = await openQuestions(fixture('musique.jsonl'), { signal: controller.signal });
    controller.abort();
    const iterator = records[Symbol.asyncIterator]();
    await expect(iterator.next()).rejects.toThrow(/abort/i);
  });
});
