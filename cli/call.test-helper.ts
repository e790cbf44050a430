import { join } from 'node:path';
import { packageInfo } from '../core/package.ts';
import type { Ended } from './spawn.test-helper.ts';

/** The built command line, as `spawnCreditbench` starts it: so it finds its workers beside it. */
const PROGRAM = join(packageInfo().root, 'dist', 'cli', 'program.js');

let isRunning = false;

/**
 * Runs the built command line in a folder, in this process: for what commands print and refuse, where a process for each
 * would take most of the time. One at a time. What is about processes (signals, code that ends them, what is loaded) needs
 * `spawnCreditbench`.
 */
export async function callCreditbench(
  folder: string,
  args: readonly string[],
  variables: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  if (isRunning) throw new Error('one command at a time: they share the folder and what is printed');
  isRunning = true;
  const { main } = (await import(PROGRAM)) as { main(args: readonly string[]): Promise<number> };
  const said = { stdout: '', stderr: '' };
  const before = { folder: process.cwd(), env: { ...process.env } };
  const writers = { stdout: process.stdout.write, stderr: process.stderr.write };
  process.chdir(folder);
  // As wide as where nothing says how wide it is.
  Object.assign(process.env, { COLUMNS: '', ...variables });
  for (const stream of ['stdout', 'stderr'] as const) {
    process[stream].write = (text: string | Uint8Array) => {
      said[stream] += text.toString();
      return true;
    };
  }
  try {
    return { code: await main(args), ...said };
  } finally {
    process.stdout.write = writers.stdout;
    process.stderr.write = writers.stderr;
    for (const name of ['COLUMNS', ...Object.keys(variables)]) {
      if (before.env[name] === undefined) delete process.env[name];
      else process.env[name] = before.env[name];
    }
    process.chdir(before.folder);
    isRunning = false;
  }
}
