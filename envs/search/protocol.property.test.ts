import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { neutralise, parseAction } from './protocol.ts';

const PIECES = [
  ...['think', 'search', 'information', 'answer'].flatMap((tag) => [`<${tag}>`, `</${tag}>`]),
  ...['<', '>', '/', ' ', '\n', 'a', 'b c', '<|begin|>', '<|', '|>', 'search', '\u2028', '\ud800'],
];
/** Texts in which tags are common. */
const tagged = fc.array(fc.constantFrom(...PIECES), { maxLength: 14 }).map((pieces) => pieces.join(''));
const anyText = fc.oneof(tagged, fc.string({ unit: 'binary' }), fc.string());

/** Search-R1's regular expression, as it is described: the slow way to the same. */
const FIRST = /<(search|answer)>([\s\S]*?)<\/\1>/;

describe('parseAction', () => {
  it('finds the tag that the regular expression of Search-R1 finds', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const match = FIRST.exec(text);
        const parsed = parseAction(text);
        const content = (match?.[2] ?? '').trim();
        if (match === null || (match[1] === 'search' && content === '')) {
          expect(parsed).toEqual({ kind: 'malformed' });
        } else {
          const { isExact, ...rest } = parsed as { isExact: boolean };
          expect(rest).toEqual(
            match[1] === 'search' ? { kind: 'search', query: content } : { kind: 'answer', answer: content },
          );
          expect(typeof isExact).toBe('boolean');
        }
      }),
      { numRuns: 3000 },
    );
  });

  it('calls exact what has exactly one thought and one tag, in that order', () => {
    const tags = (text: string): string =>
      (text.match(/<\/?(think|search|information|answer)>/gi) ?? []).join('');
    fc.assert(
      fc.property(anyText, (text) => {
        const parsed = parseAction(text);
        if (parsed.kind === 'malformed' || !parsed.isExact) return;
        expect(tags(text)).toBe(`<think></think><${parsed.kind}></${parsed.kind}>`);
        const outside = text.replace(/<think>[\s\S]*<\/think>/, '').replace(FIRST, '');
        expect(outside.trim()).toBe('');
      }),
      { numRuns: 2000 },
    );
    fc.assert(
      fc.property(anyText.map(neutralise), anyText.map(neutralise), (thought, content) => {
        const text = ` <think>${thought}</think>\n<answer>${content}</answer>\n`;
        expect(parseAction(text)).toEqual({ kind: 'answer', answer: content.trim(), isExact: true });
      }),
    );
  });
});

describe('neutralise', () => {
  it('leaves no tag and no control token, and is idempotent', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const once = neutralise(text);
        expect(once).not.toMatch(/<\/?(think|search|information|answer)>|<\|begin\|>|[\n\r]/i);
        expect(neutralise(once)).toBe(once);
      }),
      { numRuns: 2000 },
    );
  });
});
