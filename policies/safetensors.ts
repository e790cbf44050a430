import { type FileHandle, open } from 'node:fs/promises';
import { z } from 'zod';
import { readProblem } from '../core/bounded-file.ts';
import { InputError } from '../core/errors.ts';

/**
 * A tensor in memory: row-major values, as many as the product of `shape` (1 for a scalar's []).
 * @experimental
 */
export interface Tensor {
  readonly shape: number[];
  readonly values: Float32Array;
}

/**
 * What a safetensors file holds.
 * @experimental
 */
export interface TensorFile {
  /** By name, in the order of their bytes in the file. */
  readonly tensors: Map<string, Tensor>;
  readonly metadata: Record<string, string>;
}

/** The reference implementation's limit, against headers that say to be larger than any model needs. */
const MAX_HEADER = 100_000_000;
const LENGTH_BYTES = 8;
const METADATA = '__metadata__';

const ELEMENT_BYTES = { F64: 8, F32: 4, F16: 2, BF16: 2 } as const;
type ElementType = keyof typeof ELEMENT_BYTES;
const ELEMENT_TYPES = Object.keys(ELEMENT_BYTES) as ElementType[];

const count = z.int().min(0);
const entrySchema = z.strictObject({
  dtype: z.enum(ELEMENT_TYPES, `supported are ${ELEMENT_TYPES.join(', ')}`),
  shape: z.array(count),
  data_offsets: z.tuple([count, count]),
});

/** Where a tensor lies; `begin` and `end` count from the end of the header. */
interface Place {
  readonly name: string;
  readonly type: ElementType;
  readonly shape: number[];
  readonly begin: number;
  readonly end: number;
}

/**
 * Reads a safetensors file: F32, and F16, BF16, F64 rounded to float32 (F64 beyond its range gives infinities).
 * Everything the header says is checked against the file before memory is taken.
 * @param name what error messages call the file.
 * @throws InputError naming what is wrong: a length, the header, a tensor's type, shape, size or place; bytes that
 *   belong to two tensors or to none.
 * @experimental
 */
export function readSafetensors(bytes: Uint8Array, name = 'safetensors file'): TensorFile {
  const { places, metadata, start } = readLayout(bytes, bytes.byteLength, name);
  const tensors = new Map<string, Tensor>();
  for (const place of places) {
    const own = bytes.subarray(start + place.begin, start + place.end);
    tensors.set(place.name, { shape: place.shape, values: readValues(own, place.type) });
  }
  return { tensors, metadata };
}

/** A safetensors file whose tensors are read one by one: weights that are larger than memory for two copies. */
export interface OpenTensors {
  /** The shape of every tensor, in the order of their bytes in the file. */
  readonly shapes: ReadonlyMap<string, readonly number[]>;
  /** The values of one of them. */
  read(name: string): Promise<Float32Array>;
  close(): Promise<void>;
}

/**
 * Opens a safetensors file and checks all that its header says. Values are as `readSafetensors` gives them.
 * @throws InputError as `readSafetensors`, or when the file cannot be read.
 */
export async function openSafetensors(path: string): Promise<OpenTensors> {
  try {
    const file = await open(path);
    try {
      const { size } = await file.stat();
      const beginning = await bytesOf(file, 0, Math.min(size, LENGTH_BYTES));
      const length = size < LENGTH_BYTES ? 0 : Number(viewOf(beginning).getBigUint64(0, true));
      const header = await bytesOf(file, 0, Math.min(size, LENGTH_BYTES + Math.min(length, MAX_HEADER)));
      const { places, start } = readLayout(header, size, path);
      const byName = new Map(places.map((place) => [place.name, place]));
      return {
        shapes: new Map(places.map(({ name, shape }) => [name, shape])),
        read: async (name) => {
          const { type, begin, end } = byName.get(name)!;
          return readValues(await bytesOf(file, start + begin, end - begin), type);
        },
        close: () => file.close(),
      };
    } catch (error) {
      await file.close();
      throw error;
    }
  } catch (error) {
    if (error instanceof InputError) throw error;
    throw new InputError(`${path}: cannot be read (${readProblem(error)})`, { cause: error });
  }
}

async function bytesOf(file: FileHandle, from: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  let done = 0;
  while (done < length) {
    // Not more than 1 GiB at once: larger reads fail on some systems.
    const { bytesRead } = await file.read(bytes, done, Math.min(length - done, 2 ** 30), from + done);
    if (bytesRead === 0) throw new Error('the file has become shorter');
    done += bytesRead;
  }
  return bytes;
}

const viewOf = ({ buffer, byteOffset, byteLength }: Uint8Array): DataView =>
  new DataView(buffer, byteOffset, byteLength);

/**
 * Where all tensors lie in a file of `fileSize` bytes, from its beginning up to the end of its header. Everything that
 * the header says is checked against the size.
 */
function readLayout(
  bytes: Uint8Array,
  fileSize: number,
  name: string,
): {
  readonly places: readonly Place[];
  readonly metadata: Record<string, string>;
  readonly start: number;
} {
  const { header, start } = readHeader(bytes, fileSize, name);
  const { [METADATA]: rawMetadata, ...entries } = header;
  // As in the reference implementation, null is none.
  const metadata = readMetadata(rawMetadata ?? {}, name);
  const places = Object.entries(entries)
    .map(([tensor, entry]) => readPlace(tensor, entry, name))
    .sort((left, right) => left.begin - right.begin || left.end - right.end);
  const size = fileSize - start;
  let covered = 0;
  for (const place of places) {
    const where = `${name}: tensor ${JSON.stringify(place.name)}: bytes ${place.begin} to ${place.end}`;
    if (place.end > size) throw new InputError(`${where} reach beyond the ${size} bytes of data`);
    if (place.begin < covered) throw new InputError(`${where} overlap those of another tensor`);
    if (place.begin > covered) {
      throw new InputError(`${where} leave bytes ${covered} to ${place.begin} to no tensor`);
    }
    covered = place.end;
  }
  if (covered !== size) throw new InputError(`${name}: ${size - covered} bytes after the last tensor`);
  return { places, metadata, start };
}

/**
 * A safetensors file with all tensors as F32, sorted by name (UTF-16 code units), data aligned to 8 bytes. Equal
 * content gives equal bytes.
 * @throws RangeError when a tensor's values are not as many as its shape says, or it is named '__metadata__'.
 * @experimental
 */
export function writeSafetensors(
  tensors: ReadonlyMap<string, { readonly shape: readonly number[]; readonly values: Float32Array }>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const byName = (left: readonly [string, unknown], right: readonly [string, unknown]): number =>
    left[0] < right[0] ? -1 : 1;
  const sorted = [...tensors].sort(byName);
  let end = 0;
  const entries = sorted.map(([name, { shape, values }]) => {
    if (name === METADATA) throw new RangeError(`writeSafetensors: no tensor can be named ${METADATA}`);
    if (sizeOf(shape) !== values.length) {
      throw new RangeError(`writeSafetensors: ${name}: ${values.length} values in the shape [${shape}]`);
    }
    const begin = end;
    end += values.length * ELEMENT_BYTES.F32;
    return [name, { dtype: 'F32', shape, data_offsets: [begin, end] }] as const;
  });
  const words = Object.entries(metadata).sort(byName);
  const first = words.length === 0 ? [] : [[METADATA, Object.fromEntries(words)] as const];
  const json = JSON.stringify(Object.fromEntries<unknown>([...first, ...entries]));
  const header = Buffer.from(json, 'utf8');
  const headerSize = Math.ceil(header.length / LENGTH_BYTES) * LENGTH_BYTES;
  const start = LENGTH_BYTES + headerSize;
  const bytes = new Uint8Array(start + end);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(headerSize), true);
  bytes.set(header, LENGTH_BYTES);
  bytes.fill(0x20, LENGTH_BYTES + header.length, start);
  let offset = start;
  for (const [, { values }] of sorted) {
    // As bits: a float32 that passes through a number can lose the payload of a NaN.
    const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
    for (let index = 0; index < bits.length; index++) {
      view.setUint32(offset, bits[index]!, true);
      offset += ELEMENT_BYTES.F32;
    }
  }
  return bytes;
}

function readHeader(
  bytes: Uint8Array,
  fileSize: number,
  name: string,
): { header: Record<string, unknown>; start: number } {
  if (fileSize < LENGTH_BYTES) {
    throw new InputError(
      `${name}: ${fileSize} bytes; a safetensors file begins with the ${LENGTH_BYTES} bytes of its header's length`,
    );
  }
  const length = viewOf(bytes).getBigUint64(0, true);
  const rest = fileSize - LENGTH_BYTES;
  if (length > BigInt(Math.min(rest, MAX_HEADER))) {
    throw new InputError(
      `${name}: the header's length is ${length}, at most ${Math.min(rest, MAX_HEADER)} is possible`,
    );
  }
  const start = LENGTH_BYTES + Number(length);
  let header: unknown;
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
    header = JSON.parse(text.decode(bytes.subarray(LENGTH_BYTES, start)));
  } catch (error) {
    throw new InputError(`${name}: the header is not JSON in UTF-8: ${(error as Error).message}`);
  }
  if (typeof header !== 'object' || header === null || Array.isArray(header)) {
    throw new InputError(`${name}: the header is not a JSON object`);
  }
  return { header: header as Record<string, unknown>, start };
}

function readMetadata(value: unknown, name: string): Record<string, string> {
  const entries = typeof value === 'object' && value !== null ? Object.entries(value) : undefined;
  if (
    entries === undefined ||
    Array.isArray(value) ||
    !entries.every(([, word]) => typeof word === 'string')
  ) {
    throw new InputError(`${name}: ${METADATA} must be an object of strings`);
  }
  return Object.fromEntries(entries) as Record<string, string>;
}

function readPlace(tensor: string, entry: unknown, name: string): Place {
  const where = `${name}: tensor ${JSON.stringify(tensor)}`;
  const parsed = entrySchema.safeParse(entry);
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!;
    throw new InputError(`${where}: ${[...issue.path, ''].join(': ')}${issue.message}`);
  }
  const { dtype, shape, data_offsets } = parsed.data;
  const [begin, end] = data_offsets;
  const needed = sizeOf(shape) * ELEMENT_BYTES[dtype];
  if (end - begin !== needed) {
    throw new InputError(
      `${where}: ${dtype} [${shape}] needs ${needed} bytes, data_offsets ${begin} to ${end} are ${end - begin}`,
    );
  }
  return { name: tensor, type: dtype, shape, begin, end };
}

function readValues(bytes: Uint8Array, type: ElementType): Float32Array {
  const view = viewOf(bytes);
  const step = ELEMENT_BYTES[type];
  const values = new Float32Array(bytes.byteLength / step);
  const bits = new Uint32Array(values.buffer);
  let offset = 0;
  for (let index = 0; index < values.length; index++) {
    if (type === 'F32') bits[index] = view.getUint32(offset, true);
    else if (type === 'F64') values[index] = view.getFloat64(offset, true);
    else if (type === 'BF16') bits[index] = view.getUint16(offset, true) << 16;
    else values[index] = halfToNumber(view.getUint16(offset, true));
    offset += step;
  }
  return values;
}

/** The value of an IEEE 754 binary16. */
function halfToNumber(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

const sizeOf = (shape: readonly number[]): number => shape.reduce((product, length) => product * length, 1);
