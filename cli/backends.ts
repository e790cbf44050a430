import { fork } from 'node:child_process';
import { join } from 'node:path';
import { InputError } from '../core/errors.ts';
import { packageInfo } from '../core/package.ts';

const DEFAULT = 'wasm';

/** A backend on this machine, as `doctor --json` shows it. */
export interface BackendReport {
  readonly name: string;
  /** It loads and multiplies matrices. */
  readonly available: boolean;
  /** What it runs on, or else what is missing or broken. One line. */
  readonly note: string;
  /** The command that makes it available; '' when it is, or when no command does. */
  readonly fix: string;
}

/** Every backend, each tried in a process of its own. */
export async function describeBackends(): Promise<readonly BackendReport[]> {
  // Loaded only when it is needed, because it takes a second.
  const { BACKENDS } = await import('../policies/tensor/backend.ts');
  return Promise.all(BACKENDS.map((name) => probeBackend(name)));
}

/** Tries one backend in a process of its own, with `variables` added to its environment. */
export function probeBackend(
  name: string,
  variables: Readonly<Record<string, string>> = {},
): Promise<BackendReport> {
  return new Promise((resolve, reject) => {
    const child = fork(join(packageInfo().root, 'dist', 'cli', 'backend-probe.js'), [], {
      execArgv: [],
      env: { ...process.env, ...variables },
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    let report: BackendReport | undefined;
    child.on('message', (message) => {
      report = message as BackendReport;
    });
    child.on('error', reject);
    child.on('close', (code, killedBy) => {
      const note = `ended the process that loaded it (${killedBy ?? `exit code ${code}`})`;
      resolve(report ?? { name, available: false, note, fix: '' });
    });
    child.send(name, () => {
      // A failed send means that it has ended; the event 'close' says how.
    });
  });
}

/**
 * The backend to use: the given one when it works here, the default when none is given. With `elsewhere` it need not
 * work here.
 *
 * @throws InputError that says what would make it work, or lists the backends of this machine, or all.
 */
export async function checkBackend(name: string = DEFAULT, elsewhere = false): Promise<string> {
  if (name === DEFAULT) return name;
  const reports = await describeBackends();
  const report = reports.find((candidate) => candidate.name === name);
  const works = (candidate: BackendReport) => elsewhere || candidate.available;
  if (report !== undefined && works(report)) return name;
  const valid = reports.filter(works).map((candidate) => candidate.name);
  const fix = report?.fix ? `; fix: ${report.fix}` : '';
  const why = report ? `does not work here (${report.note})${fix}` : 'is not known';
  throw new InputError(`--backend: '${name}' ${why}; valid: ${valid.join(', ')}`);
}
