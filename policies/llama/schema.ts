import { z } from 'zod';
import type { TransformerConfig } from './config.ts';

/** A positive integer, with a default. */
export const positive = (standard: number) => z.int().positive().default(standard);

/** A positive multiple of `step`, with a default. */
export const multiple = (step: number, standard: number) =>
  z.int().positive().multipleOf(step).default(standard);

/** The options of a policy that are its model's size: see `TransformerConfig`. */
export const configShape = (standard: TransformerConfig) => ({
  modelSize: multiple(4, standard.modelSize),
  layers: positive(standard.layers),
  heads: positive(standard.heads),
  kvHeads: positive(standard.kvHeads),
  headSize: multiple(8, standard.headSize),
  ffnSize: multiple(4, standard.ffnSize),
  rotaryBase: z.number().gt(1).default(standard.rotaryBase),
  normEpsilon: z.number().positive().default(standard.normEpsilon),
  initialDeviation: z.number().positive().default(standard.initialDeviation),
});

/** What the options of such a policy have to be beyond one by one: for `refine`. */
export const headsShared = [
  ({ heads, kvHeads }: Pick<TransformerConfig, 'heads' | 'kvHeads'>): boolean => heads % kvHeads === 0,
  { path: ['kvHeads'], error: 'must divide heads' },
] as const satisfies [unknown, { path: string[]; error: string }];
