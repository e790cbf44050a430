/**
 * A small WebAssembly assembler: enough to write loops over float32 SIMD vectors as TypeScript expressions
 * and get a module that runs at native speed, with no compiler and no binary in the repository.
 * Code is a list of bytes in the order of the stack machine; an expression leaves one value behind.
 */
export type Code = readonly number[];

/** Value types: 32-bit integers (also addresses, in bytes), 32-bit floats, vectors of four 32-bit floats. */
export type Kind = 'i32' | 'f32' | 'v128';

const KIND_BYTES: Record<Kind, number> = { i32: 0x7f, f32: 0x7d, v128: 0x7b };
const END = 0x0b;
const VOID = 0x40;

/** A parameter or local variable of a function. */
export interface Local {
  readonly get: Code;
  set(value: Code): Code;
}

/** A function without a result. Parameters come first; `local` adds variables, which start at 0. */
export interface FunctionBuilder {
  readonly name: string;
  readonly params: readonly Local[];
  local(kind: Kind): Local;
  encode(): { readonly type: Code; readonly code: Code };
  body: Code;
}

/** Starts a function with the given parameters. Set `body` before it goes into a module. */
export function defineFunction(name: string, params: readonly Kind[]): FunctionBuilder {
  const locals: Kind[] = [];
  const make = (index: number): Local => ({
    get: [0x20, ...unsigned(index)],
    set: (value) => [...value, 0x21, ...unsigned(index)],
  });
  return {
    name,
    params: params.map((_, index) => make(index)),
    local: (kind) => make(params.length + locals.push(kind) - 1),
    body: [],
    encode() {
      const declarations = vector(locals.map((kind) => [1, KIND_BYTES[kind]]));
      return {
        type: [0x60, ...vector(params.map((kind) => [KIND_BYTES[kind]])), 0],
        code: sized([...declarations, ...this.body, END]),
      };
    },
  };
}

/** The bytes of a module that imports `env.memory` and exports every function under its name. */
export function assemble(functions: readonly FunctionBuilder[]): Uint8Array<ArrayBuffer> {
  const encoded = functions.map((definition) => definition.encode());
  const section = (id: number, content: Code): Code => [id, ...sized(content)];
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, vector(encoded.map(({ type }) => type))),
    ...section(2, vector([[...text('env'), ...text('memory'), 0x02, 0x00, 0x00]])),
    ...section(3, vector(encoded.map((_, index) => unsigned(index)))),
    ...section(7, vector(functions.map(({ name }, index) => [...text(name), 0x00, ...unsigned(index)]))),
    ...section(10, vector(encoded.map(({ code }) => code))),
  ]);
}

function unsigned(value: number): number[] {
  const bytes: number[] = [];
  let rest = value >>> 0;
  do {
    const low = rest & 0x7f;
    rest >>>= 7;
    bytes.push(rest === 0 ? low : low | 0x80);
  } while (rest !== 0);
  return bytes;
}

function signed(value: number): number[] {
  const bytes: number[] = [];
  let rest = value | 0;
  for (;;) {
    const low = rest & 0x7f;
    rest >>= 7;
    if ((rest === 0 && (low & 0x40) === 0) || (rest === -1 && (low & 0x40) !== 0)) return [...bytes, low];
    bytes.push(low | 0x80);
  }
}

const sized = (content: Code): Code => [...unsigned(content.length), ...content];
const vector = (items: readonly Code[]): Code => [...unsigned(items.length), ...items.flat()];
const text = (value: string): Code => sized([...Buffer.from(value)]);
const float = (value: number): Code => [...new Uint8Array(Float32Array.of(value).buffer)];

type Binary = (left: Code, right: Code) => Code;
type Unary = (value: Code) => Code;
const binary =
  (...opcode: number[]): Binary =>
  (left, right) => [...left, ...right, ...opcode];
const unary =
  (...opcode: number[]): Unary =>
  (value) => [...value, ...opcode];
const simd = (opcode: number): number[] => [0xfd, ...unsigned(opcode)];

/** Integer instructions; addresses are integers in bytes. */
export const i32 = {
  const: (value: number): Code => [0x41, ...signed(value)],
  load: (address: Code, offset = 0): Code => [...address, 0x28, 2, ...unsigned(offset)],
  add: binary(0x6a),
  sub: binary(0x6b),
  mul: binary(0x6c),
  lt: binary(0x48),
  eq: binary(0x46),
  not: unary(0x45),
};

/** Float instructions on single numbers. */
export const f32 = {
  const: (value: number): Code => [0x43, ...float(value)],
  load: (address: Code, offset = 0): Code => [...address, 0x2a, 2, ...unsigned(offset)],
  store: (address: Code, value: Code, offset = 0): Code => [
    ...address,
    ...value,
    ...[0x38, 2],
    ...unsigned(offset),
  ],
  sqrt: unary(0x91),
  add: binary(0x92),
  sub: binary(0x93),
  mul: binary(0x94),
  div: binary(0x95),
  max: binary(0x97),
  fromInteger: unary(0xb2),
};

/** Vector instructions: four floats, or their bits as four integers where the name says `Bits`. */
export const f32x4 = {
  load: (address: Code, offset = 0): Code => [...address, ...simd(0x00), 2, ...unsigned(offset)],
  loadSplat: (address: Code, offset = 0): Code => [...address, ...simd(0x09), 2, ...unsigned(offset)],
  store: (address: Code, value: Code, offset = 0): Code => [
    ...address,
    ...value,
    ...simd(0x0b),
    2,
    ...unsigned(offset),
  ],
  const: (value: number): Code => [...f32.const(value), ...simd(0x13)],
  splat: unary(...simd(0x13)),
  lane: (value: Code, lane: number): Code => [...value, ...simd(0x1f), lane],
  add: binary(...simd(0xe4)),
  sub: binary(...simd(0xe5)),
  mul: binary(...simd(0xe6)),
  div: binary(...simd(0xe7)),
  /** right < left ? right : left, one instruction on every machine; left where either is not a number. */
  min: binary(...simd(0xea)),
  /** left < right ? right : left; left where either is not a number. */
  max: binary(...simd(0xeb)),
  neg: unary(...simd(0xe1)),
  /** All bits set where left < right. */
  less: binary(...simd(0x43)),
  /** The bits of left that are not set in right. */
  andNot: binary(...simd(0x4f)),
  addBits: binary(...simd(0xae)),
  splatBits: unary(...simd(0x11)),
  shiftLeftBits: (value: Code, count: number): Code => [...value, ...i32.const(count), ...simd(0xab)],
};

/** One after the other. */
export const sequence = (...parts: readonly Code[]): Code => parts.flat();

/** Runs `body` while `condition` is not 0. */
const loopWhile = (condition: Code, body: Code): Code => [
  ...[0x02, VOID, 0x03, VOID],
  ...i32.not(condition),
  ...[0x0d, 1],
  ...body,
  ...[0x0c, 0, END, END],
];

/** `for (; counter < end; counter += step) body`. The counter starts where it is. */
export const loopTo = (counter: Local, end: Code, step: number, body: Code): Code =>
  loopWhile(i32.lt(counter.get, end), sequence(body, counter.set(i32.add(counter.get, i32.const(step)))));

/** Runs one of two branches. */
export const when = (condition: Code, then: Code, otherwise: Code = []): Code => [
  ...condition,
  ...[0x04, VOID],
  ...then,
  ...(otherwise.length > 0 ? [0x05, ...otherwise] : []),
  END,
];

/** Adds a number of bytes to an address. */
export const advance = (pointer: Local, bytes: Code | number): Code =>
  pointer.set(i32.add(pointer.get, typeof bytes === 'number' ? i32.const(bytes) : bytes));

/** The sum of the four lanes, in the fixed order (0 + 1) + (2 + 3). */
export const laneSum = (value: Local): Code =>
  f32.add(
    f32.add(f32x4.lane(value.get, 0), f32x4.lane(value.get, 1)),
    f32.add(f32x4.lane(value.get, 2), f32x4.lane(value.get, 3)),
  );
