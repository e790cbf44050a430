import { z } from 'zod';
import { MAX_BYTES } from '../../core/bounded-file.ts';
import type { Row } from '../cell.ts';
import { type FrameKind, readFramed, writeFramed } from '../framed.ts';
import type { HeadState } from './heads.ts';
import type { TrainingProgress } from './iteration.ts';
import type { Place, Places } from './learners/learner.ts';

/** A training as its checkpoint has it: the state without the heads' rules, and the rows so far. */
export type SavedTraining<At extends Place = 'local'> = SavedProgress<At> & Places[At]['weights'];

interface SavedProgress<At extends Place> extends Omit<TrainingProgress<At>, 'heads'> {
  readonly heads: readonly Omit<HeadState, 'head'>[];
  /** One row per iteration so far. */
  readonly metrics: readonly Row[];
  /** One row per iteration so far. */
  readonly timings: readonly Row[];
}

/** Raised when the bytes of a state change their meaning. */
const FORMAT = 'creditbench training state 2';

const KINDS = { float32: Float32Array, float64: Float64Array } as const;

// JSON has no such numbers, and turns -0 into 0.
const special = z.strictObject({ number: z.enum(['NaN', 'Infinity', '-Infinity', '-0']) });
const row = z.record(
  z.string(),
  z.union([z.number(), z.string(), z.null(), special.transform(({ number }) => Number(number))]),
);
const count = z.int().min(0);

const header = z.strictObject({
  format: z.literal(FORMAT),
  iteration: count,
  asked: count,
  prompts: z.array(z.strictObject({ text: z.string(), actions: z.array(z.string()) })).optional(),
  hasPrevious: z.boolean(),
  /** Where a server keeps the weights, and those before the last update if they are needed. Absent: they are in the arrays. */
  saved: z.strictObject({ path: z.string(), previous: z.string().optional() }).optional(),
  /** Adam's steps: of the policy, then of every head. */
  steps: z.array(count).min(1),
  /** What follows, unless a server keeps it: the parameters, Adam's two moments, `previous` if any; of every head its parameters and moments. */
  arrays: z.array(z.strictObject({ kind: z.enum(['float32', 'float64']), length: count })),
  metrics: z.array(row),
  timings: z.array(row),
});

const STATE: FrameKind<z.infer<typeof header>> = {
  what: 'training state',
  schema: header,
  most: MAX_BYTES,
};

/** A state as bytes: one line of JSON (`header`), then its arrays one after the other, little-endian. */
export function writeState(state: SavedTraining | SavedTraining<'server'>): Uint8Array {
  const { iteration, asked, heads, metrics, timings } = state;
  const ofHeads = heads.flatMap((head) => [head.parameters, head.adam.first, head.adam.second]);
  if ('saved' in state) {
    const { saved: path, previous, steps } = state;
    const saved = previous === undefined ? { path } : { path, previous };
    return write({ iteration, asked, saved, hasPrevious: false, metrics, timings }, steps, heads, ofHeads);
  }
  const { prompts, previous, adam } = state;
  const arrays = [
    state.parameters,
    adam.first,
    adam.second,
    ...(previous === undefined ? [] : [previous]),
    ...ofHeads,
  ];
  const given = {
    iteration,
    asked,
    ...(prompts === undefined
      ? {}
      : { prompts: prompts.map(({ text, actions = [] }) => ({ text, actions: [...actions] })) }),
    hasPrevious: previous !== undefined,
    metrics,
    timings,
  };
  return write(given, adam.steps, heads, arrays);
}

type Header = z.input<typeof header>;

function write(
  {
    metrics,
    timings,
    ...given
  }: Omit<Header, 'format' | 'steps' | 'arrays' | 'metrics' | 'timings'> &
    Pick<SavedProgress<Place>, 'metrics' | 'timings'>,
  steps: number,
  heads: SavedProgress<Place>['heads'],
  arrays: readonly (Float32Array | Float64Array)[],
): Uint8Array {
  const head: Header = {
    format: FORMAT,
    ...given,
    steps: [steps, ...heads.map((one) => one.adam.steps)],
    arrays: arrays.map((array) => ({
      kind: array instanceof Float32Array ? ('float32' as const) : ('float64' as const),
      length: array.length,
    })),
    metrics: metrics as Row[],
    timings: timings as Row[],
  };
  const payload = arrays.map(({ buffer, byteOffset, byteLength }) =>
    Buffer.from(buffer, byteOffset, byteLength),
  );
  return writeFramed(STATE, head, payload, (_, value) =>
    typeof value === 'number' && (!Number.isFinite(value) || Object.is(value, -0))
      ? { number: Object.is(value, -0) ? '-0' : String(value) }
      : value,
  );
}

/**
 * Reads what `writeState` wrote. Takes no more memory than the bytes themselves do, whatever they claim.
 * @throws Error saying what is wrong with the bytes.
 */
export function readState(bytes: Uint8Array): SavedTraining | SavedTraining<'server'> {
  const framed = readFramed(STATE, bytes);
  const { payload } = framed;
  const { format: _, hasPrevious, saved, steps, arrays, iteration, prompts, ...head } = framed.head;
  const size = arrays.reduce((sum, { kind, length }) => sum + length * KINDS[kind].BYTES_PER_ELEMENT, 0);
  if (size !== payload.length) {
    throw new Error(`its arrays should have ${size} bytes, and it has ${payload.length}`);
  }
  const own = saved === undefined ? 3 + (hasPrevious ? 1 : 0) : 0;
  const expected = own + 3 * (steps.length - 1);
  if (arrays.length !== expected) throw new Error(`it has ${arrays.length} arrays, not ${expected}`);
  if (head.metrics.length !== iteration + 1 || head.timings.length !== iteration + 1) {
    throw new Error(`it should have ${iteration + 1} rows`);
  }
  let offset = 0;
  const values = arrays.map(({ kind, length }) => {
    const from = offset;
    offset += length * KINDS[kind].BYTES_PER_ELEMENT;
    // A copy: the arrays need not lie where their type wants them.
    return new KINDS[kind](new Uint8Array(payload.subarray(from, offset)).buffer);
  });
  const next = (): Float32Array | Float64Array => values.shift()!;
  const exact = (length: number): Float64Array => {
    const array = next();
    if (!(array instanceof Float64Array) || array.length !== length) {
      throw new Error(`one of its arrays is not ${length} numbers of float64`);
    }
    return array;
  };
  const readHeads = (): SavedTraining['heads'] =>
    steps.slice(1).map((headSteps) => {
      const { length } = values[0]!;
      return {
        parameters: exact(length),
        adam: { first: exact(length), second: exact(length), steps: headSteps },
      };
    });
  if (saved !== undefined) {
    const { path, previous } = saved;
    return { ...head, iteration, saved: path, steps: steps[0]!, previous, heads: readHeads() };
  }
  const parameters = next();
  // A table's moments are shorter where prompts were met since the last step.
  const moments = Math.min(parameters.length, arrays[1]!.length);
  const adam = { first: exact(moments), second: exact(moments), steps: steps[0]! };
  const previous = hasPrevious ? next() : undefined;
  return { ...head, prompts, iteration, parameters, previous, adam, heads: readHeads() };
}
