import { z } from 'zod';
import { AGGREGATIONS, type Aggregation, type Objective } from '../objective.ts';

/** Options of the PPO-clip objective that algorithms share; each algorithm sets its own defaults. */
export function objectiveOptions(defaults: { aggregation: Aggregation; dualClip?: number }) {
  return {
    /** The ratio is clipped to [1 - clipLow, 1 + clipHigh]. */
    clipLow: z.number().positive().max(1).default(0.2),
    clipHigh: z.number().positive().max(10).default(0.2),
    /** Cap of the loss at -dualClip * A where A < 0; null: no cap. */
    dualClip: z
      .number()
      .gt(1)
      .nullable()
      .default(defaults.dualClip ?? null),
    aggregation: z.enum(AGGREGATIONS).default(defaults.aggregation),
    /** Divisor of the aggregations that end in `-norm`. */
    normalizer: z.number().positive().default(1),
    /** Weight of the k3 KL to the starting weights; 0: none. */
    kl: z.number().min(0).default(0),
  };
}

/** The objective that such options describe. */
export function toObjective(options: {
  clipLow: number;
  clipHigh: number;
  dualClip: number | null;
  aggregation: Aggregation;
  normalizer: number;
  kl: number;
}): Objective {
  return {
    clip: {
      low: options.clipLow,
      high: options.clipHigh,
      ...(options.dualClip === null ? {} : { dual: options.dualClip }),
    },
    aggregation: options.aggregation,
    normalizer: options.normalizer,
    kl: options.kl,
  };
}
