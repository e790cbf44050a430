import { env, getKernel, registerKernel, type TensorInfo, unregisterKernel } from '@tensorflow/tfjs';
import { webgpu_util as util, type WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import type { HeadLayout } from '../layout.ts';
import type { PagedAttributes } from '../page-store.ts';
import { blockSumsProgram, blockTopsProgram, drawProgram } from './draw-programs.ts';
import {
  copyPageProgram,
  mixProgram,
  scoresProgram,
  weightsProgram,
  writePagesProgram,
} from './page-programs.ts';
import type { Program } from './program.ts';
import {
  alongRowsProgram,
  gainGradientsProgram,
  inverseNormProgram,
  normGradientsProgram,
  rotateProgram,
  scaledRowsProgram,
  scatterRowsProgram,
  sumRowsProgram,
  swiGluGradientsProgram,
  swiGluProgram,
  takeRowsProgram,
} from './row-programs.ts';

type Inputs = Readonly<Record<string, TensorInfo>>;
type Kernel<Attributes> = (
  backend: WebGPUBackend,
  inputs: Inputs,
  attributes: Attributes,
) => TensorInfo | TensorInfo[];

/** Registers the kernels for the `webgpu` backend, and one in place of its own. Does nothing the second time. */
export function registerWebGpuKernels(): void {
  if (getKernel('PagedAttention', 'webgpu') !== undefined) return;
  replaceMatMul();
  register<{ epsilon: number }>('RmsNorm', (backend, { x, gain }, { epsilon }) => {
    const [rows, width] = x!.shape as [number, number];
    const inverse = inverseNorm(backend, x!, epsilon);
    const out = run(backend, scaledRowsProgram(rows, width), [x!, gain!, inverse]);
    backend.disposeData(inverse.dataId);
    return out;
  });
  register<{ epsilon: number }>('RmsNormGradient', (backend, { x, gain, gradients }, { epsilon }) => {
    const [rows, width] = x!.shape as [number, number];
    const inverse = inverseNorm(backend, x!, epsilon);
    const along = run(backend, alongRowsProgram(rows), [x!, gain!, gradients!, inverse]);
    const dx = run(backend, normGradientsProgram(rows, width), [x!, gain!, gradients!, inverse, along]);
    const sums = run(backend, gainGradientsProgram(rows, width), [x!, gradients!, inverse]);
    const dgain = run(backend, sumRowsProgram(width), [sums]);
    for (const { dataId } of [inverse, along, sums]) backend.disposeData(dataId);
    return [dx, dgain];
  });
  register('SwiGlu', (backend, { x }) => run(backend, swiGluProgram(x!.shape[0]!, x!.shape[1]! / 2), [x!]));
  register('SwiGluGradient', (backend, { x, gradients }) =>
    run(backend, swiGluGradientsProgram(x!.shape[0]!, x!.shape[1]! / 2), [x!, gradients!]),
  );
  register<HeadLayout & { direction: number }>('Rotate', (backend, { x, cos, sin }, attributes) => {
    const turn = rotateProgram(x!.shape[0]!, attributes);
    return run(backend, turn, [x!, cos!, sin!], [{ type: 'float32', data: [attributes.direction] }]);
  });
  register('TakeRows', (backend, { matrix, indices }) =>
    run(backend, takeRowsProgram(indices!.shape[0]!, matrix!.shape[1]!), [matrix!, indices!]),
  );
  register<{ count: number }>('ScatterRows', (backend, { rows, indices }, { count }) =>
    run(backend, scatterRowsProgram(count, rows!.shape[1]!), [rows!, indices!]),
  );
  register<PagedAttributes>('PagedAttention', attendPages);
  register<{ temperature: number; greedy: boolean }>('DrawTokens', drawTokens);
  register<{ from: number; to: number }>('CopyPage', (backend, { target }, { from, to }) => {
    const [pages, floats] = target!.shape as [number, number];
    run(backend, copyPageProgram(pages, floats), [], integers(from, to), target);
    return backend.makeTensorInfo([0], 'float32', new Float32Array());
  });
}

type Uniforms = Parameters<WebGPUBackend['runWebGPUProgram']>[3];

const integers = (...values: readonly number[]): Uniforms =>
  values.map((value) => ({ type: 'int32', data: [value] }));

/** Runs a program on tensors of floats, into a new tensor or over an old one. */
const run = (
  backend: WebGPUBackend,
  program: Program,
  inputs: TensorInfo[],
  uniforms?: Uniforms,
  output?: TensorInfo,
): TensorInfo => backend.runWebGPUProgram(program, inputs, 'float32', uniforms, output);

const inverseNorm = (backend: WebGPUBackend, x: TensorInfo, epsilon: number): TensorInfo =>
  run(backend, inverseNormProgram(x.shape[0]!), [x], [{ type: 'float32', data: [epsilon] }]);

/** All pages are in one tensor: a shader can have only a few. */
function attendPages(
  backend: WebGPUBackend,
  { '0': cache, x }: Inputs,
  { shape, layer, pages, starts, positions }: PagedAttributes,
): TensorInfo {
  const tokens = positions.length;
  const longest = positions.reduce((most, position) => Math.max(most, position + 1), 0);
  const known = new Int32Array(pages.length + 2 * tokens);
  known.set(pages);
  known.set(starts, pages.length);
  known.set(positions, pages.length + tokens);
  const places = backend.makeTensorInfo([known.length], 'int32', known);
  const uniforms = integers(pages.length, tokens, layer);
  run(backend, writePagesProgram(shape, cache!.shape[0]!, tokens), [x!, places], uniforms, cache);
  const weights = run(backend, scoresProgram(shape, tokens, longest), [cache!, x!, places], uniforms);
  run(backend, weightsProgram(shape, tokens, longest), [places], uniforms, weights);
  const out = run(backend, mixProgram(shape, tokens), [cache!, weights, places], uniforms);
  for (const { dataId } of [places, weights]) backend.disposeData(dataId);
  return out;
}

function drawTokens(
  backend: WebGPUBackend,
  { logits, rows, uniforms }: Inputs,
  { temperature, greedy }: { readonly temperature: number; readonly greedy: boolean },
): TensorInfo {
  const [height, columns] = logits!.shape as [number, number];
  const uniform = { type: 'float32', data: [temperature] };
  const tops = run(backend, blockTopsProgram(height, columns), [logits!], [uniform]);
  const sums = run(backend, blockSumsProgram(height, columns), [logits!, tops], [uniform]);
  const inputs = [logits!, tops, sums, rows!, uniforms!];
  const drawn = run(backend, drawProgram(rows!.shape[0]!), inputs, [
    uniform,
    { type: 'int32', data: [greedy ? 1 : 0] },
  ]);
  for (const { dataId } of [tops, sums]) backend.disposeData(dataId);
  return drawn;
}

function register<Attributes>(kernelName: string, kernel: Kernel<Attributes>): void {
  registerKernel({
    kernelName,
    backendName: 'webgpu',
    kernelFunc: ({ inputs, attrs, backend }) =>
      kernel(backend as WebGPUBackend, inputs as Inputs, attrs as Attributes),
  });
}

/** Tiles up to which tfjs may split a sum of at least so many products, whatever the GPU. */
const SPLIT = { tiles: 32, products: 2000 };

/**
 * tfjs splits the long sums of small results over threads and adds the parts in the order in which they come, so that
 * two runs differ. There, its other kernel for small results is used.
 */
function replaceMatMul(): void {
  const original = getKernel('BatchMatMul', 'webgpu');
  const { MatMulSmallOutputSizeProgram: whole } = util.MatMulProgramType;
  unregisterKernel('BatchMatMul', 'webgpu');
  registerKernel({
    ...original,
    kernelFunc: (call) => {
      const { a, b } = call.inputs as Inputs;
      const { transposeA, transposeB } = call.attrs as { transposeA: boolean; transposeB: boolean };
      const [rows, products] = transposeA ? [a!.shape.at(-1)!, a!.shape.at(-2)!] : a!.shape.slice(-2);
      const columns = b!.shape.at(transposeB ? -2 : -1)!;
      const tiles = Math.ceil(rows! / 32) * Math.ceil(columns / 32);
      const splits = products! >= SPLIT.products && tiles <= SPLIT.tiles && rows! * columns > 128;
      env().set('WEBGPU_MATMUL_PROGRAM_TYPE', splits ? whole : -1);
      return original.kernelFunc(call);
    },
  });
}
