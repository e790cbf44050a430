import { z } from 'zod';
import type { GroupAnalysis } from '../analyzed.ts';

// suite.json may be of any age or written by hand: every part may be missing, and is then not recorded.
const record = z.record(z.string(), z.unknown());
const choice = z.object({ id: z.string(), options: record.optional() });
const settingsSchema = z.object({
  name: z.string().optional().catch(undefined),
  description: z.string().optional().catch(undefined),
  backend: z.string().optional().catch(undefined),
  seeds: z.number().optional().catch(undefined),
  rates: z.string().optional().catch(undefined),
  environments: z
    .array(
      choice.extend({
        policy: choice.optional().catch(undefined),
        training: record.optional().catch(undefined),
        warmStart: record.optional().catch(undefined),
      }),
    )
    .optional()
    .catch(undefined),
  algorithms: z
    .array(
      choice.extend({
        name: z.string(),
        description: z
          .object({
            title: z.string(),
            paper: z.string(),
            granularity: z.string(),
            extraSamples: z.string().optional(),
            critic: z.string().optional(),
          })
          .optional()
          .catch(undefined),
      }),
    )
    .optional()
    .catch(undefined),
});

/** A suite as its folder records it. */
export type Settings = z.infer<typeof settingsSchema>;

/** The settings of every run, as recorded. */
interface WithSettings {
  readonly settings: readonly Settings[];
}

/** The settings of a suite as recorded, with what is missing or malformed left out. */
export const readSettings = (suite: unknown): Settings => settingsSchema.parse(suite ?? {});

/** The entry of a suite's environment that a group ran in, if recorded. */
export function suiteEnvironment(view: WithSettings, { run, environment }: GroupAnalysis) {
  return view.settings[run]?.environments?.find(({ id }) => id === environment);
}

/** The entry of a suite's algorithm that a group is of, if recorded. */
export function suiteAlgorithm(view: WithSettings, { run, entry }: GroupAnalysis) {
  return view.settings[run]?.algorithms?.find(({ name }) => name === entry);
}

/** An option's value in words; what is missing is said to be not recorded. */
export function describeValue(value: unknown): string {
  if (value === undefined || value === null) return 'not recorded';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** `{topK: 3, b: 0.4}` as 'topK 3, b 0.4'. */
export function describeOptions(options: Readonly<Record<string, unknown>> | undefined): string {
  if (options === undefined) return 'not recorded';
  const parts = Object.entries(options).map(
    ([name, value]) => `${name} ${value === null ? 'none' : describeValue(value)}`,
  );
  return parts.length === 0 ? 'none' : parts.join(', ');
}
