import { z } from 'zod';
import type { AnyAlgorithm } from '../../algorithms/algorithm.ts';
import { type ConfiguredAlgorithm, configured } from '../../algorithms/configured.ts';
import { InputError } from '../../core/errors.ts';
import { groupBy } from '../../core/group-by.ts';
import { createRandom } from '../../core/random.ts';
import { checkTrajectory } from './check.ts';
import { creditOf, type MethodCredit, type TurnCredit } from './credit.ts';
import { growTree } from './grow.ts';
import { MERGES } from './merge.ts';
import type { Trajectory } from './trajectory.ts';

/** What a request may have, at most. */
export const REQUEST_LIMITS = {
  /** Trajectories, of all groups. */
  trajectories: 65_536,
  /** Trajectories of one group. */
  group: 4096,
  /** Turns of all trajectories. */
  turns: 2 ** 19,
  /** Tokens of all turns. */
  tokens: 2 ** 23,
  /** Methods. */
  algorithms: 64,
  /** Tokens times methods. */
  advantages: 2 ** 26,
} as const;

/** A request is larger than `REQUEST_LIMITS`. */
export class RequestTooLarge extends InputError {}

const name = z.string().regex(/^[\w+./-]{1,100}$/);

/** What is asked, without the trajectories' fields (`trajectorySchema`). */
export const creditRequestSchema = z
  .strictObject({
    algorithms: z
      .array(
        z.union(
          [
            name,
            z.strictObject({
              id: name,
              name: name.optional().describe('What the answer calls it. Default: its id.'),
              options: z
                .record(z.string(), z.unknown())
                .optional()
                .describe('What differs from its defaults.'),
            }),
          ],
          'not valid; valid: an id, or an object with id, name and options',
        ),
      )
      .min(1)
      .describe('Ids of methods, or ids with options.'),
    trajectories: z
      .array(z.unknown())
      .min(1)
      .describe('Trajectories in the format creditbench-trajectory, the ones of one batch.'),
    merge: z
      .enum(MERGES)
      .default('turns')
      .describe('What of trajectories that name no forks is taken for shared.'),
    seed: z.int().default(0).describe('Of methods that draw random numbers: the controls.'),
  })
  .describe('What credit is asked for.');

/** What the methods say of one batch. */
export interface CreditAnswer {
  /** By method that has something to say: by trajectory in the order of the request, and by turn. */
  readonly credit: ReadonlyMap<string, readonly (readonly TurnCredit[])[]>;
  /** By method that cannot say anything: the fields that it would need. */
  readonly lacks: ReadonlyMap<string, string>;
  /** By method with credit: actions whose training an advantage per token does not tell whole. */
  readonly left: ReadonlyMap<string, MethodCredit['left']>;
}

/**
 * The credit that a request asks for. Pure.
 * @param body what was sent, as it is after JSON.parse.
 * @param find the algorithm of an id. Throws InputError if there is none.
 * @throws InputError naming the place, the value and what is valid; `RequestTooLarge` if it is more than the limits.
 */
export function answerCredit(body: unknown, find: (id: string) => AnyAlgorithm): CreditAnswer {
  const { algorithms, trajectories, merge, seed } = read(body);
  const methods = algorithms.map((one, index) => methodOf(one, find, `algorithms[${index}]`));
  const twice = methods.find((one, index) => methods.findIndex((other) => other.name === one.name) !== index);
  if (twice !== undefined) {
    throw new InputError(`algorithms: two are called '${twice.name}'; valid: a different 'name' for each`);
  }
  const checked = checkAll(trajectories, methods.length);
  const places = groupBy([...checked.keys()], (index) => checked[index]!.group);
  const groups = [...places.values()];
  const large = groups.find(({ length }) => length > REQUEST_LIMITS.group);
  if (large !== undefined) {
    throw tooLarge(
      `trajectories of group '${checked[large[0]!]!.group}'`,
      large.length,
      REQUEST_LIMITS.group,
    );
  }
  const grown = groups.map((indices) =>
    growTree(
      indices.map((index) => checked[index]!),
      merge,
    ),
  );

  const credit = new Map<string, (readonly TurnCredit[])[]>();
  const lacks = new Map<string, string>();
  const left = new Map<string, MethodCredit['left']>();
  for (const { name, algorithm } of methods) {
    // The same numbers for the same seed as those of `creditbench credit`.
    const found = creditOf(grown, algorithm, createRandom(seed).split('credit command').split('batch', 0));
    if ('lacks' in found) {
      lacks.set(name, found.lacks);
      continue;
    }
    const inOrder = new Array<readonly TurnCredit[]>(checked.length);
    for (const [group, indices] of groups.entries()) {
      for (const [at, index] of indices.entries()) inOrder[index] = found.credits[group]![at]!;
    }
    credit.set(name, inOrder);
    left.set(name, found.left);
  }
  return { credit, lacks, left };
}

function read(body: unknown): z.infer<typeof creditRequestSchema> {
  // Long lists are looked at before the schema, which would list everything that is wrong with them.
  const { algorithms, trajectories } = (body ?? {}) as { algorithms?: unknown; trajectories?: unknown };
  atMost('algorithms', algorithms, REQUEST_LIMITS.algorithms);
  atMost('trajectories', trajectories, REQUEST_LIMITS.trajectories);
  const { data, error } = creditRequestSchema.safeParse(body);
  if (error === undefined) return data;
  const { path, message } = error.issues[0]!;
  throw new InputError(`${path.length === 0 ? 'the request' : path.join('.')}: ${message}`);
}

function atMost(what: string, list: unknown, most: number): void {
  if (Array.isArray(list) && list.length > most) throw tooLarge(what, list.length, most);
}

const tooLarge = (what: string, found: number, most: number): RequestTooLarge =>
  new RequestTooLarge(`${found} ${what}; valid: at most ${most} in a request`);

interface Method {
  readonly name: string;
  readonly algorithm: ConfiguredAlgorithm;
}

function methodOf(
  asked: z.infer<typeof creditRequestSchema>['algorithms'][number],
  find: (id: string) => AnyAlgorithm,
  place: string,
): Method {
  const { id, name = id, options = {} } = typeof asked === 'string' ? { id: asked } : asked;
  const algorithm = find(id);
  try {
    return { name, algorithm: configured(algorithm, options) };
  } catch (error) {
    if (!(error instanceof z.ZodError)) throw error;
    const { path, message } = error.issues[0]!;
    throw new InputError(
      `${place}.options${path.map((key) => `.${String(key)}`).join('')}, of ${id}: ${message}`,
    );
  }
}

function checkAll(trajectories: readonly unknown[], methods: number): readonly Trajectory[] {
  const turns = trajectories.reduce<number>((sum, value) => {
    const { turns } = (value ?? {}) as { turns?: unknown };
    return sum + (Array.isArray(turns) ? turns.length : 0);
  }, 0);
  if (turns > REQUEST_LIMITS.turns) throw tooLarge('turns', turns, REQUEST_LIMITS.turns);
  let tokens = 0;
  const checked = trajectories.map((value, index) => {
    const trajectory = checkTrajectory(value, `trajectories[${index}]`);
    for (const turn of trajectory.turns) tokens += turn.tokens.length;
    if (tokens > REQUEST_LIMITS.tokens) {
      throw new RequestTooLarge(
        `more than ${REQUEST_LIMITS.tokens} tokens; valid: at most ${REQUEST_LIMITS.tokens} in a request`,
      );
    }
    return trajectory;
  });
  if (tokens * methods > REQUEST_LIMITS.advantages) {
    throw tooLarge(
      `advantages (${tokens} tokens, ${methods} methods)`,
      tokens * methods,
      REQUEST_LIMITS.advantages,
    );
  }
  const batches = new Set(checked.map(({ batch }) => batch));
  if (batches.size > 1) {
    throw new InputError(
      `trajectories: they name ${batches.size} batches; valid: one, the trajectories of a request are one batch`,
    );
  }
  return checked;
}

/** The JSON of an answer, in pieces: it may be longer than a string can be. */
export function* answerJson({ credit, lacks, left }: CreditAnswer): Generator<string> {
  yield '{"version":1,"credit":{';
  let first = true;
  for (const [method, trajectories] of credit) {
    yield `${first ? '' : ','}${JSON.stringify(method)}:[`;
    first = false;
    for (const [index, turns] of trajectories.entries()) {
      yield `${index === 0 ? '' : ','}[${turns.map(turnJson).join(',')}]`;
    }
    yield ']';
  }
  yield `},"lacks":${mapJson(lacks)},"left":${mapJson(left)}}`;
}

/** NaN, a token that is not trained, is null in JSON. */
const turnJson = (credit: TurnCredit): string =>
  credit === undefined ? 'null' : JSON.stringify([...credit]);

const mapJson = (map: ReadonlyMap<string, unknown>): string =>
  `{${[...map].map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`).join(',')}}`;
