import { setTimeout as delay } from 'node:timers/promises';

/** Does something every so many milliseconds until the signal; never twice at the same time. Failures are ignored. */
export async function repeat(
  work: () => Promise<void>,
  milliseconds: number,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    await work().catch(() => {});
    await delay(milliseconds, undefined, { signal }).catch(() => {});
  }
}

/** Whether something ended within so many milliseconds. */
export async function inTime(work: Promise<unknown>, milliseconds: number): Promise<boolean> {
  const over = new AbortController();
  const late = delay(milliseconds, false, { signal: over.signal });
  late.catch(() => {}); // stopped below
  try {
    return await Promise.race([work.then(() => true), late]);
  } finally {
    over.abort();
  }
}
