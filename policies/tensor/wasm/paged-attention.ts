import type { TensorInfo } from '@tensorflow/tfjs';
import { PAGE, type PagedAttributes, pageFloats } from '../page-store.ts';
import { addressOf, loopsOf, viewOf, type WasmBackend, withScratch } from './memory.ts';

/**
 * Writes keys and values into pages and attends over them, as `PageStore.attend` says. A page holds, layer by layer
 * and key head by key head, the keys as [headSize][PAGE] and the values as [PAGE][headSize].
 */
export function attendPages(
  backend: WasmBackend,
  x: TensorInfo,
  slabs: readonly TensorInfo[],
  { shape, layer, pagesPerSlab, pages, starts, positions }: PagedAttributes,
): TensorInfo {
  const { heads, kvHeads, headSize } = shape;
  const { pageScores, softmax, pageMix } = loopsOf(backend);
  const tokens = positions.length;
  const out = backend.makeOutput([tokens, heads * headSize], 'float32');
  const [source, target] = [addressOf(backend, x), addressOf(backend, out)];
  const width = (heads + 2 * kvHeads) * headSize;
  const headBytes = 4 * 2 * headSize * PAGE;
  const pageBytes = 4 * pageFloats(shape);
  let longest = 0;
  for (const position of positions) longest = Math.max(longest, position + 1);
  const stride = PAGE * Math.ceil(longest / PAGE);
  const scale = 1 / Math.sqrt(headSize);
  const group = heads / kvHeads;
  withScratch(backend, [pages.length, heads * stride], (table, scores) => {
    const { buffer } = backend.wasm.asm.memory;
    const addresses = new Uint32Array(buffer, table!, pages.length);
    const slabAddresses = slabs.map((slab) => addressOf(backend, slab));
    for (const [index, page] of pages.entries()) {
      const slab = slabAddresses[Math.floor(page / pagesPerSlab)]!;
      addresses[index] = slab + (page % pagesPerSlab) * pageBytes + layer * kvHeads * headBytes;
    }
    const memory = new Float32Array(buffer);
    for (let token = 0; token < tokens; token++) {
      const position = positions[token]!;
      const within = position % PAGE;
      let to = addresses[starts[token]! + (position - within) / PAGE]! / 4;
      let key = source / 4 + token * width + heads * headSize;
      for (let head = 0; head < kvHeads; head++) {
        const value = key + kvHeads * headSize;
        const valueTo = to + (PAGE + within) * headSize;
        for (let index = 0; index < headSize; index++) {
          memory[to + index * PAGE + within] = memory[key + index]!;
          memory[valueTo + index] = memory[value + index]!;
        }
        to += headBytes / 4;
        key += headSize;
      }
    }
    for (let token = 0; token < tokens; token++) {
      const seen = positions[token]! + 1;
      const first = table! + 4 * starts[token]!;
      for (let head = 0; head < heads; head++) {
        const query = source + 4 * (token * width + head * headSize);
        const keys = Math.floor(head / group) * headBytes;
        pageScores(query, first, keys, seen, headSize, scores! + 4 * head * stride);
      }
      softmax(scores!, 4 * stride, heads, seen, 0, 4 * Math.ceil(seen / 4), scale);
      for (let head = 0; head < heads; head++) {
        const mixed = target + 4 * (token * heads + head) * headSize;
        const values = Math.floor(head / group) * headBytes + headBytes / 2;
        pageMix(scores! + 4 * head * stride, first, values, seen, headSize, mixed);
      }
    }
  });
  return out;
}

/** Copies page `from` of one slab over page `to` of another; both [pages, floats]. */
export function copyPage(
  backend: WasmBackend,
  source: TensorInfo,
  target: TensorInfo,
  { from, to }: { readonly from: number; readonly to: number },
): void {
  const floats = source.shape[1]!;
  const [old, fresh] = [viewOf(backend, source), viewOf(backend, target)];
  fresh.set(old.subarray(from * floats, (from + 1) * floats), to * floats);
}
