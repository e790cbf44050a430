import { createRequire } from 'node:module';
import { dirname, sep } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { setThreadsCount, setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import { InputError } from '../../../core/errors.ts';
import { registerWasmKernels } from './register.ts';

/**
 * Makes tfjs run on WebAssembly, with the fused kernels. One thread: two runs give the same bits.
 * @returns what that is, in words.
 */
export async function loadWasm(): Promise<string> {
  if (tf.findBackend('wasm') === null) {
    const main = createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm');
    setWasmPaths(dirname(main) + sep);
    setThreadsCount(1);
    tf.env().set('WASM_HAS_MULTITHREAD_SUPPORT', false);
  }
  if (!(await tf.env().getAsync('WASM_HAS_SIMD_SUPPORT')) || !(await tf.setBackend('wasm'))) {
    throw new InputError('backend: wasm needs WebAssembly with SIMD, which this machine does not run');
  }
  registerWasmKernels();
  return 'WebAssembly with 128-bit SIMD on the CPU, threads: 1';
}
