import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';

/** A compute shader in the form that tfjs compiles and caches. */
export type Program = Parameters<WebGPUBackend['runWebGPUProgram']>[0];

/** Threads of a workgroup. */
export const LANES = 64;

/** A program with one thread per index from 0 to `threads`, which calls `main(index)` (and some more after them). */
export function program(
  key: string,
  outputShape: readonly number[],
  variableNames: string[],
  threads: number,
  code: string,
  more: Partial<Program> = {},
): Program {
  return {
    variableNames,
    outputShape: [...outputShape],
    shaderKey: `creditbench_${key}`,
    dispatch: [Math.ceil(threads / LANES), 1, 1],
    dispatchLayout: { x: [...outputShape.keys()] },
    workgroupSize: [LANES, 1, 1],
    getUserCode: () => code,
    ...more,
  };
}
