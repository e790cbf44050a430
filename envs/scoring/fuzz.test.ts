import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fuzz, mutatedText } from '../../core/fuzz.test-helper.ts';
import { ANSWER_METRICS, scoreAnswer } from './answer.ts';
import { FILE_METRICS, type FileMetric, scoreTexts } from './files.ts';
import { parseJson } from './json.ts';

const HOTPOT_GOLD = [
  {
    _id: 'a',
    answer: 'x',
    supporting_facts: [['T', 0]],
    evidences: [['s', 'r', 'o']],
    answer_id: 'Q1',
    evidences_id: [['Q1', 'r', 'Q2']],
  },
];
const HOTPOT = { answer: { a: 'x' }, sp: { a: [['T', 0]] }, evidence: { a: [['s', 'r', 'o']] } };
const SQUAD_GOLD = {
  version: '1.1',
  data: [{ paragraphs: [{ qas: [{ id: 'a', answers: [{ text: 'x' }] }] }] }],
};
const MUSIQUE_GOLD = {
  id: 'a',
  answer: 'x',
  answer_aliases: ['y'],
  answerable: true,
  paragraphs: [{ idx: 0, is_supporting: true }],
};
const MUSIQUE = { id: 'a', predicted_answer: 'x', predicted_support_idxs: [0], predicted_answerable: true };

const FILES: Readonly<Record<FileMetric, readonly [predictions: unknown, gold: unknown]>> = {
  hotpotqa: [HOTPOT, HOTPOT_GOLD],
  '2wikimultihopqa': [HOTPOT, HOTPOT_GOLD],
  'squad-v1.1': [{ a: 'x' }, SQUAD_GOLD],
  'squad-v2': [{ a: 'x' }, { ...SQUAD_GOLD, version: 'v2.0' }],
  musique: [MUSIQUE, MUSIQUE_GOLD],
};

describe('any files are scored or refused', () => {
  it.each(FILE_METRICS)('of %s', (metric) => {
    const [predictions, gold] = FILES[metric].map((value) => JSON.stringify(value)) as [string, string];
    const named = (name: string, text: string) => ({ name, text });
    scoreTexts(metric, { predictions: named('p', predictions), gold: named('g', gold) });
    const inputs = fc.oneof(
      mutatedText([predictions]).map((text) => [text, gold] as const),
      mutatedText([gold]).map((text) => [predictions, text] as const),
    );
    fuzz(inputs, ([left, right]) =>
      scoreTexts(metric, { predictions: named('p', left), gold: named('g', right) }),
    );
  });

  it('with any aliases', () => {
    const [predictions, gold] = FILES['2wikimultihopqa'].map((value) => JSON.stringify(value)) as [
      string,
      string,
    ];
    const aliases = JSON.stringify({ Q_id: 'Q1', aliases: ['X'], demonyms: [] });
    fuzz(mutatedText([aliases]), (text) =>
      scoreTexts('2wikimultihopqa', {
        predictions: { name: 'p', text: predictions },
        gold: { name: 'g', text: gold },
        aliases: { name: 'a', text },
      }),
    );
  });
});

describe('any answer is scored', () => {
  it('by every metric', () => {
    const answers = mutatedText(['The Eiffel-Tower, in Paris', 'yes']);
    fuzz(fc.tuple(answers, answers), ([answer, gold]) => {
      for (const metric of ANSWER_METRICS) {
        const { f1 } = scoreAnswer(metric, answer, [gold]);
        if (!(f1 >= 0 && f1 <= 1)) throw new Error(`F1 ${f1}`);
      }
    });
  });
});

describe('bugs that were found', () => {
  it('a text of 16 million characters overflowed the stack of a pattern', () => {
    const long = 'x'.repeat(17_000_000);
    const file = (text: string) => ({ name: 'p.json', text });
    expect(parseJson(file(`{"a": "${long}"}`), 'x', true)).toEqual({ a: long });
    expect(() => parseJson(file(`{"a": "${long}", "a": 1}`), 'x', true)).toThrow(
      /duplicate key "a" at line 1/,
    );
    expect(() => parseJson(file(`{"a": "${long}" 1}`), 'x')).toThrow(
      /broken JSON at line 1, column 17000010/,
    );
    expect(() => parseJson(file('{"a": "x\\q"}'), 'x')).toThrow(/broken JSON at line 1, column 7/);
  });

  it('time in proportion to the length, also where nothing is closed', () => {
    const cpu = (text: string): number => {
      const from = process.cpuUsage();
      expect(() => parseJson({ name: 'p', text }, 'x', true)).toThrow(/broken JSON/);
      const { user, system } = process.cpuUsage(from);
      return user + system;
    };
    for (const piece of ['x', '\\n', '\\"', '[', '1', ' ', '{"a":']) {
      const best = (length: number): number => {
        const text = `["${piece === '[' ? '",' : ''}${piece.repeat(length / piece.length)}`;
        return Math.min(cpu(text), cpu(text), cpu(text));
      };
      best(2 ** 16);
      // 8 times as long: about 8 times the time, where looking back from every place takes 64.
      expect(best(2 ** 20) / best(2 ** 17)).toBeLessThan(32);
    }
  });
});
