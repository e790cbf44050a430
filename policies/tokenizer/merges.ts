import { createHeap } from './heap.ts';

/** Token ids stay below this, so a pair of them is one number. */
const SHIFT = 2 ** 20;

/** A pair of adjoining tokens, and how often it stood in the words when it was queued. */
interface Candidate {
  readonly count: number;
  readonly pair: number;
}

/**
 * Learns byte-pair merges (Sennrich et al. 2016): again and again joins the pair that adjoins most often inside
 * the words. Of equals the one whose left, then right, spelling comes first by UTF-16 code units.
 * @param words how often each word occurs, spelled in the tokens of one character.
 * @param alphabet the tokens of one character, with their ids. Grows by the learned tokens, ids counting up.
 * @param vocabularySize the highest number of ids, all ids below `nextId` included. At most 2^20.
 * @param nextId the id of the first learned token.
 * @returns the merges in order.
 */
export function learnMerges(
  words: ReadonlyMap<string, number>,
  alphabet: Map<string, number>,
  vocabularySize: number,
  nextId: number,
): [string, string][] {
  const spellings: string[] = [];
  for (const [spelling, id] of alphabet) spellings[id] = spelling;
  const symbols = [...words.keys()].map((word) => Array.from(word, (character) => alphabet.get(character)!));
  const frequencies = [...words.values()];
  const counts = new Map<number, number>();
  const places = new Map<number, Set<number>>();

  /** Counts all pairs of a word `sign` times its frequency. */
  const count = (word: number, sign: 1 | -1): void => {
    const ids = symbols[word]!;
    for (let at = 1; at < ids.length; at++) {
      const pair = ids[at - 1]! * SHIFT + ids[at]!;
      counts.set(pair, (counts.get(pair) ?? 0) + sign * frequencies[word]!);
      if (sign === -1) continue;
      const where = places.get(pair);
      if (where === undefined) places.set(pair, new Set([word]));
      else where.add(word);
    }
  };
  for (let word = 0; word < symbols.length; word++) count(word, 1);

  const left = (pair: number): number => Math.floor(pair / SHIFT);
  const right = (pair: number): number => pair % SHIFT;
  const queue = createHeap<Candidate>((a, b) => {
    if (a.count !== b.count) return a.count > b.count;
    const [first, second] = [spellings[left(a.pair)]!, spellings[left(b.pair)]!];
    return first === second ? spellings[right(a.pair)]! < spellings[right(b.pair)]! : first < second;
  });
  for (const [pair, times] of counts) queue.push({ count: times, pair });

  const merges: [string, string][] = [];
  let next = nextId;
  while (next < vocabularySize) {
    const best = queue.pop();
    if (best === undefined) break;
    const { pair } = best;
    const times = counts.get(pair)!;
    if (times === 0) continue;
    if (times !== best.count) {
      // Counts fall while a pair waits; a count that rose was queued again when it did.
      if (times < best.count) queue.push({ count: times, pair });
      continue;
    }
    const parts: [string, string] = [spellings[left(pair)]!, spellings[right(pair)]!];
    const spelling = parts.join('');
    // No two pairs spell the same token: inside a token's letters no merge crosses its ends, so what is joined
    // there, and in which order, is the same wherever those letters become one token.
    const id = next++;
    alphabet.set(spelling, id);
    spellings[id] = spelling;
    merges.push(parts);
    const touched = places.get(pair)!;
    for (const word of touched) {
      count(word, -1);
      symbols[word] = join(symbols[word]!, left(pair), right(pair), id);
      count(word, 1);
    }
    places.delete(pair);
    const risen = new Set<number>();
    for (const word of touched) {
      const ids = symbols[word]!;
      for (let at = 1; at < ids.length; at++) {
        if (ids[at] === id || ids[at - 1] === id) risen.add(ids[at - 1]! * SHIFT + ids[at]!);
      }
    }
    for (const changed of risen) queue.push({ count: counts.get(changed)!, pair: changed });
  }
  return merges;
}

/** The ids with every `left`, `right` side by side replaced by `id`, from the start on. */
function join(ids: readonly number[], left: number, right: number, id: number): number[] {
  const joined: number[] = [];
  for (let at = 0; at < ids.length; at++) {
    if (ids[at] === left && ids[at + 1] === right) {
      joined.push(id);
      at += 1;
    } else {
      joined.push(ids[at]!);
    }
  }
  return joined;
}
