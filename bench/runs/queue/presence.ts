import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { Redis } from 'ioredis';
import { packageInfo } from '../../../core/package.ts';
import { codeFingerprint } from '../../identity.ts';
import { PREFIX } from './names.ts';

/** Milliseconds after which one that has not been heard of counts as gone. */
const GONE = 30_000;

/** A run or a worker that is connected to a queue. */
export interface Presence {
  readonly id: string;
  readonly version: string;
  /** Fingerprint of its code. */
  readonly code: string;
  readonly backend: string;
  /** Host name and process id. */
  readonly where: string;
}

export type Role = 'run' | 'worker';

/** This process. */
export function thisPresence(backend: string, code = codeFingerprint()): Presence {
  const where = `${hostname()}:${process.pid}`;
  return { id: randomUUID(), version: packageInfo().version, code, backend, where };
}

/** Announces a run or worker to the queue; to be repeated within 30 seconds. */
export async function announce(client: Redis, role: Role, presence: Presence): Promise<void> {
  await client.zadd(`${PREFIX}:${role}s`, String(await serverTime(client)), JSON.stringify(presence));
}

/** Tells the queue that a run or worker leaves. */
export async function withdraw(client: Redis, role: Role, presence: Presence): Promise<void> {
  await client.zrem(`${PREFIX}:${role}s`, JSON.stringify(presence));
}

/** The runs and workers that are there. Forgets those that are gone. */
export async function listPresent(client: Redis, role: Role): Promise<readonly Presence[]> {
  const key = `${PREFIX}:${role}s`;
  await client.zremrangebyscore(key, '-inf', String((await serverTime(client)) - GONE));
  return (await client.zrange(key, '0', '-1')).map((text) => JSON.parse(text) as Presence);
}

/** Whether two compute the same numbers for the same cells, as far as their versions say. */
export function fits(one: Presence, other: Presence): boolean {
  return one.code === other.code && one.backend === other.backend;
}

/** A version, for messages. */
export function describePresence({ version, code, backend }: Presence): string {
  return `creditbench ${version} (code ${code.slice(0, 12)}, backend ${backend})`;
}

/** Milliseconds, by the server's clock: those of machines differ. */
async function serverTime(client: Redis): Promise<number> {
  const [seconds, micros] = await client.time();
  return Number(seconds) * 1000 + Math.floor(Number(micros) / 1000);
}
