import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { membersAt, skipSpace } from './json-spans.ts';

/** Checks that the members of a text, and all below them, are those that JSON.parse finds. */
function check(text: string, start: number, end: number): void {
  const value = JSON.parse(text.slice(start, end)) as unknown;
  const spans = membersAt(text, start);
  if (typeof value !== 'object' || value === null) {
    expect(spans).toEqual([]);
    return;
  }
  // Of a name that comes twice, JSON.parse keeps the last, in the first's place.
  const found = Array.isArray(value) ? spans : [...new Map(spans.map((span) => [span.key, span])).values()];
  expect(found).toHaveLength(Object.keys(value).length);
  for (const { key, start: from, end: to } of found) {
    if (!Array.isArray(value)) {
      expect(JSON.parse(text.slice(from, to))).toEqual((value as Record<string, unknown>)[key!]);
    }
    check(text, from, to);
  }
}

describe('the places of members in a text of JSON', () => {
  it('are those of its values, however it is laid out', () => {
    const indents = fc.constantFrom(0, 1, '\t', '\r');
    fc.assert(
      fc.property(fc.jsonValue(), indents, fc.constantFrom('', ' ', ' \r\n'), (value, indent, around) => {
        const text = around + JSON.stringify(value, null, indent) + around;
        check(text, skipSpace(text, 0), text.length - around.length);
      }),
    );
  });

  it('are found by what a name means, past brackets and quotes in texts', () => {
    const text = '{"\\u0061" : "}]\\"{[" , "b":[ 1,{"a":-1.5e+3} ,"\\\\"],"a":true}';
    expect(membersAt(text, 0).map(({ key, start, end }) => [key, text.slice(start, end)])).toEqual([
      ['a', '"}]\\"{["'],
      ['b', '[ 1,{"a":-1.5e+3} ,"\\\\"]'],
      ['a', 'true'],
    ]);
    check(text, 0, text.length);
  });

  it('are none in what has no members', () => {
    for (const text of ['1', '"[1]"', 'null', '{}', '[ ]']) expect(membersAt(text, 0)).toEqual([]);
  });
});
