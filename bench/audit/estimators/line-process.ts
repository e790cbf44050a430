import { type ChildProcess, spawn } from 'node:child_process';

/** What came of waiting for a line. */
export type Came = { readonly line: string } | { readonly problem: string; readonly stderr: string };

/** A command that reads and writes lines. */
export interface LineProcess {
  write(lines: readonly string[]): void;
  /** The next line of stdout; waits for it `timeout` seconds. @throws what `signal` was aborted with. */
  line(timeout: number, signal?: AbortSignal): Promise<Came>;
  /** Ends stdin, and kills the command with all that it started if it does not end then. */
  close(): Promise<void>;
}

/** Longest line, in characters. */
const LONGEST = 64 * 2 ** 20;
/** What is kept of stderr, in characters, and shown of it, in lines. */
const KEPT = 8000;
const SHOWN = 8;
/** Milliseconds in which a command should end after its input has. */
const GRACE = 2000;

const isWindows = process.platform === 'win32';

/** Starts a command of the shell. */
export function startLines(command: string): LineProcess {
  const child = spawn(command, {
    shell: true,
    stdio: ['pipe', 'pipe', 'pipe'],
    // A process group of its own, so that what the shell starts is killed, too.
    detached: !isWindows,
    // Python keeps what it prints until there is much of it, if stdout is no terminal.
    env: { PYTHONUNBUFFERED: '1', ...process.env },
  });
  const stopAtExit = () => kill(child);
  process.on('exit', stopAtExit);

  let lines: string[] = [];
  let next = 0;
  let part = '';
  let said = '';
  let ended: string | undefined;
  let wake: () => void = () => {};
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const pieces = text.split('\n');
    pieces[0] = part + pieces[0];
    part = pieces.pop()!;
    // Blank lines are nobody's answer.
    lines.push(...pieces.filter((line) => line.trim() !== ''));
    if (part.length > LONGEST) {
      ended ??= `stdout has a line of more than ${LONGEST} characters`;
      kill(child);
    }
    wake();
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-KEPT);
  });
  // A command that has ended does not read: why it ended is said below.
  child.stdin.on('error', () => {});
  const closed = new Promise<void>((resolve) => {
    child.on('error', (error) => {
      ended ??= `cannot be started (${error.message})`;
      resolve();
    });
    child.on('close', (code, signal) => {
      if (part.trim() !== '') lines.push(part);
      ended ??= signal === null ? `ended with exit code ${code}` : `was ended by ${signal}`;
      process.off('exit', stopAtExit);
      resolve();
    });
  }).then(() => wake());

  const waited = (timeout: number, signal: AbortSignal | undefined): Promise<void> =>
    new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', done);
        wake = () => {};
        resolve();
      };
      const timer = setTimeout(done, timeout * 1000);
      signal?.addEventListener('abort', done);
      wake = () => {
        if (next < lines.length || ended !== undefined) done();
      };
    });

  return {
    write: (all) => {
      if (ended === undefined) child.stdin.write(all.join(''));
    },
    async line(timeout, signal) {
      signal?.throwIfAborted();
      if (next === lines.length && ended === undefined) await waited(timeout, signal);
      signal?.throwIfAborted();
      if (next < lines.length) {
        const line = lines[next++]!;
        if (next === lines.length) {
          lines = [];
          next = 0;
        }
        return { line };
      }
      return { problem: ended ?? `nothing came for ${timeout} seconds`, stderr: lastLines(said) };
    },
    async close() {
      if (ended !== undefined) return;
      child.stdin.end();
      const timer = setTimeout(() => kill(child), GRACE);
      await closed;
      clearTimeout(timer);
    },
  };
}

const lastLines = (text: string): string => text.trimEnd().split('\n').slice(-SHOWN).join('\n');

/** Kills a command and what it has started. */
function kill(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    if (isWindows) child.kill('SIGKILL');
    else process.kill(-child.pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
}
