import type { TensorInfo } from '@tensorflow/tfjs';
import { PANEL } from './gemm.ts';
import { addressOf, loopsOf, type WasmBackend, withScratch } from './memory.ts';

/** Rows of A and steps of the depth worked on at a time, so that both sides stay in the first-level cache. */
const ROW_BLOCK = 64;
const DEPTH_BLOCK = 256;

/** Floats that a packed matrix takes: its columns filled up to whole panels. */
export const packedSize = (rows: number, columns: number): number =>
  rows * PANEL * Math.ceil(columns / PANEL);

/** Floats of scratch for tiles at the right edge. */
export const EDGE_SIZE = 32;

/** `matMul` of tfjs for two matrices, either of them transposed. Float32. */
export function multiplyMatrices(
  backend: WasmBackend,
  a: TensorInfo,
  b: TensorInfo,
  transposeA: boolean,
  transposeB: boolean,
): TensorInfo {
  const [rows, depth] = transposeA ? [a.shape[1]!, a.shape[0]!] : [a.shape[0]!, a.shape[1]!];
  const columns = transposeB ? b.shape[0]! : b.shape[1]!;
  const out = backend.makeOutput([rows, columns], 'float32');
  const { pack, gemm } = loopsOf(backend);
  const aRow = transposeA ? 4 : 4 * depth;
  const aStep = transposeA ? 4 * rows : 4;
  const bRow = transposeB ? 4 : 4 * columns;
  const bColumn = transposeB ? 4 * depth : 4;
  const [left, right, target] = [addressOf(backend, a), addressOf(backend, b), addressOf(backend, out)];
  withScratch(backend, [packedSize(Math.min(depth, DEPTH_BLOCK), columns), EDGE_SIZE], (panels, edge) => {
    for (let from = 0; from < depth; from += DEPTH_BLOCK) {
      const steps = Math.min(DEPTH_BLOCK, depth - from);
      pack(right + from * bRow, bRow, bColumn, steps, columns, panels!);
      for (let row = 0; row < rows; row += ROW_BLOCK) {
        gemm(
          left + row * aRow + from * aStep,
          aRow,
          aStep,
          panels!,
          steps,
          target + 4 * row * columns,
          4 * columns,
          Math.min(ROW_BLOCK, rows - row),
          columns,
          steps,
          from > 0 ? 1 : 0,
          edge!,
        );
      }
    }
  });
  return out;
}
