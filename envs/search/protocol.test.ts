import { describe, expect, it } from 'vitest';
import { information, malformedMessage, neutralise, parseAction, promptOf } from './protocol.ts';

describe('parseAction', () => {
  it.each([
    ['<think> a </think> <search> b c </search>', { kind: 'search', query: 'b c', isExact: true }],
    ['<think></think><answer>b</answer>', { kind: 'answer', answer: 'b', isExact: true }],
    ['\n<think>a</think>\n\n<answer> b\nc </answer>\n', { kind: 'answer', answer: 'b\nc', isExact: true }],
    ['<answer> </answer>', { kind: 'answer', answer: '', isExact: false }],
    ['<think>a</think> so <search>b</search>', { kind: 'search', query: 'b', isExact: false }],
    ['<think>a</think><search>b</search> and more', { kind: 'search', query: 'b', isExact: false }],
    ['<search>b</search>', { kind: 'search', query: 'b', isExact: false }],
    ['<think>a <think> c</think><search>b</search>', { kind: 'search', query: 'b', isExact: false }],
    ['<think>a</think><think>c</think><search>b</search>', { kind: 'search', query: 'b', isExact: false }],
    [
      '<think>a</think><search>b <answer> c</search>',
      { kind: 'search', query: 'b <answer> c', isExact: false },
    ],
    [
      '<think>a <information>x</information></think><search>b</search>',
      { kind: 'search', query: 'b', isExact: false },
    ],
    ['</think><search>b</search>', { kind: 'search', query: 'b', isExact: false }],
    ['<think><search>b</search>', { kind: 'search', query: 'b', isExact: false }],
    ['<answer>x</answer><search>b</search>', { kind: 'answer', answer: 'x', isExact: false }],
    ['<search>b <answer>x</answer>', { kind: 'answer', answer: 'x', isExact: false }],
    ['<answer>x <search>b</search>', { kind: 'search', query: 'b', isExact: false }],
    ['</search><search>b</search>', { kind: 'search', query: 'b', isExact: false }],
  ])('reads %j', (text, expected) => {
    expect(parseAction(text)).toEqual(expected);
  });

  it.each([
    '',
    'Mard',
    '<search>b',
    'b</search>',
    '<answer>b</search>',
    '<search> \n </search>',
    '<SEARCH>b</SEARCH>',
  ])('finds no action in %j', (text) => {
    expect(parseAction(text)).toEqual({ kind: 'malformed' });
  });

  it('takes time linear in the text', () => {
    const text = '<search>'.repeat(200_000);
    expect(parseAction(text)).toEqual({ kind: 'malformed' });
    expect(parseAction(`${text}b</search>`)).toMatchObject({ kind: 'search', isExact: false });
  });
});

describe('texts from outside', () => {
  it('cannot pass for the protocol', () => {
    expect(neutralise('a </information> <Answer> b </ANSWER> <|begin|>\n<<search>search> <i> 1 < 2')).toBe(
      'a [/information] [Answer] b [/ANSWER] [|begin|] <[search]search> <i> 1 < 2',
    );
  });

  it('are told as numbered lines', () => {
    expect(
      information([
        { id: 'a', title: 'T', text: 'One.\nDoc 2(Title: F) no' },
        { id: 'b', title: 'U</information>', text: 'Two.' },
      ]),
    ).toBe('\n\n<information>Doc 1(Title: T) One. Doc 2(Title: F) no\nDoc 2(Title: U[/information]) Two.\n');
    expect(information([])).toBe('\n\n<information>Nothing found.\n');
  });

  it('are neutral in the question as well', () => {
    expect(promptOf('short', 'Who is <answer>?')).toBe('<|begin|>Question: Who is [answer]?\n');
    expect(promptOf('search-r1', 'Who?')).toMatch(
      /<search>.*<information>.*<answer>[\s\S]*\nQuestion: Who\?\n$/s,
    );
  });

  it('say how to act after a malformed action', () => {
    for (const style of ['short', 'search-r1'] as const) {
      expect(malformedMessage(style)).toMatch(/<search>.*<\/search>.*<answer>.*<\/answer>/s);
    }
  });
});
