import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ANSWER_METRICS, scoreAnswer } from './answer.ts';
import { igpoWords, normalizeAnswer } from './normalize.ts';

const metrics = fc.constantFrom(...ANSWER_METRICS);
/** Words that meet often, so that overlaps, closed answers and empty texts are drawn too. */
const words = fc
  .array(fc.constantFrom('yes', 'no', 'noanswer', 'the', 'a', 'York', 'new', 'U.S.', '1,000', '—', 'é'), {
    maxLength: 5,
  })
  .map((list) => list.join(' '));
/** Any sequence of UTF-16 units, lone surrogates included. */
const units = fc
  .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 20 })
  .map((codes) => String.fromCharCode(...codes));
const text = fc.oneof({ weight: 8, arbitrary: words }, units, fc.string({ unit: 'binary' }));
const runs = { numRuns: 500 };

describe('scoreAnswer', () => {
  it('never throws and stays in [0, 1]', () => {
    fc.assert(
      fc.property(
        metrics,
        text,
        fc.array(text, { minLength: 1, maxLength: 3 }),
        (metric, prediction, golds) => {
          const { em, f1, precision, recall } = scoreAnswer(metric, prediction, golds);
          expect([0, 1]).toContain(em);
          for (const value of [f1, precision, recall]) {
            expect(value).toBeGreaterThanOrEqual(0);
            expect(value).toBeLessThanOrEqual(1);
          }
        },
      ),
    );
  });

  it('swaps precision and recall when prediction and gold swap', () => {
    const symmetric = fc.constantFrom(
      'hotpotqa',
      '2wikimultihopqa',
      'squad-v1.1',
      'musique',
      'igpo' as const,
    );
    fc.assert(
      fc.property(symmetric, text, text, (metric, a, b) => {
        const forth = scoreAnswer(metric, a, [b]);
        const back = scoreAnswer(metric, b, [a]);
        expect(back).toEqual({ em: forth.em, f1: back.f1, precision: forth.recall, recall: forth.precision });
        expect(back.f1).toBeCloseTo(forth.f1, 14);
      }),
      runs,
    );
  });

  it('gives a gold against itself 1, unless no word is left and the rules give 0 there', () => {
    fc.assert(
      fc.property(metrics, text, (metric, gold) => {
        const score = scoreAnswer(metric, gold, [gold]);
        const empty = metric === 'igpo' ? igpoWords(gold).length === 0 : normalizeAnswer(gold) === '';
        const f1 = empty && !['squad-v2', 'musique'].includes(metric) ? 0 : 1;
        expect(score).toEqual({ em: 1, f1, precision: f1, recall: f1 });
      }),
      runs,
    );
  });

  it('has F1 1 with EM 1 under the SQuAD v2 rules, and never less with one more gold', () => {
    fc.assert(
      fc.property(text, text, text, (prediction, gold, other) => {
        const score = scoreAnswer('musique', prediction, [gold]);
        if (score.em === 1) expect(score.f1).toBe(1);
        expect(scoreAnswer('musique', prediction, [gold, other]).f1).toBeGreaterThanOrEqual(score.f1);
      }),
      runs,
    );
  });

  it('differs between HotpotQA and SQuAD v1.1 only at yes, no and noanswer', () => {
    fc.assert(
      fc.property(words, words, (prediction, gold) => {
        const hotpot = scoreAnswer('hotpotqa', prediction, [gold]);
        const squad = scoreAnswer('squad-v1.1', prediction, [gold]);
        const closed = [prediction, gold].some((one) =>
          ['yes', 'no', 'noanswer'].includes(normalizeAnswer(one)),
        );
        if (closed && hotpot.em === 0) expect(hotpot.f1).toBe(0);
        else expect(hotpot).toEqual(squad);
      }),
      runs,
    );
  });
});

describe('normalizeAnswer', () => {
  it('leaves neither outer nor double blanks, capitals of ASCII nor ASCII punctuation', () => {
    fc.assert(
      fc.property(text, (value) => {
        expect(normalizeAnswer(value)).not.toMatch(/^ | $| {2}|[A-Z!-/:-@[-`{-~]/);
      }),
      runs,
    );
  });
});
