import type { ZodType } from 'zod';
import { InputError } from '../../core/errors.ts';
import type { Environment, Task } from '../environment.ts';
import { lookAhead } from '../look-ahead.ts';
import type { EnvironmentSpec } from '../spec.ts';

/** What a state is worth under a policy. */
export interface StateValue {
  /** Expected sum of rewards from here to the end. */
  readonly value: number;
  /** The same after taking this action first. */
  readonly actions: ReadonlyMap<string, number>;
}

/** Exact values of the states with a decision, by `key(state)`. The first one is where episodes start. */
export type ExactValues = ReadonlyMap<string, StateValue>;

/** Makes a state's value from its actions' probabilities and values, in the order of `actions(state)`. */
export function stateValue(
  actions: readonly { readonly action: string; readonly probability: number; readonly value: number }[],
): StateValue {
  return {
    value: actions.reduce((sum, { probability, value }) => sum + probability * value, 0),
    actions: new Map(actions.map(({ action, value }) => [action, value])),
  };
}

/** Throws a RangeError when `action` is not one of `actions`: a policy's mistake, not a user's. */
export function requireLegal(id: string, actions: readonly string[], action: string, at: string): void {
  if (actions.includes(action)) return;
  throw new RangeError(
    actions.length === 0
      ? `${id}: action '${action}' after the end of the episode`
      : `${id}: action '${action}' is not legal at '${at}'; legal: ${actions.join(', ')}`,
  );
}

/**
 * The options completed by the schema's defaults.
 * @throws InputError naming the first bad option, its value and what is valid.
 */
export function parseOptions<Options>(id: string, schema: ZodType<Options>, options: unknown): Options {
  const parsed = schema.safeParse(options);
  if (parsed.success) return parsed.data;
  const { path, message } = parsed.error.issues[0]!;
  const value = path.reduce<unknown>((inner, name) => (inner as Record<PropertyKey, unknown>)[name], options);
  const name = path.length === 0 ? 'options' : `option ${path.join('.')}`;
  throw new InputError(`${id}: ${name} is ${JSON.stringify(value)}: ${message}`);
}

/** What a diagnostic environment is made from. */
interface DiagnosticOptions<Options, State> {
  readonly id: string;
  readonly title: string;
  readonly schema: ZodType<Options>;
  /** The environment and its only question. */
  create(options: Options): { readonly environment: Environment<State>; readonly task: Task };
}

/** A diagnostic environment for the registry. It has one question, which serves all splits. */
export function diagnosticSpec<Options, State>({
  id,
  title,
  schema,
  create,
}: DiagnosticOptions<Options, State>): EnvironmentSpec<Options> {
  return {
    id,
    title,
    tags: ['diagnostic', 'exact'],
    actions: 'listed',
    schema,
    load: async (given) => {
      const options = parseOptions(id, schema, given);
      const { environment, task } = create(options);
      return {
        // States are opaque to those who load by name.
        environment: environment as Environment<unknown>,
        tasks: { train: [task], dev: [task], test: [task] },
        expert: lookAhead(environment),
        fingerprint: `${id} ${JSON.stringify(options)}`,
      };
    },
  };
}
