/**
 * Anchor groups (arXiv 2505.10978, Eq. 6): which steps of one question's trajectories read the same state.
 * @param observations what was read before each step, in the order of trajectories and of their steps.
 * @param similarity null: the same text. Otherwise, in (0, 1]: each observation joins the first group whose first
 * member it resembles by at least that `wordSimilarity`, else it starts a group. The result then depends on the
 * order, and two members of a group may resemble each other less than that.
 * @returns the group of every observation, groups numbered from 0 in the order of their first member.
 */
export function anchorGroups(observations: readonly string[], similarity: number | null): Int32Array {
  // Equal texts are equal to rounding, too: only different ones are compared.
  const groupOf = new Map<string, number>();
  const vocabulary = new Map<string, number>();
  const representatives: Words[] = [];
  let groups = 0;
  return Int32Array.from(observations, (text) => {
    const known = groupOf.get(text);
    if (known !== undefined) return known;
    let group = -1;
    if (similarity !== null) {
      const ids = wordIds(text, vocabulary);
      const words = { ids, sorted: ids.toSorted() };
      group = representatives.findIndex(
        (other) => bound(words, other) >= similarity && ratio(ids, other.ids) >= similarity,
      );
      if (group < 0) representatives.push(words);
    }
    if (group < 0) group = groups++;
    groupOf.set(text, group);
    return group;
  });
}

/**
 * How much of two texts is the same, in [0, 1]: 2 M / T, where T counts the words of both and M those in matching
 * blocks (Ratcliff and Obershelp: the longest common run of words, then the same left and right of it; of equally
 * long runs the one that begins first in `a`, then first in `b`). What Python's difflib calls `ratio`, over words
 * and without its junk heuristic. 1 where both are empty. Not symmetric where runs tie.
 */
export function wordSimilarity(a: string, b: string): number {
  const vocabulary = new Map<string, number>();
  return ratio(wordIds(a, vocabulary), wordIds(b, vocabulary));
}

/** A text's words as numbers, in its order and in ascending order. */
interface Words {
  readonly ids: Int32Array;
  readonly sorted: Int32Array;
}

function wordIds(text: string, vocabulary: Map<string, number>): Int32Array {
  const words = text.split(/\s+/u).filter((word) => word !== '');
  return Int32Array.from(words, (word) => {
    const known = vocabulary.get(word);
    if (known !== undefined) return known;
    vocabulary.set(word, vocabulary.size);
    return vocabulary.size - 1;
  });
}

/** An upper bound of `ratio` in linear time: the words that both have, wherever they stand. */
function bound({ sorted: a }: Words, { sorted: b }: Words): number {
  const total = a.length + b.length;
  if (total === 0) return 1;
  let common = 0;
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    const difference = a[i]! - b[j]!;
    if (difference === 0) common++;
    if (difference <= 0) i++;
    if (difference >= 0) j++;
  }
  return (2 * common) / total;
}

function ratio(a: Int32Array, b: Int32Array): number {
  const total = a.length + b.length;
  return total === 0 ? 1 : (2 * matched(a, b)) / total;
}

/** Words in matching blocks. */
function matched(a: Int32Array, b: Int32Array): number {
  // Lengths of the common runs that end at the word of `a` before, and at this one; place j + 1 is word j of `b`.
  let before = new Int32Array(b.length + 1);
  let here = new Int32Array(b.length + 1);
  const open: [number, number, number, number][] = [[0, a.length, 0, b.length]];
  let sum = 0;
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const [aFrom, aTo, bFrom, bTo] = next;
    before.fill(0, bFrom, bTo + 1);
    here[bFrom] = 0;
    let [longest, aEnd, bEnd] = [0, 0, 0];
    for (let i = aFrom; i < aTo; i++) {
      for (let j = bFrom; j < bTo; j++) {
        const run = a[i] === b[j] ? before[j]! + 1 : 0;
        here[j + 1] = run;
        if (run > longest) [longest, aEnd, bEnd] = [run, i + 1, j + 1];
      }
      [before, here] = [here, before];
    }
    if (longest === 0) continue;
    sum += longest;
    open.push([aFrom, aEnd - longest, bFrom, bEnd - longest], [aEnd, aTo, bEnd, bTo]);
  }
  return sum;
}
