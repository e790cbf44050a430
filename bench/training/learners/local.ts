import type { Sampling, TrainablePolicy } from '../../../policies/policy.ts';
import { type AdamState, adamStep, clipNorm, grown } from './adam.ts';
import type { Learner, LocalWeights, Optimizer } from './learner.ts';

/** Adam on a policy's flat gradients, in this process. */
export interface LocalOptimizer extends Optimizer {
  readonly adam: AdamState;
}

/** Steps on a policy's parameters as they are now; what they are changed to in between is overwritten. */
export function localOptimizer(policy: TrainablePolicy, from: AdamState): LocalOptimizer {
  const parameters = policy.parameters();
  let adam = grown(from, parameters.length);
  let gradient: Float32Array | Float64Array | undefined;
  return {
    get adam() {
      return adam;
    },
    get steps() {
      return adam.steps;
    },
    step: async (records, loss, sampling, { learningRate, epsilon, maxGradientNorm }) => {
      gradient = await policy.gradient(records, loss, sampling, gradient);
      const norm = clipNorm(gradient, maxGradientNorm);
      adam = adamStep(parameters, gradient, adam, { learningRate, epsilon });
      policy.setParameters(parameters);
      return norm;
    },
  };
}

export function localLearner(policy: TrainablePolicy): Learner<'local'> {
  return {
    hold: (weights, sampling) => hold(policy, weights, sampling),
    optimizer: ({ adam }) => localOptimizer(policy, adam),
    reference: () => policy.parameters(),
    weights: async (optimizer) => ({
      parameters: policy.parameters(),
      prompts: policy.prompts?.(),
      adam: (optimizer as LocalOptimizer).adam,
    }),
  };
}

/** A fresh table first meets its prompts, in the order they have in the weights. */
async function hold(
  policy: TrainablePolicy,
  { prompts, parameters }: LocalWeights,
  sampling: Sampling,
): Promise<void> {
  if (prompts !== undefined && policy.prompts!().length < prompts.length) {
    await policy.distributions(prompts, sampling);
  }
  policy.setParameters(parameters);
}
