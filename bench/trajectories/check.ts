import type { z } from 'zod';
import { InputError } from '../../core/errors.ts';
import { type Trajectory, trajectoryProblem, trajectorySchema } from './trajectory.ts';

/** What the elements of an array are, by its field. Long arrays are looked at here: zod would list every bad element. */
const ELEMENTS = {
  id: [(value: unknown) => Number.isSafeInteger(value) && (value as number) >= 0, 'whole number >= 0'],
  number: [(value: unknown) => Number.isFinite(value), 'number'],
  text: [(value: unknown) => typeof value === 'string', 'text'],
} as const;
const OF_TURN = {
  tokens: 'id',
  logprobs: 'number',
  entropies: 'number',
  previous: 'number',
  reference: 'number',
  pieces: 'text',
} as const;
const OF_OBSERVATION = { tokens: 'id', actions: 'text' } as const;
const OF_TRAJECTORY = { answers: 'text' } as const;

const turnSchema = trajectorySchema.shape.turns.element;

/**
 * Checks a value from outside against the format, in one pass and with one message at most, however large and wrong it is.
 * @param name of the value in messages: 'trajectories[3]'.
 * @returns the value itself.
 * @throws InputError naming the place, the value and what is valid.
 */
export function checkTrajectory(value: unknown, name: string): Trajectory {
  const trajectory = object(value, name);
  const { turns } = trajectory;
  if (Array.isArray(turns))
    for (const [index, turn] of turns.entries()) checkTurn(turn, `${name}.turns[${index}]`);
  const short = withoutArrays(trajectory, OF_TRAJECTORY, name);
  if (Array.isArray(turns)) short.turns = turns.length === 0 ? [] : [{ tokens: [0] }];
  check(trajectorySchema, short, name);
  const problem = trajectoryProblem(value as Trajectory);
  if (problem !== undefined) throw new InputError(`${name}.${problem}`);
  return value as Trajectory;
}

function checkTurn(value: unknown, name: string): void {
  const turn = object(value, name);
  const short = withoutArrays(turn, OF_TURN, name);
  // What is empty is refused by the schema.
  if (Array.isArray(turn.tokens)) short.tokens = turn.tokens.slice(0, 1);
  if (isObject(turn.observation)) {
    short.observation = withoutArrays(turn.observation, OF_OBSERVATION, `${name}.observation`);
  }
  if (isObject(turn.outputs)) {
    const kinds = Object.fromEntries(Object.keys(turn.outputs).map((head) => [head, 'number' as const]));
    short.outputs = withoutArrays(turn.outputs, kinds, `${name}.outputs`);
  }
  check(turnSchema, short, name);
}

/** A copy in which the arrays of these fields are empty, after a look at their elements. */
function withoutArrays(
  value: Readonly<Record<string, unknown>>,
  fields: Readonly<Record<string, keyof typeof ELEMENTS>>,
  name: string,
): Record<string, unknown> {
  const copy: Record<string, unknown> = { ...value };
  for (const [field, kind] of Object.entries(fields)) {
    const elements = value[field];
    if (!Array.isArray(elements)) continue;
    const [isValid, valid] = ELEMENTS[kind];
    const wrong = elements.findIndex((element) => !isValid(element));
    if (wrong >= 0) throw invalid(`${name}.${field}[${wrong}]`, elements[wrong], valid);
    copy[field] = [];
  }
  return copy;
}

function check(schema: z.ZodType, value: unknown, name: string): void {
  const { error } = schema.safeParse(value);
  if (error === undefined) return;
  const { path, message, ...issue } = error.issues[0]!;
  const at = path.map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`)).join('');
  if (issue.code === 'unrecognized_keys') {
    const valid = Object.keys((schema as z.ZodObject).shape ?? {}).join(', ');
    throw new InputError(
      `${name}${at}: unknown key '${String(issue.keys[0]).slice(0, 100)}'${path.length === 0 ? `; valid: ${valid}` : ''}`,
    );
  }
  throw new InputError(`${name}${at}: ${message}`);
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function object(value: unknown, name: string): Readonly<Record<string, unknown>> {
  if (isObject(value)) return value;
  throw invalid(name, value, 'an object');
}

function invalid(name: string, value: unknown, valid: string): InputError {
  const text =
    JSON.stringify(value, (_, inner) => (typeof inner === 'string' ? inner.slice(0, 60) : inner)) ??
    String(value);
  return new InputError(`${name} is ${text.length > 60 ? `${text.slice(0, 60)}…` : text}; valid: ${valid}`);
}
