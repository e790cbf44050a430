import { z } from 'zod';
import { trainingSchema, warmStartSchema } from '../training/options.ts';

// Folders and files are named by names: no dots, colons or backslashes, and file systems allow 255 bytes.
const SUITE_NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$/;
const ENTRY_NAME = /^[A-Za-z0-9][A-Za-z0-9_+/-]{0,99}$/;
/** Windows opens a device instead. */
const DEVICE = /^(?:con|prn|aux|nul|com\d|lpt\d)$/i;

const nameSchema = (pattern: RegExp) =>
  z
    .string()
    .regex(pattern)
    .refine((name) => !DEVICE.test(name), { error: 'Windows keeps that name for a device' });

const choiceSchema = z.strictObject({
  id: z.string().min(1),
  options: z.record(z.string(), z.unknown()).default({}),
});

const entrySchema = z.strictObject({
  id: z.string().min(1),
  /** Name in tables and files; the id when absent. */
  name: nameSchema(ENTRY_NAME).optional(),
  options: z.record(z.string(), z.unknown()).default({}),
  /** The algorithm's own learning rate; used with `rates: own`. */
  learningRate: z.number().positive().max(1).optional(),
  /** Random numbers of its own instead of the seed's common ones: for a control that compares an algorithm with itself. */
  noiseStream: z.string().regex(ENTRY_NAME).optional(),
});

const environmentSchema = z.strictObject({
  ...choiceSchema.shape,
  /** The environment's own policy; the suite's when absent. */
  policy: choiceSchema.optional(),
  /** Values that replace the suite's, one by one. */
  training: z.record(z.string(), z.unknown()).optional(),
  warmStart: z.record(z.string(), z.unknown()).optional(),
});

/** A suite as it is written, shorthand expanded: what of it does not depend on the catalog. */
export const suiteSchema = z.strictObject({
  name: nameSchema(SUITE_NAME),
  description: z.string().default(''),
  environments: z.array(environmentSchema).min(1),
  policy: choiceSchema,
  algorithms: z.array(entrySchema).min(1),
  /** Training seeds 0 to seeds - 1. */
  seeds: z.int().min(1).max(10_000).default(3),
  /** 'common': `training.learningRate` for all; 'own': an entry's own rate where it gives one. */
  rates: z.enum(['common', 'own']).default('common'),
  /** Rollouts per question that every algorithm spends, in its own way; options of an entry come on top. */
  rollouts: z.int().min(2).max(4096).optional(),
  training: trainingSchema,
  warmStart: warmStartSchema,
});
