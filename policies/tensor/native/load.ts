import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { BackendMissing } from '../missing.ts';
import { findNative, libraryFolder, NATIVE_PACKAGES, type NativePackage, SHARED_PACKAGES } from './locate.ts';
import { type NativeBackend, replaceMatMul } from './products.ts';
import { truncatedLibrary } from './truncated.ts';

/**
 * What libtensorflow reads from the environment when it is loaded, unless the user has said otherwise. One thread:
 * the same as `wasm`, and workers are the way to use more cores.
 */
const SETTINGS = {
  TF_NUM_INTRAOP_THREADS: '1',
  TF_NUM_INTEROP_THREADS: '1',
  // What is wanted of it is taken without (products.ts), and it prints a notice in every process.
  TF_ENABLE_ONEDNN_OPTS: '0',
  TF_CPP_MIN_LOG_LEVEL: '2',
  // For products that are left to the library: Eigen's instead of oneDNN's `sgemm`, whose AVX-512 code computes with the
  // stack pointer in the heap: a signal that is caught meanwhile (a resized terminal, a profiler) overwrites memory,
  // and the process aborts. oneDNN's `matmul` does not.
  TENSORFLOW_USE_CUSTOM_CONTRACTION_KERNEL: '0',
  // On a GPU: float32 means float32, sums have a fixed order, and workers share the memory.
  NVIDIA_TF32_OVERRIDE: '0',
  TF_DETERMINISTIC_OPS: '1',
  TF_FORCE_GPU_ALLOW_GROWTH: 'true',
} as const;

const fixFor = (gpu: boolean): string => `creditbench doctor --install-tensorflow${gpu ? ' gpu' : ''}`;

/**
 * Makes tfjs run on TensorFlow's own library, through the native package that `findNative` finds.
 * @returns which library, device and number of threads, in words.
 * @throws BackendMissing when there is none, or when it or its library is broken.
 */
export async function loadNative(): Promise<string> {
  const found = findNative();
  if (found === undefined) {
    const { CREDITBENCH_TENSORFLOW: named } = process.env;
    const where = named ? `, and CREDITBENCH_TENSORFLOW=${named} has none` : '';
    throw new BackendMissing(
      'tensorflow',
      `needs one of ${NATIVE_PACKAGES.join(', ')}${where}`,
      fixFor(false),
    );
  }
  const broken = (why: string) =>
    new BackendMissing('tensorflow', why.split('\n')[0]!, fixFor(found.name.endsWith('gpu')));
  const libraries = libraryFolder(found);
  const cut = existsSync(libraries) ? truncatedLibrary(libraries) : undefined;
  if (cut !== undefined) throw broken(`has a broken libtensorflow: ${basename(cut)} is cut short (${cut})`);
  for (const [name, value] of Object.entries(SETTINGS)) process.env[name] ??= value;
  try {
    requireOnOurTfjs(found);
  } catch (error) {
    throw broken(`cannot load ${found.name}: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (!(await tf.setBackend('tensorflow'))) throw broken(`does not start ${found.name}`);
  const backend = tf.backend() as unknown as NativeBackend;
  const { binding, isGPUPackage, isUsingGpuDevice } = backend;
  if (!isUsingGpuDevice) replaceMatMul(backend);
  const device = isUsingGpuDevice ? 'GPU' : isGPUPackage ? 'CPU (it sees no GPU)' : 'CPU';
  return `libtensorflow ${binding.TF_Version} on the ${device}, threads: ${process.env.TF_NUM_INTRAOP_THREADS}`;
}

/**
 * Loads the native package. It asks for the tfjs that lies beside it; what it gets is the one that we use, because
 * there must be one only: kernels and gradients are registered with it.
 */
function requireOnOurTfjs({ manifest }: NativePackage): void {
  const theirs = createRequire(manifest);
  const ours = createRequire(createRequire(import.meta.url).resolve('@tensorflow/tfjs'));
  for (const name of SHARED_PACKAGES) {
    ours(name);
    theirs.cache[theirs.resolve(name)] = ours.cache[ours.resolve(name)];
  }
  theirs(dirname(manifest));
}
