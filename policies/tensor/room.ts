import * as tf from '@tensorflow/tfjs';
import { InputError } from '../../core/errors.ts';
import type { BackendName } from './backend.ts';

/** Bytes that WebAssembly addresses; other backends have what the machine has. */
const LIMITS: Partial<Record<BackendName, number>> = { wasm: 2 ** 32 - 2 ** 16 };

const mebibytes = (bytes: number): number => Math.ceil(bytes / 2 ** 20);

/** Floats that the current backend can still take; infinite where nothing is known. */
export function freeFloats(): number {
  const limit = LIMITS[tf.getBackend() as BackendName] ?? Number.POSITIVE_INFINITY;
  return Math.max(0, limit - tf.memory().numBytes) / 4;
}

/** @throws InputError when weights of so many floats do not fit into a backend. */
export function checkWeightsFit(floats: number, backend: BackendName): void {
  const limit = LIMITS[backend] ?? Number.POSITIVE_INFINITY;
  if (4 * floats <= limit) return;
  throw new InputError(
    `text-transformer: ${floats} parameters need ${mebibytes(4 * floats)} MiB, and backend ${backend} has ${mebibytes(limit)}; valid: a smaller model, or backend tensorflow`,
  );
}

/** @throws InputError when so many floats do not fit beside what the current backend holds; `what` needs them. */
export function checkRoom(floats: number, what: string): void {
  const free = freeFloats();
  if (floats <= free) return;
  const held = tf.memory().numBytes;
  throw new InputError(
    `text-transformer: ${what} needs ${mebibytes(4 * floats)} MiB beside the ${mebibytes(held)} that are in use, and backend ${tf.getBackend()} has ${mebibytes(held + 4 * free)} in all; valid: shorter contexts (the environment's maxTurns, maxActionTokens, maxObservationTokens), a smaller model, or backend tensorflow`,
  );
}
