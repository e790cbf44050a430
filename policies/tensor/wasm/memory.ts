import type { DataType, TensorInfo } from '@tensorflow/tfjs';
import { compileLoops, type Loops } from './module.ts';

/** What is used of the tfjs WebAssembly backend. */
export interface WasmBackend {
  readonly wasm: {
    readonly asm: { readonly memory: { readonly buffer: ArrayBuffer } };
    _malloc(bytes: number): number;
    _free(address: number): void;
  };
  readonly dataIdMap: { get(id: object): { readonly memoryOffset: number } };
  /** Counts one more tensor on the same data. */
  incRef(id: object): void;
  makeOutput(shape: readonly number[], type: DataType): TensorInfo;
}

const compiled = new WeakMap<WasmBackend, Loops>();

/** The compiled loops over the backend's memory, made on first use. */
export function loopsOf(backend: WasmBackend): Loops {
  let loops = compiled.get(backend);
  if (loops === undefined) {
    loops = compileLoops(backend.wasm.asm.memory);
    compiled.set(backend, loops);
  }
  return loops;
}

/** The address of a tensor's first element in the backend's memory. */
export const addressOf = (backend: WasmBackend, tensor: TensorInfo): number =>
  backend.dataIdMap.get(tensor.dataId).memoryOffset;

/** A tensor's elements, in place. Only valid until the next allocation: the memory may grow and move. */
export function viewOf(backend: WasmBackend, tensor: TensorInfo): Float32Array | Int32Array {
  const size = tensor.shape.reduce((product, extent) => product * extent, 1);
  const View = tensor.dtype === 'int32' ? Int32Array : Float32Array;
  return new View(backend.wasm.asm.memory.buffer, addressOf(backend, tensor), size);
}

/** The whole memory. Only valid until the next allocation. */
export const floatsOf = (backend: WasmBackend): Float32Array =>
  new Float32Array(backend.wasm.asm.memory.buffer);

/** Runs `body` with the addresses of scratch areas of the given sizes in floats, and frees them after. */
export function withScratch<Result>(
  backend: WasmBackend,
  sizes: readonly number[],
  body: (...addresses: number[]) => Result,
): Result {
  const bytes = sizes.map((size) => 16 * Math.ceil(size / 4));
  const start = backend.wasm._malloc(bytes.reduce((sum, size) => sum + size, 0)) >>> 0;
  if (start === 0) throw new Error('wasm backend: out of memory');
  let next = start;
  const addresses = bytes.map((size) => {
    next += size;
    return next - size;
  });
  try {
    return body(...addresses);
  } finally {
    backend.wasm._free(start);
  }
}
