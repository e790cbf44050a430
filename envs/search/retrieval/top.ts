/**
 * The best `limit` of the candidates, best first: by score, then by the smaller index. Linear in the candidates
 * for a small limit (a heap of `limit` entries); nothing is allocated per candidate.
 * @param candidates indices into `scores`, no index twice.
 * @param limit at least 1.
 */
export function selectTop(candidates: Uint32Array, scores: Float64Array, limit: number): Uint32Array {
  const heap = candidates.slice(0, limit); // worst at the root
  for (let root = (heap.length >> 1) - 1; root >= 0; root--) siftDown(heap, scores, root);
  for (let index = heap.length; index < candidates.length; index++) {
    const candidate = candidates[index]!;
    if (!isWorse(heap[0]!, candidate, scores)) continue;
    heap[0] = candidate;
    siftDown(heap, scores, 0);
  }
  return heap.sort((left, right) => (isWorse(left, right, scores) ? 1 : -1));
}

function isWorse(left: number, right: number, scores: Float64Array): boolean {
  const [a, b] = [scores[left]!, scores[right]!];
  return a === b ? left > right : a < b;
}

function siftDown(heap: Uint32Array, scores: Float64Array, root: number): void {
  let parent = root;
  for (;;) {
    let child = 2 * parent + 1;
    if (child >= heap.length) return;
    if (child + 1 < heap.length && isWorse(heap[child + 1]!, heap[child]!, scores)) child++;
    if (!isWorse(heap[child]!, heap[parent]!, scores)) return;
    const moved = heap[parent]!;
    heap[parent] = heap[child]!;
    heap[child] = moved;
    parent = child;
  }
}
