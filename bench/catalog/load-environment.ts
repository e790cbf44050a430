import { InputError } from '../../core/errors.ts';
import type { LoadedEnvironment } from '../../envs/environment.ts';
import type { AnyEnvironmentSpec, LoadContext } from '../../envs/spec.ts';

/**
 * Loads an environment and checks that it is one: all that runs and measures may rely on its shape.
 * @param options complete: what the spec's schema gives.
 * @throws InputError naming the environment and every field that is missing or wrong; and what `load` throws.
 */
export async function loadEnvironment(
  spec: AnyEnvironmentSpec,
  options: unknown,
  context: LoadContext,
): Promise<LoadedEnvironment> {
  const loaded: unknown = await spec.load(options, context);
  const problems = problemsOf(loaded);
  if (problems.length > 0) {
    throw new InputError(`${spec.id}: what load gives is no environment: ${problems.join('; ')}`);
  }
  return loaded as LoadedEnvironment;
}

type Fields = Readonly<Record<string, unknown>>;

const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null;
const isText = (value: unknown): boolean => typeof value === 'string' && value !== '';
const isString = (value: unknown): boolean => typeof value === 'string';
const isFunction = (value: unknown): boolean => typeof value === 'function';
const isTexts = (value: unknown): boolean => Array.isArray(value) && value.every(isString);
const isRange = (value: unknown): boolean =>
  Array.isArray(value) && value.length === 2 && value.every(Number.isFinite) && value[0] <= value[1];
const isCount = (value: unknown): boolean => Number.isInteger(value) && (value as number) >= 1;
const optional =
  (isValid: (value: unknown) => boolean) =>
  (value: unknown): boolean =>
    value === undefined || isValid(value);

type Rules = Readonly<Record<string, readonly [isValid: (value: unknown) => boolean, valid: string]>>;

const METHOD = [isFunction, 'a function'] as const;
const OPTIONAL_METHOD = [optional(isFunction), 'a function, or nothing'] as const;

const ENVIRONMENT: Rules = {
  id: [isText, 'a text such as name/v1'],
  markov: [(value) => typeof value === 'boolean', 'true or false'],
  rewardRange: [isRange, 'two finite numbers, low and high'],
  reset: METHOD,
  observe: METHOD,
  step: METHOD,
  actions: OPTIONAL_METHOD,
  prepare: OPTIONAL_METHOD,
  answer: OPTIONAL_METHOD,
  called: OPTIONAL_METHOD,
  milestones: OPTIONAL_METHOD,
  key: OPTIONAL_METHOD,
  answerKind: [optional((value) => value === 'text' || value === 'labels'), 'text, labels, or nothing'],
  score: [
    optional((value) => isFields(value) && isString(value.name) && Array.isArray(value.range)),
    '{ name, range }, or nothing',
  ],
  metrics: [
    optional(
      (value) =>
        Array.isArray(value) &&
        value.every((one) => isFields(one) && isString(one.name) && isString(one.unit) && isFunction(one.of)),
    ),
    'a list of { name, unit, description, of }, or nothing',
  ],
};

const PROTOCOL: Rules = {
  stops: [
    (value) => isTexts(value) && (value as string[]).length > 0 && !(value as string[]).includes(''),
    'a list of texts, at least one and none empty',
  ],
  maxActionTokens: [isCount, 'whole number >= 1'],
  maxObservationTokens: [isCount, 'whole number >= 1'],
  answering: [optional(isText), 'a text, or nothing'],
};

const TASK: Rules = {
  id: [isText, 'a text'],
  question: [isString, 'a text'],
  answers: [isTexts, 'a list of texts'],
  kind: [isString, 'a text'],
  hops: [(value) => typeof value === 'number' && Number.isFinite(value), 'a number'],
};

const LOADED: Rules = {
  fingerprint: [isText, 'a text: the hash of what the numbers depend on'],
  ask: OPTIONAL_METHOD,
  demonstrate: OPTIONAL_METHOD,
  expert: OPTIONAL_METHOD,
};

const SPLITS = ['train', 'dev', 'test'] as const;

function problemsOf(loaded: unknown): readonly string[] {
  if (!isFields(loaded)) return [`${shown(loaded)}; valid: { environment, tasks, fingerprint }`];
  const { environment, tasks } = loaded;
  return [
    ...(isFields(environment)
      ? environmentProblems(environment)
      : [`environment is ${shown(environment)}; valid: an object with reset, observe and step`]),
    ...(isFields(tasks)
      ? SPLITS.flatMap((split) => taskProblems(tasks[split], `tasks.${split}`))
      : [`tasks is ${shown(tasks)}; valid: { train, dev, test }`]),
    ...broken(loaded, LOADED, ''),
  ];
}

function environmentProblems(environment: Fields): readonly string[] {
  const { text, actions } = environment;
  const problems = broken(environment, ENVIRONMENT, 'environment.');
  if (text === undefined && actions === undefined) {
    return [...problems, 'environment has neither actions nor text; valid: one of them'];
  }
  if (text === undefined) return problems;
  if (!isFields(text)) return [...problems, `environment.text is ${shown(text)}; valid: a protocol`];
  const both = actions === undefined ? [] : ['environment has both actions and text; valid: one of them'];
  return [...problems, ...both, ...broken(text, PROTOCOL, 'environment.text.')];
}

/** Of the first task that is wrong: the others are mostly wrong in the same way. */
function taskProblems(tasks: unknown, path: string): readonly string[] {
  if (!Array.isArray(tasks)) return [`${path} is ${shown(tasks)}; valid: a list of tasks`];
  for (const [index, task] of tasks.entries()) {
    const place = `${path}[${index}]`;
    if (!isFields(task)) return [`${place} is ${shown(task)}; valid: a task`];
    const problems = broken(task, TASK, `${place}.`);
    if (problems.length > 0) return problems;
  }
  return [];
}

const broken = (fields: Fields, rules: Rules, prefix: string): readonly string[] =>
  Object.entries(rules).flatMap(([name, [isValid, valid]]) =>
    isValid(fields[name]) ? [] : [`${prefix}${name} is ${shown(fields[name])}; valid: ${valid}`],
  );

/** Characters of a value in a message, at most. */
const SHOWN = 60;

function shown(value: unknown): string {
  if (value === undefined) return 'missing';
  if (typeof value === 'function') return 'a function';
  let text: string;
  try {
    text = typeof value === 'number' ? String(value) : (JSON.stringify(value) ?? String(value));
  } catch {
    text = 'an object';
  }
  return text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text;
}
