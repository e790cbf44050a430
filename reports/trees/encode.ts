/** Digits of numbers in the page's data: for people. */
const DIGITS = 3;

/** A number as the data has it. */
export const shortened = (value: number): number =>
  Number.isFinite(value) ? Number(value.toPrecision(DIGITS)) + 0 : Number.NaN;

/**
 * Numbers for the page's data: [count, value, count, value, ...] if that is shorter, else 0 and the values. Three digits;
 * null for NaN.
 */
export function encode(values: ArrayLike<number>): readonly (number | null)[] {
  const plain = Array.from(values, (value) => (Number.isFinite(value) ? shortened(value) : null));
  const runs: (number | null)[] = [];
  for (let at = 0; at < plain.length; ) {
    let end = at + 1;
    while (end < plain.length && plain[end] === plain[at]) end++;
    runs.push(end - at, plain[at]!);
    at = end;
  }
  return runs.length <= plain.length ? runs : [0, ...plain];
}

/** JSON that can stand in a script element: nothing in it ends the element. */
export const inScript = (value: unknown): string => JSON.stringify(value).replaceAll('<', '\\u003c');
