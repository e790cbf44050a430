import { type AnyAlgorithm, CATALOG } from 'creditbench';

/**
 * Registered methods with other options, as methods of their own:
 * creditbench profile --algorithm ./variants.ts#carlRandom --algorithm ./variants.ts#appoEntropy
 */
function variant(id: string, of: string, options: Readonly<Record<string, unknown>>): AnyAlgorithm {
  const base = CATALOG.algorithm(of);
  return { ...base, id, schema: base.schema.transform((given) => ({ ...given, ...options })) };
}

/** CARL that forks at states drawn evenly. */
export const carlRandom = variant('carl-random', 'carl', { entropy: 'random' });

/** APPO's Branching Score with one of its two terms. */
export const appoEntropy = variant('appo-entropy', 'appo', { score: 'entropy' });
export const appoFuture = variant('appo-future', 'appo', { score: 'future' });

/** How far the future term looks: at nothing but the token itself, 4 and 16 tokens on (default: to the end). */
export const appoHorizon0 = variant('appo-horizon-0', 'appo', { horizon: 0 });
export const appoHorizon4 = variant('appo-horizon-4', 'appo', { horizon: 4 });
export const appoHorizon16 = variant('appo-horizon-16', 'appo', { horizon: 16 });

/** APPO without its procedure-level scaling, with one group, and without branches. */
export const appoUnscaled = variant('appo-unscaled', 'appo', { procedure: 0 });
export const appoSingle = variant('appo-single', 'appo', { groups: 'single' });
export const appoFlat = variant('appo-flat', 'appo', { initial: 16, branches: 0 });

/** GRPO without the division by the group's standard deviation: what is left of Dr. GRPO's loss is its own. */
export const grpoTokenMean = variant('grpo-token-mean', 'grpo', { aggregation: 'token-mean' });
