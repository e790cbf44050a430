// Entry point of a process that tries one backend: a broken native library may end the process that loads it.
import * as tf from '@tensorflow/tfjs';
import { type BackendName, loadBackend } from '../policies/tensor/backend.ts';
import { BackendMissing } from '../policies/tensor/missing.ts';
import type { BackendReport } from './backends.ts';

process.once('message', async (name: BackendName) => {
  process.send!(await tryBackend(name));
  // Drivers may keep a process alive.
  process.exit();
});

async function tryBackend(name: BackendName): Promise<BackendReport> {
  try {
    const note = await loadBackend(name);
    const product = await tf.tidy(() => tf.matMul(tf.tensor2d([[1, 2]]), tf.tensor2d([[3], [4]]))).data();
    if (product.length === 1 && product[0] === 11) return { name, available: true, note, fix: '' };
    return {
      name,
      available: false,
      note: `multiplies matrices wrongly: [1 2] · [3 4]ᵀ = ${product}`,
      fix: '',
    };
  } catch (error) {
    if (error instanceof BackendMissing) return { name, available: false, note: error.why, fix: error.fix };
    const [note = ''] = (error instanceof Error ? error.message : String(error)).split('\n');
    return { name, available: false, note, fix: '' };
  }
}
