import { describe, expect, it } from 'vitest';
import { InputError } from '../../core/errors.ts';
import { ANSWER_METRICS, type AnswerMetric, harmonicMean, scoreAnswer, scoreGiven } from './answer.ts';

/** prediction, gold, EM, then F1 under HotpotQA, SQuAD v1.1, SQuAD v2 and IGPO. */
const WORKED = [
  ['Barack Obama', 'Obama', 0, 0.6667, 0.6667, 0.6667, 0.6667],
  ['The Eiffel Tower!', 'eiffel tower', 1, 1, 1, 1, 0.8],
  ['Eiffel-Tower', 'Eiffel Tower', 0, 0, 0, 0, 1],
  ['yes, it is', 'yes', 0, 0, 0.5, 0.5, 0.5],
  ['Yes.', 'yes', 1, 1, 1, 1, 1],
  ['yes', 'Yes, both', 0, 0, 0.6667, 0.6667, 0.6667],
  ['no answer', 'noanswer', 0, 0, 0, 0, 0],
  ['', '', 1, 0, 0, 1, 0],
  ['the', 'a', 1, 0, 0, 1, 0],
  ['U.S.', 'US', 1, 1, 1, 1, 0],
  ['1.5', '15', 1, 1, 1, 1, 0],
  ['1,000', '1000', 1, 1, 1, 1, 0],
  ['Paris Paris Paris', 'Paris', 0, 0.5, 0.5, 0.5, 1],
  ['New York New York', 'New York City', 0, 0.5714, 0.5714, 0.5714, 0.8],
  ['June 4, 1996', '4 June 1996', 0, 1, 1, 1, 1],
  ['the United States of America', 'United States', 0, 0.6667, 0.6667, 0.6667, 0.5714],
  ['vitamin A', 'vitamin', 1, 1, 1, 1, 0.6667],
  ['Beyoncé', 'Beyonce', 0, 0, 0, 0, 0],
  ['“Paris”', 'Paris', 0, 0, 0, 0, 0],
  ['2–1', '2-1', 0, 0, 0, 0, 0],
] as const;

describe('the worked examples of the reference', () => {
  const columns: readonly (readonly [AnswerMetric, 3 | 4 | 5 | 6])[] = [
    ['hotpotqa', 3],
    ['2wikimultihopqa', 3],
    ['squad-v1.1', 4],
    ['squad-v2', 5],
    ['musique', 5],
    ['igpo', 6],
  ];
  it('covers every metric and all 20 cases', () => {
    expect(columns.map(([metric]) => metric)).toEqual(ANSWER_METRICS);
    expect(WORKED).toHaveLength(20);
  });
  describe.each(columns)('%s', (metric, column) => {
    it.each(WORKED.map((row) => [row[0], row[1], row[2], row[column]] as const))(
      '%j against %j: EM %d, F1 %d',
      (prediction, gold, em, f1) => {
        const score = scoreAnswer(metric, prediction, [gold]);
        expect(score.em).toBe(em);
        expect(Math.round(score.f1 * 1e4) / 1e4).toBe(f1);
      },
    );
  });
});

describe('scoreAnswer', () => {
  it('reports precision and recall', () => {
    const score = scoreAnswer('hotpotqa', 'New York New York', ['New York City']);
    expect(score).toEqual({ em: 0, f1: harmonicMean(2 / 4, 2 / 3), precision: 2 / 4, recall: 2 / 3 });
  });

  it('counts a repeated word of the gold as often as the prediction has it', () => {
    const score = scoreAnswer('squad-v1.1', 'New York', ['New York New York']);
    expect(score).toEqual({ em: 0, f1: 2 / 3, precision: 1, recall: 0.5 });
  });

  it('gives an empty answer precision and recall like its F1', () => {
    expect(scoreAnswer('musique', '', [''])).toEqual({ em: 1, f1: 1, precision: 1, recall: 1 });
    expect(scoreAnswer('hotpotqa', '', [''])).toEqual({ em: 1, f1: 0, precision: 0, recall: 0 });
  });

  it('takes the maximum over the golds of each number separately', () => {
    // Precision 1 comes from the long gold, recall 1 from the short one.
    const score = scoreAnswer('squad-v1.1', 'red green', ['red green blue yellow', 'red']);
    expect(score).toEqual({ em: 0, f1: 2 / 3, precision: 1, recall: 1 });
  });

  it('keeps the best gold when a later one scores 0', () => {
    expect(scoreAnswer('2wikimultihopqa', 'Paris', ['Paris', 'yes', 'Lyon']).f1).toBe(1);
  });

  it('drops golds without words under squad-v2 only', () => {
    expect(scoreAnswer('squad-v2', '', ['the', 'Paris']).em).toBe(0);
    expect(scoreAnswer('musique', '', ['the', 'Paris']).em).toBe(1);
    expect(scoreAnswer('squad-v2', 'Paris', []).f1).toBe(0);
    expect(scoreAnswer('squad-v2', '', []).f1).toBe(1);
  });

  it.each(ANSWER_METRICS.filter((metric) => metric !== 'squad-v2'))(
    '%s refuses an empty gold list',
    (metric) => {
      expect(() => scoreAnswer(metric, 'x', [])).toThrow(InputError);
    },
  );

  it('refuses an unknown metric and lists the valid ones', () => {
    expect(() => scoreAnswer('toString' as AnswerMetric, 'x', ['x'])).toThrow(
      /'toString'; valid: hotpotqa, .*igpo/,
    );
  });
});

describe('what an episode answered', () => {
  it.each(ANSWER_METRICS)('%s: nothing scores 0, and the empty answer by the rules', (metric) => {
    const text = { kind: 'text', metric } as const;
    for (const golds of [[''], ['the'], ['The The', 'x'], ['Paris']]) {
      expect(scoreGiven(text, undefined, golds)).toEqual({ em: 0, f1: 0 });
      expect(scoreGiven(text, '', golds)).toMatchObject(scoreOf(metric, '', golds));
    }
  });

  it('labels are compared character by character', () => {
    const labels = { kind: 'labels', metric: 'hotpotqa' } as const;
    for (const label of ['A', '+', '...', '', 'the', 'yes']) {
      expect(scoreGiven(labels, label, ['x', label])).toEqual({ em: 1, f1: 1 });
    }
    for (const other of ['a', 'A ', 'B', ''])
      expect(scoreGiven(labels, other, ['A'])).toEqual({ em: 0, f1: 0 });
    expect(scoreGiven(labels, undefined, [''])).toEqual({ em: 0, f1: 0 });
    expect(scoreGiven(labels, 'A', [])).toEqual({ em: 0, f1: 0 });
  });
});

function scoreOf(metric: AnswerMetric, answer: string, golds: readonly string[]) {
  const { em, f1 } = scoreAnswer(metric, answer, golds);
  return { em, f1 };
}
