import { folded } from './places.ts';

/** Lower-case words without accents and punctuation. */
function words(text: string): string[] {
  return folded(text).match(/[\p{L}\p{N}]+/gu) ?? [];
}

/** True when the words of `part` stand in `text` one after the other ('Guatemala' in 'Guatemala City'). */
export function containsName(text: string, part: string): boolean {
  return ` ${words(text).join(' ')} `.includes(` ${words(part).join(' ')} `);
}

/**
 * True when two names share a word, or its first four letters: the 'Peruvian Sol' gives Peru away. Rejects
 * some innocent pairs too, which costs nothing.
 */
export function sharesStem(one: string, other: string): boolean {
  const stems = new Set(words(one).map((word) => word.slice(0, 4)));
  return words(other).some((word) => word.length >= 3 && stems.has(word.slice(0, 4)));
}
