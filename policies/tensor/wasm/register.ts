import { getKernel, registerKernel, type TensorInfo, unregisterKernel } from '@tensorflow/tfjs';
import type { HeadLayout, Paths } from '../layout.ts';
import type { PagedAttributes } from '../page-store.ts';
import { attend, attendGradient } from './attention.ts';
import { multiplyMatrices } from './matmul.ts';
import { addressOf, loopsOf, viewOf, type WasmBackend } from './memory.ts';
import { attendPages, copyPage } from './paged-attention.ts';

type Inputs = Readonly<Record<string, TensorInfo>>;
type Kernel<Attributes> = (
  backend: WasmBackend,
  inputs: Inputs,
  attributes: Attributes,
) => TensorInfo | TensorInfo[];

/**
 * Registers the fused kernels for the `wasm` backend, and faster ones in place of two of its own:
 * `BatchMatMul` (a scalar loop when a matrix is transposed) and `Identity` (a copy). Does nothing the second time.
 */
export function registerWasmKernels(): void {
  if (getKernel('CausalAttention', 'wasm') !== undefined) return;
  replaceMatMul();
  replaceIdentity();
  register<{ epsilon: number }>('RmsNorm', (backend, { x, gain }, { epsilon }) => {
    const [rows, width] = x!.shape as [number, number];
    const out = backend.makeOutput(x!.shape, 'float32');
    loopsOf(backend).rmsNorm(...addresses(backend, x!, gain!, out), rows, width, epsilon);
    return out;
  });
  register<{ epsilon: number }>('RmsNormGradient', (backend, { x, gain, gradients }, { epsilon }) => {
    const [rows, width] = x!.shape as [number, number];
    const dx = backend.makeOutput(x!.shape, 'float32');
    const dgain = zeros(backend, [width]);
    const where = addresses(backend, x!, gain!, gradients!, dx, dgain);
    loopsOf(backend).rmsNormGradient(...where, rows, width, epsilon);
    return [dx, dgain];
  });
  register('SwiGlu', (backend, { x }) => {
    const [rows, width] = [x!.shape[0]!, x!.shape[1]! / 2];
    const out = backend.makeOutput([rows, width], 'float32');
    loopsOf(backend).swiGlu(...addresses(backend, x!, out), rows, width);
    return out;
  });
  register('SwiGluGradient', (backend, { x, gradients }) => {
    const dx = backend.makeOutput(x!.shape, 'float32');
    const where = addresses(backend, x!, gradients!, dx);
    loopsOf(backend).swiGluGradient(...where, x!.shape[0]!, x!.shape[1]! / 2);
    return dx;
  });
  register<HeadLayout & { direction: number }>('Rotate', (backend, { x, cos, sin }, attributes) => {
    const { batch, length, heads, kvHeads, headSize, direction } = attributes;
    const out = backend.makeOutput(x!.shape, 'float32');
    const { rotate } = loopsOf(backend);
    const [source, target, cosines, sines] = addresses(backend, x!, out, cos!, sin!);
    for (let row = 0; row < batch; row++) {
      const offset = 4 * row * length * x!.shape[1]!;
      const sizes = [length, heads + kvHeads, headSize / 2, kvHeads * headSize] as const;
      rotate(source! + offset, target! + offset, cosines!, sines!, ...sizes, direction);
    }
    return out;
  });
  register<HeadLayout>('CausalAttention', (backend, { x }, layout) => attend(backend, x!, layout));
  register<HeadLayout>('CausalAttentionGradient', (backend, { x, weights, gradients }, layout) =>
    attendGradient(backend, x!, weights!, gradients!, layout),
  );
  register<HeadLayout & { paths: Paths }>('PathAttention', (backend, { x }, { paths, ...layout }) =>
    attend(backend, x!, layout, paths),
  );
  register<HeadLayout & { paths: Paths }>(
    'PathAttentionGradient',
    (backend, { x, weights, gradients }, { paths, ...layout }) =>
      attendGradient(backend, x!, weights!, gradients!, layout, paths),
  );
  register<PagedAttributes>('PagedAttention', (backend, { x, ...slabs }, attributes) =>
    // Integer names come in ascending order.
    attendPages(backend, x!, Object.values(slabs), attributes),
  );
  register<{ from: number; to: number }>('CopyPage', (backend, { source, target }, pages) => {
    copyPage(backend, source!, target!, pages);
    return backend.makeOutput([0], 'float32');
  });
  register('TakeRows', (backend, { matrix, indices }) => {
    const [count, width] = [indices!.shape[0]!, matrix!.shape[1]!];
    const out = backend.makeOutput([count, width], 'float32');
    loopsOf(backend).takeRows(...addresses(backend, matrix!, indices!, out), count, width);
    return out;
  });
  register<{ count: number }>('ScatterRows', (backend, { rows, indices }, { count }) => {
    const width = rows!.shape[1]!;
    const out = zeros(backend, [count, width]);
    loopsOf(backend).scatterRows(...addresses(backend, rows!, indices!, out), indices!.shape[0]!, width);
    return out;
  });
  register('CrossEntropy', (backend, { logits, targets }) => crossEntropy(backend, logits!, targets!));
  register('CrossEntropyGradient', (backend, { probabilities, targets, gradients }) =>
    crossEntropyGradient(backend, probabilities!, targets!, gradients!),
  );
}

function register<Attributes>(kernelName: string, kernel: Kernel<Attributes>): void {
  registerKernel({
    kernelName,
    backendName: 'wasm',
    kernelFunc: ({ inputs, attrs, backend }) =>
      kernel(backend as WasmBackend, inputs as Inputs, attrs as Attributes),
  });
}

function replaceMatMul(): void {
  const original = getKernel('BatchMatMul', 'wasm');
  unregisterKernel('BatchMatMul', 'wasm');
  registerKernel({
    ...original,
    kernelFunc: (call) => {
      const { a, b } = call.inputs as Inputs;
      const { transposeA, transposeB } = call.attrs as { transposeA: boolean; transposeB: boolean };
      if (a!.shape.length !== 2 || b!.shape.length !== 2) return original.kernelFunc(call);
      return multiplyMatrices(call.backend as WasmBackend, a!, b!, transposeA, transposeB);
    },
  });
}

/** Tensors are immutable, so that a clone can share its data, as it does on the other backends. */
function replaceIdentity(): void {
  unregisterKernel('Identity', 'wasm');
  register('Identity', (backend, { x }) => {
    backend.incRef(x!.dataId);
    return { dataId: x!.dataId, shape: x!.shape, dtype: x!.dtype };
  });
}

const addresses = (backend: WasmBackend, ...tensors: readonly TensorInfo[]): number[] =>
  tensors.map((tensor) => addressOf(backend, tensor));

function zeros(backend: WasmBackend, shape: readonly number[]): TensorInfo {
  const out = backend.makeOutput(shape, 'float32');
  viewOf(backend, out).fill(0);
  return out;
}

/** -log softmax(logits)[target] of every row, and the softmax for the gradient. */
function crossEntropy(backend: WasmBackend, logits: TensorInfo, targets: TensorInfo): TensorInfo[] {
  const [rows, width] = logits.shape as [number, number];
  const losses = backend.makeOutput([rows], 'float32');
  const probabilities = backend.makeOutput(logits.shape, 'float32');
  const [scores, p, wanted, out] = [logits, probabilities, targets, losses].map((tensor) =>
    viewOf(backend, tensor),
  ) as [Float32Array, Float32Array, Int32Array, Float32Array];
  p.set(scores);
  loopsOf(backend).softmax(addressOf(backend, probabilities), 4 * width, rows, width, 0, width, 1);
  for (let row = 0; row < rows; row++) {
    const at = row * width + wanted[row]!;
    let log = Math.log(p[at]!);
    if (p[at]! < 1e-30) {
      // Too small for float32: go by the distance to the most likely entry, whose probability is not.
      let best = row * width;
      for (let other = best + 1; other < (row + 1) * width; other++) if (p[other]! > p[best]!) best = other;
      log = Math.log(p[best]!) + scores[at]! - scores[best]!;
    }
    out[row] = -log;
  }
  return [losses, probabilities];
}

/** gradient · (p - [entry = target]) for every row. */
function crossEntropyGradient(
  backend: WasmBackend,
  probabilities: TensorInfo,
  targets: TensorInfo,
  gradients: TensorInfo,
): TensorInfo {
  const [rows, width] = probabilities.shape as [number, number];
  const out = backend.makeOutput(probabilities.shape, 'float32');
  const [wanted, gradient, result] = [targets, gradients, out].map((tensor) => viewOf(backend, tensor)) as [
    Int32Array,
    Float32Array,
    Float32Array,
  ];
  loopsOf(backend).scaleRows(...addresses(backend, probabilities, gradients, out), rows, width);
  for (let row = 0; row < rows; row++) result[row * width + wanted[row]!]! -= gradient[row]!;
  return out;
}
