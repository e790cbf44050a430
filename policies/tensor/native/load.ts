import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import * as tf from '@tensorflow/tfjs';
import { InputError } from '../../../core/errors.ts';

const NATIVE_PACKAGES = ['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node'];

/** Makes tfjs run on TensorFlow's own library, through the first of its packages that is installed. */
export async function loadNative(): Promise<void> {
  for (const name of NATIVE_PACKAGES) {
    const file = fileOf(name);
    if (file === undefined) continue;
    await import(pathToFileURL(file).href);
    if (await tf.setBackend('tensorflow')) return;
  }
  throw new InputError(
    `backend: tensorflow needs one of ${NATIVE_PACKAGES.join(', ')}: install it with npm, or use wasm`,
  );
}

/** Where an installed package begins. */
function fileOf(name: string): string | undefined {
  try {
    return createRequire(import.meta.url).resolve(name);
  } catch {
    return undefined;
  }
}
