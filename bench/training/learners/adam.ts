/** Adam's running moments (arXiv 1412.6980) over a flat parameter vector. */
export interface AdamState {
  readonly first: Float64Array;
  readonly second: Float64Array;
  readonly steps: number;
}

export function adamState(size: number): AdamState {
  return { first: new Float64Array(size), second: new Float64Array(size), steps: 0 };
}

/**
 * A copy of the moments, for steps that change it in place, of a vector that may have grown at its end: new parameters
 * start without any.
 */
export function grown(state: AdamState, size: number): AdamState {
  const first = new Float64Array(size);
  const second = new Float64Array(size);
  first.set(state.first);
  second.set(state.second);
  return { first, second, steps: state.steps };
}

/** Scales `gradient` in place to at most `limit` in Euclidean norm; returns the norm before. */
export function clipNorm(gradient: Float32Array | Float64Array, limit: number): number {
  let sum = 0;
  // By index: an iterator takes ten times as long, and the gradient is as large as the model.
  for (let index = 0; index < gradient.length; index++) sum += gradient[index]! * gradient[index]!;
  const norm = Math.sqrt(sum);
  if (norm > limit) {
    const scale = limit / norm;
    for (let index = 0; index < gradient.length; index++) gradient[index]! *= scale;
  }
  return norm;
}

/**
 * One Adam step: changes `parameters` and the moments in place (they are as large as the model, and a step
 * happens once per minibatch) and returns the state with its step count raised. beta = 0.9, 0.999.
 * @param epsilon added to the root of the second moment: keeps parameters with tiny gradients nearly still.
 */
export function adamStep(
  parameters: Float32Array | Float64Array,
  gradient: ArrayLike<number>,
  state: AdamState,
  { learningRate, epsilon }: { readonly learningRate: number; readonly epsilon: number },
): AdamState {
  const { first, second } = state;
  const steps = state.steps + 1;
  const firstScale = 1 / (1 - 0.9 ** steps);
  const secondScale = 1 / (1 - 0.999 ** steps);
  for (let index = 0; index < parameters.length; index++) {
    const partial = gradient[index]!;
    const m = 0.9 * first[index]! + 0.1 * partial;
    const v = 0.999 * second[index]! + 0.001 * partial * partial;
    first[index] = m;
    second[index] = v;
    parameters[index]! -= (learningRate * m * firstScale) / (Math.sqrt(v * secondScale) + epsilon);
  }
  return { first, second, steps };
}
