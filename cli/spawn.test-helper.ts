import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { packageInfo } from '../core/package.ts';

const MAIN = join(packageInfo().root, 'dist', 'cli', 'main.js');

/** How a command ended. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs the built command line in a folder. `onLine` sees every line of stderr and may send signals to the process, whose
 * number it is told; `variables` are added to the environment. `shell`: commands of sh that come first.
 */
export function spawnCreditbench(
  folder: string,
  args: readonly string[],
  onLine: (line: string, kill: (signal: NodeJS.Signals) => void, pid: number) => void = () => {},
  variables: Readonly<Record<string, string>> = {},
  shell?: string,
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const command = [process.execPath, MAIN, ...args];
    const [file, ...rest] =
      shell === undefined ? command : ['sh', '-c', `${shell}; exec "$@"`, 'sh', ...command];
    const child = spawn(file!, rest, {
      cwd: folder,
      // As wide as where nothing says how wide it is.
      env: { ...process.env, COLUMNS: '', ...variables },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
      for (const line of text.split('\n')) onLine(line, (signal) => child.kill(signal), child.pid!);
    });
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });
}
