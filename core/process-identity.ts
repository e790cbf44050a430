import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { z } from 'zod';

export const identitySchema = z.object({
  /** Name of the machine. */
  host: z.string(),
  /** Which processes its numbers tell apart: containers of one machine may each have a process 1. Empty: not known. */
  space: z.string(),
  pid: z.int().min(1),
  /** When it started, in the system's own words: numbers are given again. Empty: not known. */
  started: z.string(),
});

/** What tells a process from all others, on any machine, at any time. */
export type ProcessIdentity = z.infer<typeof identitySchema>;

let own: ProcessIdentity | undefined;

/** This process. */
export function ownIdentity(): ProcessIdentity {
  own ??= { host: hostname(), space: pidSpace(), pid: process.pid, started: startOf(process.pid) };
  return own;
}

/** Whether a process is still there; 'unknown' where that cannot be seen from here. */
export function lifeOf(process: ProcessIdentity): 'alive' | 'ended' | 'unknown' {
  const { host, space } = ownIdentity();
  if (process.host !== host || process.space !== space) return 'unknown';
  if (!isAlive(process.pid)) return 'ended';
  const started = startOf(process.pid);
  if (started === '' || process.started === '') return 'unknown';
  return started === process.started ? 'alive' : 'ended';
}

/** Whether a process of this machine has that number. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function pidSpace(): string {
  try {
    // Linux; elsewhere it is not known.
    return readlinkSync('/proc/self/ns/pid').replace(/\D/g, '');
  } catch {
    return '';
  }
}

/** When a process started, in the system's own words; empty if that is not known. */
export function startOf(pid: number): string {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name, in parentheses, may hold anything; the start is the 20th field after it.
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  } catch {
    return '';
  }
}
