import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { createJiti } from 'jiti';
import type { AnyAlgorithm } from '../algorithms/algorithm.ts';
import { findAlgorithm } from '../algorithms/registry.ts';
import { InputError } from '../core/errors.ts';
import { tell } from './terminal.ts';

const FUNCTIONS = ['next', 'credit', 'objective', 'budget'] as const;

/**
 * The algorithm of that name, or the default export of that file (.ts, .js, .mjs; anything with a dot or slash
 * in it is taken for a file). A file is run as code, with all the rights of this process.
 * @throws InputError when there is no such algorithm or file, or when it exports no algorithm.
 */
export async function loadAlgorithm(nameOrFile: string): Promise<AnyAlgorithm> {
  if (!/[./\\]/.test(nameOrFile)) return findAlgorithm(nameOrFile);
  const file = resolve(nameOrFile);
  if (!existsSync(file)) throw new InputError(`--algorithm: there is no file ${nameOrFile}`);
  tell(`note: ${nameOrFile} is code and runs with all your rights\n`);
  // Users' files may import 'creditbench' and 'zod' wherever they lie.
  const own = new URL(import.meta.url.endsWith('.ts') ? '../index.ts' : '../index.js', import.meta.url);
  const jiti = createJiti(pathToFileURL(file).href, {
    alias: { creditbench: fileURLToPath(own), zod: fileURLToPath(import.meta.resolve('zod')) },
  });
  let module: { default?: unknown };
  try {
    module = await jiti.import(file);
  } catch (error) {
    throw new InputError(`--algorithm: ${nameOrFile} cannot be loaded: ${String(error)}`);
  }
  const algorithm = module.default as Partial<AnyAlgorithm> | undefined;
  const missing = [
    ...(typeof algorithm?.id === 'string' ? [] : ['id']),
    ...(typeof algorithm?.schema?.safeParse === 'function' ? [] : ['schema (a zod schema)']),
    ...(algorithm?.description?.granularity === undefined ? ['description.granularity'] : []),
    ...FUNCTIONS.filter((name) => typeof algorithm?.[name] !== 'function'),
  ];
  if (missing.length > 0) {
    throw new InputError(
      `--algorithm: the default export of ${nameOrFile} is no algorithm; missing: ${missing.join(', ')}`,
    );
  }
  return algorithm as AnyAlgorithm;
}
