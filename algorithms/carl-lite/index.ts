import { carlFamily } from '../carl/index.ts';

/** CARL with a single initial rollout, N0 = 1: the paper's cheap default (arXiv 2512.04949). */
export const carlLite = carlFamily('carl-lite', 'Criticality-Aware Agentic RL, one initial rollout', {
  initial: 1,
});
