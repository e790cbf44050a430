import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import type { Catalog } from '../bench/catalog/catalog.ts';
import type { UnitExecutor } from '../bench/profile/profile.ts';
import type { ProfileUnit, UnitRequest } from '../bench/profile/unit.ts';
import { InputError } from '../core/errors.ts';
import { packageInfo } from '../core/package.ts';

/** What a worker is told, one unit at a time. */
export interface ProfileTask {
  readonly unit: UnitRequest;
  /** Where the sources of users' own code lie. */
  readonly files: Readonly<Record<string, string>>;
}

/** What it tells: a run is finished; and in the end one of the others. */
export type ProfileReply =
  | { readonly type: 'run' }
  | { readonly type: 'result'; readonly result: ProfileUnit }
  | { readonly type: 'error'; readonly message: string; readonly isInput: boolean };

/** Processes of this machine that compute units. They are started when they are needed; `close` ends them. */
export function profilePool(workers: number, catalog: Catalog): UnitExecutor & { close(): void } {
  const files = Object.fromEntries(catalog.own.map(({ code, file }) => [code.source, file]));
  const all: ChildProcess[] = [];
  const idle: ChildProcess[] = [];
  const start = (): ChildProcess => {
    const child = fork(join(packageInfo().root, 'dist', 'cli', 'profile-worker.js'), [], {
      serialization: 'advanced',
      execArgv: [],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    all.push(child);
    return child;
  };
  return {
    capacity: workers,
    execute: (unit, onRun, signal) =>
      new Promise((resolve, reject) => {
        const child = idle.pop() ?? start();
        const end = (): void => {
          child.removeAllListeners();
          signal?.removeEventListener('abort', stop);
        };
        const stop = (): void => {
          end();
          child.kill('SIGKILL');
          reject(signal!.reason);
        };
        signal?.addEventListener('abort', stop, { once: true });
        child.on('message', (message) => {
          const reply = message as ProfileReply;
          if (reply.type === 'run') return onRun();
          end();
          idle.push(child);
          if (reply.type === 'result') resolve(reply.result);
          else reject(reply.isInput ? new InputError(reply.message) : new Error(reply.message));
        });
        child.on('error', reject);
        child.on('exit', (code, killedBy) => {
          end();
          reject(new Error(`a worker process ended (${killedBy ?? `exit code ${code}`}) and gave no result`));
        });
        const task: ProfileTask = { unit, files };
        child.send(task);
      }),
    close: () => {
      for (const child of all) {
        child.removeAllListeners();
        child.kill('SIGKILL');
      }
    },
  };
}
