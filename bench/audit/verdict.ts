/** One component of an estimate beside the truth. */
export interface Component {
  readonly name: string;
  /** Components of the same group may share an offset (`shifted`): the actions of one state. */
  readonly group: string;
  readonly exact: number;
  /** Expectation of the estimate; NaN if it was never made. */
  readonly expected: number;
  /** 0 where the expectation is exact. */
  readonly standardError: number;
}

/** How an expectation compares with the truth. */
export interface Verdict {
  /**
   * `unbiased`: equal. `zero`: 0, although the truth is not. `scaled`: equal up to one positive factor. `shifted`
   * (advantages only): equal up to one offset per state, which adds no bias to a gradient that visits states as the
   * policy does. `biased`: none of these. `none`: nothing was estimated. All up to rounding; with Monte Carlo they mean
   * "not told apart at 4 standard errors".
   */
  readonly kind: 'unbiased' | 'zero' | 'scaled' | 'shifted' | 'biased' | 'none';
  /** The best common factor: <expected, exact> / <exact, exact>. */
  readonly factor: number;
  /** The component farthest from factor * exact (from exact, where the factor is not above 0), with its distance relative to the largest exact component. */
  readonly worst: { readonly name: string; readonly error: number } | undefined;
  /** Components whose expectation has the wrong sign. */
  readonly flipped: readonly string[];
  readonly components: readonly Component[];
}

/** What counts as rounding. */
export interface Rounding {
  /** Relative to the largest component. */
  readonly tolerance: number;
  /** Relative to the returns: where the truth is 0, an estimate's terms cancel only up to rounding. */
  readonly floor: number;
}

/** Of exact sums. */
const EXACT: Rounding = { tolerance: 1e-9, floor: 1e-12 };
/** Of advantages in float32. */
export const SINGLE_PRECISION: Rounding = { tolerance: 1e-5, floor: 1e-7 };
/** A deviation of so many standard errors counts as different. */
const SIGMAS = 4;

/** Whether, within each group, all components are off by the same amount. */
function sameUpToOffsets(components: readonly Component[], slack: (component: Component) => number): boolean {
  const first = new Map<string, Component>();
  for (const component of components) {
    if (!first.has(component.group)) first.set(component.group, component);
  }
  const offset = ({ expected, exact }: Component): number => expected - exact;
  return components.every((component) => {
    const other = first.get(component.group)!;
    return Math.abs(offset(component) - offset(other)) <= slack(component) + slack(other);
  });
}

/**
 * Compares an estimate's expectation with the truth, component by component.
 * @param unit the largest absolute return, which `floor` is relative to. Default 0.
 * @param rounding default: that of exact sums.
 */
export function judge(
  components: readonly Component[],
  { shifts = false, unit = 0, rounding = EXACT } = {},
): Verdict {
  const { tolerance, floor } = rounding;
  const made = components.filter(({ expected }) => !Number.isNaN(expected));
  const scale = Math.max(0, ...components.map(({ exact }) => Math.abs(exact)));
  const slack = (component: Component): number =>
    tolerance * Math.max(scale, Math.abs(component.expected)) +
    floor * unit +
    SIGMAS * component.standardError;
  // Where some were never estimated, and the others truly make no difference, nothing can be said.
  const zero = tolerance * scale + floor * unit;
  if (
    made.length < components.length &&
    made.every(
      (component) => Math.abs(component.exact) <= zero && Math.abs(component.expected) <= slack(component),
    )
  ) {
    return { kind: 'none', factor: Number.NaN, worst: undefined, flipped: [], components };
  }
  const within = (factor: number): boolean =>
    made.every((component) => Math.abs(component.expected - factor * component.exact) <= slack(component));
  const square = made.reduce((sum, { exact }) => sum + exact ** 2, 0);
  const projection = made.reduce((sum, { exact, expected }) => sum + exact * expected, 0);
  const factor = projection / square;
  // Noise can hide every component. What they say together along the truth is seen sooner.
  const projectionSlack =
    made.reduce((sum, { exact }) => sum + Math.abs(exact) * zero, 0) +
    SIGMAS * Math.hypot(...made.map(({ exact, standardError }) => exact * standardError));
  // Beside a factor that is no step size the distance is taken from the truth itself.
  const compared = factor > 0 ? factor : 1;
  const distance = ({ expected, exact }: Component): number => Math.abs(expected - compared * exact);
  const worst = made.reduce((a, b) => (distance(b) > distance(a) ? b : a));
  return {
    kind: within(1)
      ? 'unbiased'
      : within(0) && Math.abs(projection) <= projectionSlack
        ? 'zero'
        : factor > 0 && within(factor)
          ? 'scaled'
          : shifts && sameUpToOffsets(made, slack)
            ? 'shifted'
            : 'biased',
    factor,
    worst: { name: worst.name, error: distance(worst) / scale },
    flipped: made
      .filter(
        (component) =>
          component.expected * component.exact < 0 &&
          Math.abs(component.expected) > slack(component) &&
          // Rounding around a true 0 has no sign.
          Math.abs(component.exact) > zero,
      )
      .map(({ name }) => name),
    components,
  };
}
