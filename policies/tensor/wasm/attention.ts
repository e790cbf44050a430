import type { TensorInfo } from '@tensorflow/tfjs';
import type { HeadLayout, Paths } from '../layout.ts';
import { EDGE_SIZE, packedSize } from './matmul.ts';
import { addressOf, floatsOf, loopsOf, viewOf, type WasmBackend, withScratch } from './memory.ts';

/** Queries worked on at a time: keys after the last of them are skipped. */
const QUERY_BLOCK = 32;

const roundUp = (value: number, step: number): number => step * Math.ceil(value / step);

/** Queries side by side in the matrix, and the sequence whose end they are. */
interface Run {
  /** The row of the first query. */
  readonly first: number;
  readonly queries: number;
  /** Positions of the sequence. The last `queries` of them are those of the queries. */
  readonly length: number;
  /** Where in the paths the rows of the sequence's tokens begin; undefined when the rows are those of the queries. */
  readonly path: number | undefined;
}

/** Every row of a padded batch attends to itself. */
function batchRuns({ batch, length }: HeadLayout): readonly Run[] {
  return Array.from({ length: batch }, (_, row) => ({
    first: row * length,
    queries: length,
    length,
    path: undefined,
  }));
}

function pathRuns({ firsts, queries, lengths }: Paths): readonly Run[] {
  let path = 0;
  return Array.from(firsts, (first, index) => {
    const length = lengths[index]!;
    path += length;
    return { first, queries: queries[index]!, length, path: path - length };
  });
}

/** Floats of the weights of a run: [heads, queries, length rounded up to 8]. */
const weightsSize = ({ queries, length }: Run, heads: number): number => heads * queries * roundUp(length, 8);

const longestOf = (runs: readonly Run[]): number =>
  runs.reduce((most, { length }) => Math.max(most, length), 0);

/**
 * Causal softmax attention over rows [queries, keys, values] of a padded batch or, with `paths`, of a tree. Returns the
 * mixed values, `heads · headSize` per row, and the weights, run by run; weights right of a query block are never
 * written nor read.
 */
export function attend(backend: WasmBackend, x: TensorInfo, layout: HeadLayout, paths?: Paths): TensorInfo[] {
  const { heads, kvHeads, headSize } = layout;
  const runs = paths === undefined ? batchRuns(layout) : pathRuns(paths);
  const { pack, gemm, softmax } = loopsOf(backend);
  const size = runs.reduce((sum, run) => sum + weightsSize(run, heads), 0);
  const out = backend.makeOutput([x.shape[0]!, heads * headSize], 'float32');
  const weights = backend.makeOutput([size], 'float32');
  const width = (heads + 2 * kvHeads) * headSize;
  const [xRow, outRow] = [4 * width, 4 * heads * headSize];
  const group = heads / kvHeads;
  const scale = 1 / Math.sqrt(headSize);
  const longest = longestOf(runs);
  const kvWidth = 2 * kvHeads * headSize;
  const sizes = [
    packedSize(headSize, longest),
    packedSize(longest, headSize),
    paths === undefined ? 0 : longest * kvWidth,
    EDGE_SIZE,
  ];
  withScratch(backend, sizes, (...areas) => {
    const [keys, values, gathered, edge] = areas as [number, number, number, number];
    // The scratch is there now: the memory does not move any more.
    const [source, target, start] = [x, out, weights].map((tensor) => addressOf(backend, tensor)) as [
      number,
      number,
      number,
    ];
    const memory = floatsOf(backend);
    let probabilities = start;
    for (const run of runs) {
      const { first, queries, length, path } = run;
      const stride = roundUp(length, 8);
      const before = length - queries;
      let [kv, kvRow] = [source + first * xRow + 4 * heads * headSize, xRow];
      if (path !== undefined) {
        gather(memory, source / 4, gathered / 4, paths!.tokens.subarray(path, path + length), width, kvWidth);
        [kv, kvRow] = [gathered, 4 * kvWidth];
      }
      for (let shared = 0; shared < kvHeads; shared++) {
        pack(kv + 4 * shared * headSize, 4, kvRow, headSize, length, keys);
        pack(kv + 4 * (kvHeads + shared) * headSize, kvRow, 4, length, headSize, values);
        for (let head = shared * group; head < (shared + 1) * group; head++) {
          for (let from = 0; from < queries; from += QUERY_BLOCK) {
            const rows = Math.min(QUERY_BLOCK, queries - from);
            const seen = before + from + rows;
            const query = source + (first + from) * xRow + 4 * head * headSize;
            const p = probabilities + 4 * stride * (head * queries + from);
            gemm(query, xRow, 4, keys, headSize, p, 4 * stride, rows, seen, headSize, 0, edge);
            softmax(p, 4 * stride, rows, before + from + 1, 1, roundUp(seen, 4), scale);
            const mixed = target + (first + from) * outRow + 4 * head * headSize;
            gemm(p, 4 * stride, 4, values, length, mixed, outRow, rows, headSize, seen, 0, edge);
          }
        }
      }
      probabilities += 4 * weightsSize(run, heads);
    }
  });
  return [out, weights];
}

/** The gradient of `attend` with respect to x, given the gradients of the mixed values. */
export function attendGradient(
  backend: WasmBackend,
  x: TensorInfo,
  weights: TensorInfo,
  gradients: TensorInfo,
  layout: HeadLayout,
  paths?: Paths,
): TensorInfo {
  const { heads, kvHeads, headSize } = layout;
  const runs = paths === undefined ? batchRuns(layout) : pathRuns(paths);
  const { pack, gemm, softmaxGradient } = loopsOf(backend);
  const dx = backend.makeOutput(x.shape, 'float32');
  const width = (heads + 2 * kvHeads) * headSize;
  const kvWidth = 2 * kvHeads * headSize;
  const [xRow, outRow] = [4 * width, 4 * heads * headSize];
  const group = heads / kvHeads;
  const scale = 1 / Math.sqrt(headSize);
  const longest = longestOf(runs);
  const block = packedSize(QUERY_BLOCK, headSize);
  const room = paths === undefined ? 0 : longest * kvWidth;
  const sizes = [
    packedSize(longest, headSize),
    packedSize(headSize, longest),
    block,
    block,
    QUERY_BLOCK * roundUp(longest, 8),
    EDGE_SIZE,
    room,
    room,
  ];
  withScratch(backend, sizes, (...areas) => {
    const [keys, values, queryPanels, gradientPanels, ds, edge, gathered, gradientsKv] = areas as [
      number,
      number,
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    const [source, start, above, target] = [x, weights, gradients, dx].map((tensor) =>
      addressOf(backend, tensor),
    ) as [number, number, number, number];
    // Keys and values that several runs see get gradients from each.
    const memory = floatsOf(backend);
    if (paths !== undefined) viewOf(backend, dx).fill(0);
    let probabilities = start;
    for (const run of runs) {
      const { first, queries, length, path } = run;
      const stride = roundUp(length, 8);
      const before = length - queries;
      const kvAt = first * xRow + 4 * heads * headSize;
      let [kv, dkv, kvRow] = [source + kvAt, target + kvAt, xRow];
      if (path !== undefined) {
        gather(memory, source / 4, gathered / 4, paths!.tokens.subarray(path, path + length), width, kvWidth);
        [kv, dkv, kvRow] = [gathered, gradientsKv, 4 * kvWidth];
      }
      for (let shared = 0; shared < kvHeads; shared++) {
        const [keyAt, valueAt] = [4 * shared * headSize, 4 * (kvHeads + shared) * headSize];
        pack(kv + keyAt, kvRow, 4, length, headSize, keys);
        pack(kv + valueAt, 4, kvRow, headSize, length, values);
        // From the last block back: the first one done reaches every key, and starts the sums.
        let add = 0;
        for (let head = shared * group; head < (shared + 1) * group; head++) {
          const lastBlock = QUERY_BLOCK * Math.floor((queries - 1) / QUERY_BLOCK);
          for (let from = lastBlock; from >= 0; from -= QUERY_BLOCK) {
            const rows = Math.min(QUERY_BLOCK, queries - from);
            const seen = before + from + rows;
            const wide = roundUp(seen, 4);
            const p = probabilities + 4 * stride * (head * queries + from);
            const gradient = above + (first + from) * outRow + 4 * head * headSize;
            const query = (first + from) * xRow + 4 * head * headSize;
            gemm(gradient, outRow, 4, values, headSize, ds, 4 * stride, rows, wide, headSize, 0, edge);
            softmaxGradient(p, ds, 4 * stride, rows, wide, scale);
            gemm(ds, 4 * stride, 4, keys, length, target + query, xRow, rows, headSize, seen, 0, edge);
            pack(source + query, xRow, 4, rows, headSize, queryPanels);
            pack(gradient, outRow, 4, rows, headSize, gradientPanels);
            gemm(ds, 4, 4 * stride, queryPanels, rows, dkv + keyAt, kvRow, seen, headSize, rows, add, edge);
            gemm(
              p,
              4,
              4 * stride,
              gradientPanels,
              rows,
              dkv + valueAt,
              kvRow,
              seen,
              headSize,
              rows,
              add,
              edge,
            );
            add = 1;
          }
        }
      }
      if (path !== undefined) {
        scatter(
          memory,
          gradientsKv / 4,
          target / 4,
          paths!.tokens.subarray(path, path + length),
          width,
          kvWidth,
        );
      }
      probabilities += 4 * weightsSize(run, heads);
    }
  });
  return dx;
}

/** Copies keys and values of a sequence side by side. Places count in floats. */
function gather(
  memory: Float32Array,
  x: number,
  into: number,
  tokens: Int32Array,
  width: number,
  kvWidth: number,
): void {
  for (let position = 0; position < tokens.length; position++) {
    const from = x + (tokens[position]! + 1) * width - kvWidth;
    memory.copyWithin(into + position * kvWidth, from, from + kvWidth);
  }
}

/** Adds the gradients of a sequence's keys and values to those of its tokens. */
function scatter(
  memory: Float32Array,
  from: number,
  dx: number,
  tokens: Int32Array,
  width: number,
  kvWidth: number,
): void {
  for (let position = 0; position < tokens.length; position++) {
    const to = dx + (tokens[position]! + 1) * width - kvWidth;
    const start = from + position * kvWidth;
    for (let index = 0; index < kvWidth; index++) memory[to + index]! += memory[start + index]!;
  }
}
