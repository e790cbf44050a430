import { pathToFileURL } from 'node:url';
import { InputError } from '../../core/errors.ts';
import type { Catalog } from './catalog.ts';
import { codeGraph } from './code-hash.ts';

/** Whether an error is what the engine or the update refuse of an algorithm's answers. */
export const isRefusal = (error: unknown): boolean =>
  error instanceof RangeError && /^(rollout plan|credit): /.test(error.message);

/**
 * Does work that calls users' own code.
 * @throws InputError where that code throws: it names the file, the line and the message; and where what it gave breaks
 *   something else, as far as nobody but the code of the catalog's own can be behind it. All other errors as they are.
 */
export async function blaming<Value>(
  { own }: Pick<Catalog, 'own'>,
  work: () => Value | Promise<Value>,
): Promise<Value> {
  try {
    return await work();
  } catch (error) {
    throw blamed(error, own);
  }
}

function blamed(error: unknown, own: Catalog['own']): unknown {
  if (error instanceof InputError || own.length === 0) return error;
  const sources = [...new Set(own.map(({ code }) => code.source))].join(', ');
  // Nothing of creditbench throws anything but errors.
  if (!(error instanceof Error)) {
    return new InputError(`your own code (${sources}) threw ${String(error)}, which is no Error`);
  }
  const frames = (error.stack ?? '').split('\n');
  for (const { file, code } of own) {
    const places = codeGraph([file]).files.flatMap((one) => [one, pathToFileURL(one).href]);
    const frame = frames.find((line) => places.some((place) => line.includes(`${place}:`)));
    const place = /\(?((?:file:\/\/)?[^\s(]+:\d+:\d+)\)?$/.exec(frame ?? '')?.[1];
    if (frame !== undefined) {
      return new InputError(
        `${code.source} is your own code, and it threw at ${place ?? file}: ${named(error)}`,
      );
    }
  }
  if (isRefusal(error)) {
    return new InputError(`your own code (${sources}): ${error.message}`);
  }
  // Disks, memory, signals.
  if (error.name === 'AbortError' || typeof (error as NodeJS.ErrnoException).code === 'string') return error;
  return new InputError(
    `${named(error)}\nThis happened with your own code (${sources}), which may be behind it: checkEnvironment and checkAlgorithm (docs/library.md) look for that. If they find nothing, please report it:\n${error.stack}`,
  );
}

const named = ({ name, message }: Error): string => (name === 'Error' ? message : `${name}: ${message}`);
