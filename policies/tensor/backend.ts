import { createRequire } from 'node:module';
import { dirname, sep } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { setThreadsCount, setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import { InputError } from '../../core/errors.ts';
import { registerGradients } from './ops.ts';
import { registerWasmKernels } from './wasm/register.ts';

/** Where tensors live: `wasm` needs nothing but npm; `tensorflow` needs a native package beside it. */
export type BackendName = 'wasm' | 'tensorflow';

/** All backends, the most portable first. */
export const BACKENDS: readonly BackendName[] = ['wasm', 'tensorflow'];

const NATIVE_PACKAGES = ['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node'];

/**
 * Makes tfjs run on the given backend, for the whole process. One thread: two runs give the same bits.
 * @throws InputError when the backend is not installed or cannot run here.
 */
export async function loadBackend(name: BackendName): Promise<void> {
  if (!BACKENDS.includes(name)) {
    throw new InputError(`backend: '${name}' is not one of ${BACKENDS.join(', ')}`);
  }
  // Production mode also keeps tfjs from printing its hints.
  tf.enableProdMode();
  registerGradients();
  if (name === 'wasm') await loadWasm();
  else await loadNative();
}

/** The backends that load here, in the order of `BACKENDS`, and why the others do not. Leaves `wasm` loaded. */
export async function availableBackends(): Promise<
  readonly { readonly name: BackendName; readonly problem?: string }[]
> {
  const found: { name: BackendName; problem?: string }[] = [];
  for (const name of [...BACKENDS].reverse()) {
    try {
      await loadBackend(name);
      found.unshift({ name });
    } catch (error) {
      found.unshift({ name, problem: error instanceof Error ? error.message : String(error) });
    }
  }
  return found;
}

async function loadWasm(): Promise<void> {
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
}

async function loadNative(): Promise<void> {
  for (const name of NATIVE_PACKAGES) {
    try {
      await import(name);
    } catch (error) {
      if ((error as { code?: string }).code !== 'ERR_MODULE_NOT_FOUND') throw error;
      continue;
    }
    if (await tf.setBackend('tensorflow')) return;
  }
  throw new InputError(
    `backend: tensorflow needs one of ${NATIVE_PACKAGES.join(', ')}: install it with npm, or use wasm`,
  );
}
