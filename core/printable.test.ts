import { describe, expect, it } from 'vitest';
import { InputError } from './errors.ts';
import { printable, printableJson, printableLines } from './printable.ts';

const HOSTILE = 'a\u001b[31mb\u001b]0;t\u0007c\u009b2Jd\u202ee\u2066f\u200f\0g\rh\u007f';

describe('printable text', () => {
  it('is one line without control characters and marks that reorder text', () => {
    expect(printable(HOSTILE)).toBe('a[31mb]0;tc2Jdefg h');
    expect(printable('a\r\nb\tc\u2028d\u0085e')).toBe('a b c d e');
    expect(printable('Łódź, 東京, שלום, é')).toBe('Łódź, 東京, שלום, é');
  });

  it('of several lines keeps line feeds and tabs only', () => {
    expect(printableLines(`1\n\t2\r\n${HOSTILE}`)).toBe('1\n\t2\na[31mb]0;tc2Jdefgh');
  });

  it('as JSON has escapes, and reads back to the same value', () => {
    const value = { [HOSTILE]: [HOSTILE, '\ud800', 'é\n\t'] };
    const text = printableJson(value);
    expect(text).toBe(printableLines(text));
    expect(JSON.parse(text)).toEqual(value);
  });
});

describe('the message of an InputError', () => {
  it('has no control characters but keeps its lines', () => {
    expect(new InputError(`x: '${HOSTILE}'\n  y`).message).toBe("x: 'a[31mb]0;tc2Jdefgh'\n  y");
  });

  it('is cut in the middle: its end says what is valid', () => {
    const { message } = new InputError(`--x: ${'v'.repeat(1e6)}; valid: 1 to 3`);
    expect(message).toMatch(/^--x: v+ … v+; valid: 1 to 3$/);
    expect(message).toHaveLength(8000);
  });
});
