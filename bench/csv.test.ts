import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatCsv, parseCsv } from './csv.ts';

const COLUMNS = ['a', 'b'].map((name) => ({ name, unit: name === 'a' ? 'text' : 'count', description: '' }));

describe('CSV', () => {
  it('writes full precision, empty fields for null and absent values, quotes where needed', () => {
    const rows = [{ a: 0.1 + 0.2, b: null }, { a: 'x,"y"\nz' }, { a: Number.NaN, b: 1e-7 }];
    expect(formatCsv(COLUMNS, rows)).toBe('a,b\n0.30000000000000004,\n"x,""y""\nz",\nNaN,1e-7\n');
  });

  it('refuses a column that is not declared', () => {
    expect(() => formatCsv(COLUMNS, [{ a: 1, c: 2 }])).toThrow('not declared: c');
  });

  it('reads numbers back to the same double', () => {
    // Names that look like numbers are names.
    const text = fc.constantFrom(null, 'grpo, wide', '12', '1e5', 'NaN');
    const value = fc.oneof(
      fc.double().map((x) => (x === 0 ? 0 : x)),
      fc.constant(null),
    );
    fc.assert(
      fc.property(fc.array(fc.record({ a: text, b: value })), (rows) => {
        expect(parseCsv(COLUMNS, formatCsv(COLUMNS, rows))).toEqual(rows);
      }),
    );
  });

  it('lets no text become a formula of a spreadsheet, and reads it back', () => {
    const texts = ['=HYPERLINK("x")', '+1', '-1+2', '@SUM(A1)', '\t=1', '\r=1', "'=1", "it's", 'a=b'];
    const rows = texts.map((a) => ({ a, b: -1.5 }));
    const text = formatCsv(COLUMNS, rows);
    for (const line of text.trimEnd().split('\n').slice(1)) expect(line).toMatch(/^"?('|it's|a=b)/);
    expect(text).toContain(',-1.5\n');
    expect(parseCsv(COLUMNS, text)).toEqual(rows);
  });

  it.each([
    ['a,b\n1,2', 'cut off'],
    ['a,c\n1,2\n', 'not those of this version: missing b; unknown c'],
    ['b,a\n1,2\n', 'not those of this version: their order differs'],
    ['a,b\n1\n', 'Invalid Record Length'],
    ['a,b\nx,1\ny,high\n', 'row 2, column b: "high" is not a number'],
    ['a,b\nx,0x10\n', 'row 1, column b: "0x10" is not a number'],
    ["a,b\nx,'1\n", `row 1, column b: "'1" is not a number`],
  ])('refuses %j', (text, message) => {
    expect(() => parseCsv(COLUMNS, text)).toThrow(message);
  });
});
