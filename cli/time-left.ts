/**
 * An estimate of how long a piece of work still takes. Its first call starts the clock; every later one says how much has
 * been done since then and how much remains, in the same unit.
 *
 * @param now in milliseconds.
 * @returns '40 s left', '3 min left'; undefined if nothing is done yet from which it could be told, or nothing remains.
 */
export function createTimeLeft(
  now: () => number = () => performance.now(),
): (done: number, remaining: number) => string | undefined {
  let start: number | undefined;
  return (done, remaining) => {
    start ??= now();
    const elapsed = now() - start;
    if (!(elapsed > 0 && done > 0 && remaining > 0)) return undefined;
    return `${words((elapsed / 1000) * (remaining / done))} left`;
  };
}

/** Rounded up: who waits is not told too little. */
const words = (seconds: number): string => {
  if (seconds <= 90) return `${Math.ceil(seconds / 5) * 5} s`;
  const minutes = Math.ceil(seconds / 60);
  return minutes < 120 ? `${minutes} min` : `${Math.ceil(minutes / 60)} h`;
};
