import fc from 'fast-check';
import { expect, it } from 'vitest';
import { growTree } from '../../bench/trajectories/grow.ts';
import type { Trajectory } from '../../bench/trajectories/trajectory.ts';
import { goldenGroups } from './made-up.test-helper.ts';
import { treePage } from './page.ts';

const TAGS = ['</script>', '<!--', '<script>', '"\'', '\u202e', '</details>', ']]>', '\u0000', '\ud800', ''];
const texts = fc.array(fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom(...TAGS)), { minLength: 1 });
const numbers = fc.array(fc.double({ noNaN: true, noDefaultInfinity: true }), { minLength: 1 });

it('any texts and numbers are shown, and stay what they are', () => {
  const groups = goldenGroups().filter((_, index) => index % 6 === 5);
  const inputs = fc.record({ texts, numbers, group: fc.nat(groups.length - 1) });
  fc.assert(
    fc.property(inputs, ({ texts, numbers, group }) => {
      let place = 0;
      const text = (): string => texts[place++ % texts.length]!;
      const number = (): number => numbers[place++ % numbers.length]!;
      const trajectories = groups[group]!.map(
        (one): Trajectory => ({
          ...one,
          question: text(),
          answers: [text(), text()],
          reward: number(),
          turns: one.turns.map((turn) => ({
            ...turn,
            observation: { ...turn.observation, text: text(), actions: [text()] },
            text: text(),
            pieces: turn.tokens.map(text),
            entropies: turn.tokens.map(number),
            logprobs: turn.tokens.map(number),
          })),
        }),
      );
      const grown = growTree(trajectories, 'none');
      const credit = trajectories.map(({ turns }) =>
        turns.map(({ tokens }) => Float64Array.from(tokens, number)),
      );
      const question = { question: text(), label: text(), grown, trajectories };
      const credits = Object.fromEntries([
        [text(), credit],
        [`${text()}2`, { lacks: text() }],
      ]);
      const page = treePage({
        ...{ questions: [{ ...question, credits }], title: text(), lead: text(), version: text() },
      });
      expect(page.split('</script>').length).toBe(3);
      expect(page.split('</details>').length).toBe(3);
      expect(page).not.toContain('<!--');
      const [, data] = /id="numbers">(.*?)<\/script>/s.exec(page)!;
      expect(() => JSON.parse(data!) as unknown).not.toThrow();
    }),
    { numRuns: 150 },
  );
});
