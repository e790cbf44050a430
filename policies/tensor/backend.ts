import * as tf from '@tensorflow/tfjs';
import { InputError } from '../../core/errors.ts';
import { loadNative } from './native/load.ts';
import { registerGradients } from './ops.ts';
import { loadWasm } from './wasm/load.ts';
import { loadWebGpu } from './webgpu/load.ts';

/** Every way to run tensors: `wasm` needs nothing but npm; `tensorflow` needs a native package, `webgpu` a package and a GPU. */
const LOADERS = {
  tensorflow: loadNative,
  wasm: loadWasm,
  webgpu: loadWebGpu,
} as const;

/** Where tensors live. */
export type BackendName = keyof typeof LOADERS;

/** All backends. */
export const BACKENDS = Object.keys(LOADERS) as readonly BackendName[];

/**
 * Makes tfjs run on the given backend, for the whole process.
 * @returns what it runs on, in words.
 * @throws InputError when the backend is not known or cannot run here; BackendMissing where a command helps.
 */
export async function loadBackend(name: BackendName): Promise<string> {
  if (!BACKENDS.includes(name)) {
    throw new InputError(`backend: '${name}' is not one of ${BACKENDS.join(', ')}`);
  }
  // Production mode also keeps tfjs from printing its hints.
  tf.enableProdMode();
  registerGradients();
  return LOADERS[name]();
}

/** The backends that load here, in the order of `BACKENDS`, and why the others do not. Leaves `wasm` loaded. */
export async function availableBackends(): Promise<
  readonly { readonly name: BackendName; readonly problem?: string }[]
> {
  const found: { name: BackendName; problem?: string }[] = [];
  for (const name of BACKENDS) {
    try {
      await loadBackend(name);
      found.push({ name });
    } catch (error) {
      found.push({ name, problem: error instanceof Error ? error.message : String(error) });
    }
  }
  await loadBackend('wasm').catch(() => {}); // its problem is among those found
  return found;
}
