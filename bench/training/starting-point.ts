import { createHash } from 'node:crypto';
import { canonicalJson } from '../../core/canonical-json.ts';
import { type Cell, unnamed } from '../cell.ts';

/** Functions whose last bits a Node version or a processor may round otherwise. */
const FUNCTIONS = ['exp', 'expm1', 'log', 'log1p', 'sin', 'cos', 'tanh', 'sqrt', 'cbrt', 'atan'] as const;

/** Numbers that are hashed at once. */
const PIECE = 1 << 20;

/** Equal for cells that start from the same data and weights: `inputs` are the contents of the files that they name. */
export function startingKey({ environment, policy, warmStart, backend, inputs }: Cell): string {
  return canonicalJson({
    environment: unnamed(environment),
    policy: unnamed(policy),
    warmStart,
    backend,
    ...(inputs === undefined ? {} : { inputs }),
  });
}

/**
 * SHA-256 of what training starts from and computes with: the environment's data, the starting weights, and how this
 * process rounds. Machines that differ in it would compute different numbers for the same cell.
 */
export function startingDigest(fingerprint: string, parameters: ArrayLike<number>): string {
  const probes = Float64Array.from({ length: 500 }, (_, index) => 1e-3 * 1.03 ** index);
  const hash = createHash('sha256').update(fingerprint);
  // In pieces: a published model has more numbers than one buffer may have bytes.
  for (let from = 0; from < parameters.length; from += PIECE) {
    const length = Math.min(PIECE, parameters.length - from);
    const piece = Float64Array.from({ length }, (_, index) => parameters[from + index]!);
    hash.update(Buffer.from(piece.buffer));
  }
  for (const name of FUNCTIONS) hash.update(Buffer.from(probes.map((value) => Math[name](value)).buffer));
  return hash.update(Buffer.from(probes.map((value) => value ** 1.37).buffer)).digest('hex');
}
