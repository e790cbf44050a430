import type { TensorInfo } from '@tensorflow/tfjs';
import type { HeadLayout } from '../layout.ts';
import { EDGE_SIZE, packedSize } from './matmul.ts';
import { addressOf, loopsOf, type WasmBackend, withScratch } from './memory.ts';

/** Queries worked on at a time: keys after the last of them are skipped. */
const QUERY_BLOCK = 32;

const roundUp = (value: number, step: number): number => step * Math.ceil(value / step);

/**
 * Causal softmax attention over rows [queries, keys, values]. Returns the mixed values
 * [batch · length, heads · headSize] and the weights [batch · heads, length, length rounded up to 8];
 * weights right of a query block are never written nor read.
 */
export function attend(backend: WasmBackend, x: TensorInfo, layout: HeadLayout): [TensorInfo, TensorInfo] {
  const { batch, length, heads, kvHeads, headSize } = layout;
  const { pack, gemm, softmax } = loopsOf(backend);
  const stride = roundUp(length, 8);
  const out = backend.makeOutput([batch * length, heads * headSize], 'float32');
  const weights = backend.makeOutput([batch * heads, length, stride], 'float32');
  const [source, target, probabilities] = [x, out, weights].map((tensor) => addressOf(backend, tensor)) as [
    number,
    number,
    number,
  ];
  const xRow = 4 * (heads + 2 * kvHeads) * headSize;
  const outRow = 4 * heads * headSize;
  const group = heads / kvHeads;
  const scale = 1 / Math.sqrt(headSize);
  withScratch(
    backend,
    [packedSize(headSize, length), packedSize(length, headSize), EDGE_SIZE],
    (keys, values, edge) => {
      for (let row = 0; row < batch; row++) {
        for (let shared = 0; shared < kvHeads; shared++) {
          const first = source + row * length * xRow;
          pack(first + 4 * (heads + shared) * headSize, 4, xRow, headSize, length, keys!);
          pack(first + 4 * (heads + kvHeads + shared) * headSize, xRow, 4, length, headSize, values!);
          for (let head = shared * group; head < (shared + 1) * group; head++) {
            for (let from = 0; from < length; from += QUERY_BLOCK) {
              const rows = Math.min(QUERY_BLOCK, length - from);
              const seen = from + rows;
              const query = first + from * xRow + 4 * head * headSize;
              const p = probabilities + 4 * stride * ((row * heads + head) * length + from);
              gemm(query, xRow, 4, keys!, headSize, p, 4 * stride, rows, seen, headSize, 0, edge!);
              softmax(p, 4 * stride, rows, from + 1, 1, roundUp(seen, 4), scale);
              const mixed = target + (row * length + from) * outRow + 4 * head * headSize;
              gemm(p, 4 * stride, 4, values!, length, mixed, outRow, rows, headSize, seen, 0, edge!);
            }
          }
        }
      }
    },
  );
  return [out, weights];
}

/** The gradient of `attend` with respect to x, given the slopes of the mixed values. */
export function attendGradient(
  backend: WasmBackend,
  x: TensorInfo,
  weights: TensorInfo,
  slopes: TensorInfo,
  layout: HeadLayout,
): TensorInfo {
  const { batch, length, heads, kvHeads, headSize } = layout;
  const { pack, gemm, softmaxGradient } = loopsOf(backend);
  const stride = roundUp(length, 8);
  const dx = backend.makeOutput(x.shape, 'float32');
  const [source, probabilities, above, target] = [x, weights, slopes, dx].map((tensor) =>
    addressOf(backend, tensor),
  ) as [number, number, number, number];
  const xRow = 4 * (heads + 2 * kvHeads) * headSize;
  const outRow = 4 * heads * headSize;
  const group = heads / kvHeads;
  const scale = 1 / Math.sqrt(headSize);
  const block = packedSize(QUERY_BLOCK, headSize);
  const sizes = [
    packedSize(length, headSize),
    packedSize(headSize, length),
    block,
    block,
    QUERY_BLOCK * stride,
    EDGE_SIZE,
  ];
  withScratch(backend, sizes, (...areas) => {
    const [keys, values, queries, outputs, ds, edge] = areas as [
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    for (let row = 0; row < batch; row++) {
      for (let shared = 0; shared < kvHeads; shared++) {
        const [keyAt, valueAt] = [4 * (heads + shared) * headSize, 4 * (heads + kvHeads + shared) * headSize];
        const first = row * length * xRow;
        pack(source + first + keyAt, xRow, 4, length, headSize, keys);
        pack(source + first + valueAt, 4, xRow, headSize, length, values);
        // From the last block back: the first one done reaches every key, and starts the sums.
        let add = 0;
        for (let head = shared * group; head < (shared + 1) * group; head++) {
          const lastBlock = QUERY_BLOCK * Math.floor((length - 1) / QUERY_BLOCK);
          for (let from = lastBlock; from >= 0; from -= QUERY_BLOCK) {
            const rows = Math.min(QUERY_BLOCK, length - from);
            const seen = from + rows;
            const wide = roundUp(seen, 4);
            const p = probabilities + 4 * stride * ((row * heads + head) * length + from);
            const slope = above + (row * length + from) * outRow + 4 * head * headSize;
            const query = first + from * xRow + 4 * head * headSize;
            gemm(slope, outRow, 4, values, headSize, ds, 4 * stride, rows, wide, headSize, 0, edge);
            softmaxGradient(p, ds, 4 * stride, rows, wide, scale);
            gemm(ds, 4 * stride, 4, keys, length, target + query, xRow, rows, headSize, seen, 0, edge);
            pack(source + query, xRow, 4, rows, headSize, queries);
            pack(slope, outRow, 4, rows, headSize, outputs);
            const [dk, dv] = [target + first + keyAt, target + first + valueAt];
            gemm(ds, 4, 4 * stride, queries, rows, dk, xRow, seen, headSize, rows, add, edge);
            gemm(p, 4, 4 * stride, outputs, rows, dv, xRow, seen, headSize, rows, add, edge);
            add = 1;
          }
        }
      }
    }
  });
  return dx;
}
