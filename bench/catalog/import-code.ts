import { existsSync, statSync } from 'node:fs';
import { isAbsolute, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { createJiti, type Jiti } from 'jiti';
import { InputError } from '../../core/errors.ts';
import { isPath } from './source.ts';

/** Seconds that importing a file may take. */
const IMPORT_SECONDS = 60;

/** A module's exports by name. */
export type Exports = Readonly<Record<string, unknown>>;

/** Imports users' code: files and installed packages, anew each time. */
export interface Importer {
  /**
   * The file of a module.
   * @param folders where it is looked for, in this order.
   * @throws InputError when there is none.
   */
  locate(module: string, folders: readonly string[]): string;
  /** @throws Error saying why it cannot be loaded; what the file throws. */
  load(file: string): Promise<Exports>;
}

/**
 * An importer whose modules find 'creditbench' and 'zod' wherever they lie: the instances that run here, not copies of them.
 */
export async function createImporter(): Promise<Importer> {
  const library = new URL(`../../index${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url);
  const jiti = createJiti(pathToFileURL(resolve('code')).href, {
    virtualModules: { creditbench: await import(library.href), zod: await import('zod') },
    // A file that has changed is another: nothing of its former content is taken for it.
    moduleCache: false,
  });
  return {
    locate: (module, folders) => locate(module, folders, jiti),
    load: (file) => guarded(() => jiti.import(file)),
  };
}

/** Packages that users' code gets from here, in the versions that run here. */
export const PROVIDED: readonly string[] = ['creditbench', 'zod'];

function locate(module: string, folders: readonly string[], jiti: Jiti): string {
  if (isPath(module)) {
    const candidates = isAbsolute(module) ? [module] : folders.map((folder) => resolve(folder, module));
    const found = candidates.find((file) => existsSync(file));
    if (found === undefined) throw new InputError(`there is no file ${candidates.join(', nor ')}`);
    if (!statSync(found).isFile())
      throw new InputError(`${found} is no file; valid: a file such as ./mine.ts`);
    return found;
  }
  for (const folder of folders) {
    const url = jiti.esmResolve(module, { parentURL: pathToFileURL(join(folder, 'code')).href, try: true });
    if (url !== undefined) return url.startsWith('file:') ? fileURLToPath(url) : url;
  }
  throw new InputError(`package ${module} is not installed; valid: npm install ${module}`);
}

/** Runs an import that may neither end this process nor wait forever. */
async function guarded(load: () => Promise<Exports>): Promise<Exports> {
  let stop: (error: Error) => void = () => {};
  const stopped = new Promise<never>((_, reject) => {
    stop = reject;
  });
  // With nothing left to do but to wait, Node would end the process.
  const drained = (): void => stop(new Error('it waits for something that never comes (await at its top)'));
  const late = (): void => stop(new Error(`it has not loaded within ${IMPORT_SECONDS} seconds`));
  process.once('beforeExit', drained);
  const timer = setTimeout(late, IMPORT_SECONDS * 1000).unref();
  const { exit } = process;
  process.exit = (code) => {
    const error = new Error(`it calls process.exit(${code ?? ''})`);
    stop(error);
    throw error;
  };
  try {
    return await Promise.race([load(), stopped]);
  } finally {
    process.exit = exit;
    clearTimeout(timer);
    process.off('beforeExit', drained);
  }
}
