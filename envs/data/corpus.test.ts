import { describe, expect, it } from 'vitest';
import { corpusFromQuestions } from './corpus.ts';
import { collect, fixture, load, temporaryFiles } from './files.test-helper.ts';
import { openCorpus } from './open-corpus.ts';

const file = temporaryFiles();
const paragraph = (title: string, text: string, gold = false) => ({ title, text, gold });

describe('corpusFromQuestions', () => {
  it('keeps texts of one title apart, merges equal ones, and knows the gold', () => {
    const { passages, gold } = corpusFromQuestions([
      { id: 'a', paragraphs: [paragraph('T', 'one', true), paragraph('T', 'two')] },
      {
        id: 'b',
        paragraphs: [paragraph('T', 'two', true), paragraph('U', 'one', true), paragraph('T', 'one')],
      },
      { id: 'c', paragraphs: [] },
    ]);
    expect(passages).toEqual([
      { id: 'p0', title: 'T', text: 'one' },
      { id: 'p1', title: 'T', text: 'two' },
      { id: 'p2', title: 'U', text: 'one' },
    ]);
    expect([...gold]).toEqual([
      ['a', ['p0']],
      ['b', ['p1', 'p2']],
      ['c', []],
    ]);
  });

  it('does not mistake where a title ends', () => {
    const { passages } = corpusFromQuestions([
      { id: 'a', paragraphs: [paragraph('ab', 'c'), paragraph('a', 'bc'), paragraph('', 'abc')] },
    ]);
    expect(passages).toHaveLength(3);
  });

  it('takes the paragraphs of a file', async () => {
    const { passages, gold } = corpusFromQuestions(await load(fixture('musique.jsonl')));
    expect(passages.map(({ title }) => title)).toEqual(['Lake Orn', 'Tarvia', 'Tarvia', 'Mold']);
    expect(gold.get('2hop__1_2')).toEqual(['p0', 'p1']);
    expect(gold.get('2hop__1_2 (unanswerable)')).toEqual(['p0']);
  });
});

describe('openCorpus', () => {
  const read = async (path: string) => collect(await openCorpus(path));

  it('reads lines of id and contents', async () => {
    expect(await read(fixture('corpus.jsonl'))).toEqual([
      { id: '0', title: 'Velmora', text: 'Velmora is a town.\nIt has a mill.' },
      { id: '1', title: 'The "Old" Mill', text: 'It grinds rye.' },
      { id: '2', title: '', text: 'No title here.' },
    ]);
  });

  it('reads titles of their own with contents or text', async () => {
    expect(await read(fixture('corpus-fields.jsonl'))).toEqual([
      { id: '0', title: '"Heroes" (album)', text: 'A 1977 album by a singer.' },
      { id: '1', title: 'Lima', text: 'Lima is the capital of Peru.' },
      { id: '2', title: 'Quito', text: 'Quito is a capital.\nIt is high.' },
      { id: '3', title: 'Bogota', text: 'Bogota is a capital.' },
      { id: '4', title: 'Cuzco', text: 'Old capital.\r\n' },
      { id: '5', title: '', text: 'No title here' },
    ]);
  });

  it('reads an array of title and text', async () => {
    expect(await read(fixture('corpus-list.json'))).toEqual([
      { id: 'p0', title: 'Lake Orn', text: 'Lake Orn lies in Tarvia.' },
      { id: 'p1', title: 'Tarvia', text: 'The capital of Tarvia is Mold.' },
      { id: 'p2', title: 'Tarvia', text: 'Tarvia exports wool.' },
    ]);
  });

  it('reads an object of titles, as the questions have the texts', async () => {
    const passages = await read(fixture('corpus-titles.json'));
    const { passages: own } = corpusFromQuestions(await load(fixture('hotpotqa.json')));
    expect(passages).toEqual(own.slice(0, 3));
  });

  it.each([
    [
      'a.jsonl',
      '{"id": "1", "contents": "x"}\n{"id": "1", "contents": "y"}',
      'line 2: the id "1" is that of line 1 too',
    ],
    ['b.jsonl', '{"id": "1"}', 'line 1: text: nothing, nor contents; expected id and contents'],
    ['b2.jsonl', '{"title": 7, "contents": "x"}', 'line 1: title: 7 where a string belongs'],
    ['c.json', '{"T": "x"}', 'record 1 (line 1): "x" where a list belongs'],
    ['d.json', '{"T": [1]}', 'record 1 (line 1): sentence 0: 1 where a string belongs'],
    ['e.json', '[3]', 'record 1 (line 1): 3 where an object belongs'],
    ['f.json', '[]', 'f.json: no passage in the file'],
    ['g.csv', 'x', "unknown extension '.csv'; valid: .json, .jsonl, .ndjson"],
  ])('refuses %s', async (name, content, message) => {
    await expect(read(file(name, content))).rejects.toThrow(message);
  });
});
