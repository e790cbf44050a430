import type { TokenCodec } from './policy.ts';

/** What a token decodes to when it is part of a character only. */
const REPLACEMENT = '\ufffd';

/** Tells whether the text of `ids` has a stop in it, given that the text of all but the last has none. */
export type StopTest = (ids: readonly number[]) => boolean;

/**
 * Stop tests that look at text, so that a stop is found however it is divided into tokens. Text is decoded only
 * after tokens that can end a stop: those with its last character or a part of a character.
 */
export function createStopTests(codec: TokenCodec): (stops: readonly string[]) => StopTest {
  const pieces: string[] = [];
  const pieceOf = (id: number): string => {
    pieces[id] ??= codec.decode([id]);
    return pieces[id];
  };
  return (stops) => {
    const ends = [REPLACEMENT, ...stops.map((stop) => stop.at(-1)!)];
    const candidates: (boolean | undefined)[] = [];
    const canEnd = (id: number): boolean => {
      candidates[id] ??= ends.some((end) => pieceOf(id).includes(end));
      return candidates[id];
    };
    return (ids) => {
      if (ids.length === 0 || !canEnd(ids.at(-1)!)) return false;
      const text = codec.decode(ids);
      return stops.some((stop) => text.includes(stop));
    };
  };
}
