/** A step's logit x stands for its error hazard h = sigmoid(x); S = product of (1 - h): no error so far. */

/** ln(1 + e^x) = -ln(1 - h), without overflow. */
const softplus = (x: number): number => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));

/** h, without overflow. */
export const sigmoid = (x: number): number =>
  x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x));

/** How a trajectory ended, as the survival loss sees it. `firstError` is absent if it is not known (right-censored). */
export type Fate = { readonly failed: false } | { readonly failed: true; readonly firstError?: number };

/**
 * The survival loss of one trajectory and its gradients with respect to the logits of its steps:
 * - success: -sum log(1 - h_t);
 * - failure: -log(1 - S_T), and where the first error z is known also -[log h_z + sum over t < z of log(1 - h_t)].
 * @param monotone weight of the hinge on neighbouring steps, which asks hazards of a success to fall and those of a
 * failure to rise from the step into z on, by at least `margin`.
 */
export function hazardLoss(
  logits: readonly number[],
  fate: Fate,
  { monotone, margin }: { readonly monotone: number; readonly margin: number },
): { readonly loss: number; readonly gradients: Float64Array } {
  const hazards = logits.map(sigmoid);
  const gradients = new Float64Array(logits.length);
  let loss = 0;
  const survive = (t: number): void => {
    loss += softplus(logits[t]!);
    gradients[t]! += hazards[t]!;
  };
  const first = fate.failed ? fate.firstError : undefined;
  if (!fate.failed) {
    for (const t of logits.keys()) survive(t);
  } else {
    // -log S_T, with a floor: hazards that are all 0 in float64 would leave log 0.
    const sum = Math.max(
      logits.reduce((total, x) => total + softplus(x), 0),
      Number.MIN_VALUE,
    );
    loss -= Math.log(-Math.expm1(-sum));
    for (const [t, hazard] of hazards.entries()) gradients[t]! -= hazard / Math.expm1(sum);
    if (first !== undefined) {
      for (let t = 0; t < first; t++) survive(t);
      loss += softplus(-logits[first]!);
      gradients[first]! -= 1 - hazards[first]!;
    }
  }
  // Of a failure whose first error is not known no pair of steps is known to be ordered.
  const from = fate.failed ? (first === undefined ? logits.length : Math.max(first - 1, 0)) : 0;
  for (let t = from; t + 1 < logits.length; t++) {
    const sign = fate.failed ? -1 : 1;
    const excess = sign * (hazards[t + 1]! - hazards[t]!) + margin;
    if (excess <= 0) continue;
    loss += monotone * excess;
    gradients[t + 1]! += monotone * sign * hazards[t + 1]! * (1 - hazards[t + 1]!);
    gradients[t]! -= monotone * sign * hazards[t]! * (1 - hazards[t]!);
  }
  return { loss, gradients };
}
