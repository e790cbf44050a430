/** Marks that reorder text, with which one text can be shown as another. */
const REORDERING = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** A text of a file as it is shown: marks that reorder it are replaced. */
export const shown = (text: string): string => text.replace(REORDERING, '\ufffd');

/** A name in one line, cut at some length. */
export function shortName(name: string, most = 60): string {
  const line = shown(name).replace(/\s+/g, ' ');
  return line.length > most ? `${line.slice(0, most - 1)}…` : line;
}

/** What is left of the characters of a page. */
export interface TextBudget {
  /** The text, or its beginning and how much is missing. */
  take(text: string, most: number): string;
}

/** @param characters of all texts together. */
export function textBudget(characters: number): TextBudget {
  let left = characters;
  return {
    take(text, most) {
      const length = Math.min(text.length, most, Math.max(0, left));
      left -= length;
      if (length === text.length) return shown(text);
      return `${shown(text.slice(0, length))}… (${text.length - length} more characters)`;
    },
  };
}

/** A number with up to three significant digits, and a real minus sign. */
export const plainNumber = (value: number): string =>
  String(Number(value.toPrecision(3)) + 0).replace('-', '−');
