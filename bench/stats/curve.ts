/** A measured point of a learning curve. */
export interface CurvePoint {
  /** Where: iterations, or another currency; increasing along a curve. */
  readonly x: number;
  readonly y: number;
}

/** Mean height of a curve: the area under it by trapezoids, over its width. Null for fewer than two places. */
export function areaUnderCurve(curve: readonly CurvePoint[]): number | null {
  const [first, last] = [curve[0], curve.at(-1)];
  if (first === undefined || last === undefined || last.x <= first.x) return null;
  let area = 0;
  for (const [index, point] of curve.entries()) {
    const before = curve[index - 1];
    if (before !== undefined) area += ((point.x - before.x) * (point.y + before.y)) / 2;
  }
  return area / (last.x - first.x);
}

/** A time that was waited for: when it came, or how long it was waited in vain. */
export interface Waiting {
  readonly time: number;
  /** False: censored, it had not come by `time`. */
  readonly reached: boolean;
}

/**
 * Where a curve is first at or above a threshold. Known to the grid of its points only, and chance peaks count:
 * the same for all that are compared. A value that is NaN is not there yet: a run that diverged never arrives.
 * @returns null for an empty curve.
 */
export function stepsToThreshold(curve: readonly CurvePoint[], threshold: number): Waiting | null {
  for (const { x, y } of curve) {
    if (y >= threshold) return { time: x, reached: true };
  }
  const last = curve.at(-1);
  return last === undefined ? null : { time: last.x, reached: false };
}

/**
 * Kaplan and Meier's median: the first time by which the estimated share of those still waiting is at most one
 * half. Those censored earlier count as waiting until then.
 * @returns null if it never falls so far.
 */
export function medianWaiting(waits: readonly Waiting[]): number | null {
  const times = [...new Set(waits.filter((wait) => wait.reached).map((wait) => wait.time))];
  let waiting = 1;
  for (const time of times.sort((a, b) => a - b)) {
    const atRisk = waits.filter((wait) => wait.time >= time).length;
    const arrived = waits.filter((wait) => wait.reached && wait.time === time).length;
    waiting *= 1 - arrived / atRisk;
    // Products of halves and thirds miss one half by rounding.
    if (waiting <= 0.5 + 1e-12) return time;
  }
  return null;
}
