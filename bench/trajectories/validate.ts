import { InputError } from '../../core/errors.ts';
import { type Trajectory, trajectoryProblem, trajectorySchema } from './trajectory.ts';

/** Problems that a message names, at most. */
const NAMED = 3;

/**
 * The trajectory that a value is.
 * @param where it stands, as messages begin: 'rollouts.jsonl, line 12'.
 * @throws InputError naming the place, the field and what is valid.
 */
export function checkedTrajectory(value: unknown, where: string): Trajectory {
  const found = trajectorySchema.safeParse(withoutNumbers(value));
  if (!found.success) {
    const problems = found.error.issues.slice(0, NAMED).map(({ path, message }) => {
      const field = fieldName(path);
      return field === '' ? message : `${field}: ${message}`;
    });
    const more = found.error.issues.length - problems.length;
    throw new InputError(`${where}: ${problems.join('; ')}${more > 0 ? `; and ${more} more` : ''}`);
  }
  const trajectory = value as Trajectory;
  const problem = trajectoryProblem(trajectory);
  if (problem !== undefined) throw new InputError(`${where}: ${problem}`);
  return trajectory;
}

/** `turns[3].logprobs[17]`. */
const fieldName = (path: readonly PropertyKey[]): string =>
  path.reduce<string>(
    (text, key) =>
      typeof key === 'number' ? `${text}[${key}]` : `${text}${text === '' ? '' : '.'}${String(key)}`,
    '',
  );

type Plain = Readonly<Record<string, unknown>>;
const isPlain = (value: unknown): value is Plain =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * The same value with its long arrays cut down, if all that is in them is valid: a schema takes as long for an array of
 * numbers as reading it does. Arrays with something wrong in them stay, and the schema says what.
 */
function withoutNumbers(value: unknown): unknown {
  if (!isPlain(value) || !Array.isArray(value.turns)) return value;
  return { ...value, turns: value.turns.map(turnWithoutNumbers) };
}

function turnWithoutNumbers(turn: unknown): unknown {
  if (!isPlain(turn)) return turn;
  const { observation, outputs } = turn;
  return {
    ...turn,
    // At least one.
    ...('tokens' in turn && areIds(turn.tokens) ? { tokens: turn.tokens.slice(0, 1) } : {}),
    ...Object.fromEntries(
      NUMBERS.flatMap((field) => (areNumbers(turn[field]) ? [[field, []] as const] : [])),
    ),
    ...(areTexts(turn.pieces) ? { pieces: [] } : {}),
    ...(isPlain(observation) && areIds(observation.tokens)
      ? { observation: { ...observation, tokens: [] } }
      : {}),
    ...(isPlain(outputs)
      ? {
          outputs: Object.fromEntries(
            Object.entries(outputs).map(([head, values]) => [head, areNumbers(values) ? [] : values]),
          ),
        }
      : {}),
  };
}

const NUMBERS = ['logprobs', 'entropies', 'previous', 'reference'] as const;

function areIds(value: unknown): value is readonly number[] {
  if (!Array.isArray(value)) return false;
  for (let index = 0; index < value.length; index++) {
    if (!(Number.isSafeInteger(value[index]) && value[index] >= 0)) return false;
  }
  return true;
}

function areNumbers(value: unknown): value is readonly number[] {
  if (!Array.isArray(value)) return false;
  for (let index = 0; index < value.length; index++) if (!Number.isFinite(value[index])) return false;
  return true;
}

const areTexts = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every((one) => typeof one === 'string');
