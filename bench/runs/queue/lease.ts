import type { Redis } from 'ioredis';

/** A job that a worker computes, for as long as nobody else has taken it over. */
export interface Lease {
  /** Key of the job in Redis. */
  readonly key: string;
  readonly id: string;
  /** Proves that the job is this worker's. */
  readonly token: string;
}

// BullMQ's locks run out while the server is away or restarts, and its workers do not take them again. These read
// its keys; its version is pinned for that reason.
const KEEP = `
local owner = redis.call('GET', KEYS[1] .. ':lock')
local mine = owner == ARGV[1] or
  (not owner and redis.call('EXISTS', KEYS[1]) == 1 and redis.call('LPOS', KEYS[2], ARGV[2]))
if not mine then return 0 end
redis.call('SET', KEYS[1] .. ':lock', ARGV[1], 'PX', ARGV[3])
redis.call('SREM', KEYS[3], ARGV[2])
return 1`;

const PROGRESSED = `
if redis.call('GET', KEYS[1] .. ':lock') == ARGV[1] then redis.call('HSET', KEYS[1], 'stc', 0) end`;

/** Takes a job's lock again for so many milliseconds, also one that ran out. False when the job is another's now. */
export async function extendLease(
  client: Redis,
  { key, id, token }: Lease,
  milliseconds: number,
): Promise<boolean> {
  const queue = key.slice(0, -id.length);
  const kept = await client.eval(KEEP, 3, key, `${queue}active`, `${queue}stalled`, token, id, milliseconds);
  return kept === 1;
}

/** Resets the count of workers that a job has lost: a job that makes progress is not what kills them. */
export async function forgetLosses(client: Redis, { key, token }: Lease): Promise<void> {
  await client.eval(PROGRESSED, 1, key, token);
}
