import { InputError } from '../core/errors.ts';

const DEFAULT = 'wasm';

/** A backend, whether it works on this machine, and otherwise what it needs. */
export interface BackendReport {
  readonly name: string;
  readonly available: boolean;
  readonly note: string;
}

// The tensor library takes a second to load: only where it is asked for.
const library = () => import('../policies/tensor/backend.ts');

/** Every backend. */
export async function describeBackends(): Promise<readonly BackendReport[]> {
  const { availableBackends } = await library();
  return (await availableBackends()).map(({ name, problem }) => ({
    name,
    available: problem === undefined,
    note: problem?.split('\n')[0] ?? '',
  }));
}

/**
 * The backend to use: the given one when it works here, the default when none is given.
 *
 * @throws InputError that lists the backends of this machine.
 */
export async function checkBackend(name: string = DEFAULT): Promise<string> {
  if (name === DEFAULT) return name;
  const reports = await describeBackends();
  const report = reports.find((candidate) => candidate.name === name);
  if (report?.available) return name;
  const valid = reports.filter(({ available }) => available).map((candidate) => candidate.name);
  const why = report ? `does not work here (${report.note})` : 'is not known';
  throw new InputError(`--backend: '${name}' ${why}; valid: ${valid.join(', ')}`);
}
