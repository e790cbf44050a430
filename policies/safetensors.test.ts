import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InputError } from '../core/errors.ts';
import { readSafetensors, writeSafetensors } from './safetensors.ts';

/** Written by scripts/golden/tokenizer.py with the Python library. */
const golden = (name: string): Buffer => readFileSync(new URL(`tokenizer/golden/${name}`, import.meta.url));

type Values = Readonly<Record<string, { shape: number[]; values: number[] }>>;
const expected = JSON.parse(golden('tensors.json').toString()) as Values;

/** A file with any header, and `size` bytes of data. */
function file(header: unknown, size = 0): Uint8Array {
  const json = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const bytes = Buffer.alloc(8 + json.length + size);
  bytes.writeBigUInt64LE(BigInt(json.length));
  json.copy(bytes, 8);
  return bytes;
}

const F32 = (begin: number, end: number, shape = [(end - begin) / 4]) => ({
  dtype: 'F32',
  shape,
  data_offsets: [begin, end],
});

describe('readSafetensors', () => {
  it('reads all types that the Python library wrote', () => {
    const { tensors, metadata } = readSafetensors(golden('python.safetensors'));
    expect(metadata).toEqual({ format: 'pt' });
    expect([...tensors.keys()].sort()).toEqual(Object.keys(expected).sort());
    for (const [name, { shape, values }] of Object.entries(expected)) {
      expect(tensors.get(name)!.shape).toEqual(shape);
      expect(tensors.get(name)!.values).toEqual(Float32Array.from(values));
    }
  });

  it('takes null for no metadata, as the Python library does', () => {
    const { tensors, metadata } = readSafetensors(file({ __metadata__: null, x: F32(0, 4) }, 4));
    expect(metadata).toEqual({});
    expect([...tensors.keys()]).toEqual(['x']);
  });

  it('reads half precision at its limits', () => {
    const halves = [0x0000, 0x8000, 0x0001, 0x03ff, 0x0400, 0x3c00, 0x7bff, 0x7c00, 0xfc00, 0x7e00];
    const bytes = file({ h: { dtype: 'F16', shape: [halves.length], data_offsets: [0, 20] } }, 20);
    halves.forEach((half, index) => {
      Buffer.from(bytes.buffer, bytes.byteOffset).writeUInt16LE(half, bytes.length - 20 + 2 * index);
    });
    expect([...readSafetensors(bytes).tensors.get('h')!.values]).toEqual([
      0,
      -0,
      2 ** -24,
      1023 * 2 ** -24,
      2 ** -14,
      1,
      65504,
      Infinity,
      -Infinity,
      NaN,
    ]);
  });

  it('reads bfloat16 as the upper half of a float32', () => {
    const bytes = file({ b: { dtype: 'BF16', shape: [2], data_offsets: [0, 4] } }, 4);
    bytes.set([0x80, 0x3f, 0x49, 0xc0], bytes.length - 4);
    expect([...readSafetensors(bytes).tensors.get('b')!.values]).toEqual([1, -3.140625]);
  });

  it('reads from any place in a buffer', () => {
    const bytes = golden('python.safetensors');
    const shifted = new Uint8Array(bytes.length + 3);
    shifted.set(bytes, 3);
    expect(readSafetensors(shifted.subarray(3))).toEqual(readSafetensors(bytes));
  });

  it.each<[string, Uint8Array, RegExp]>([
    ['no length', new Uint8Array(7), /f: 7 bytes; .* begins with the 8 bytes/],
    ['a header beyond the file', Buffer.from([9, 0, 0, 0, 0, 0, 0, 0, 0x7b, 0x7d]), /length is 9, at most 2/],
    ['a huge header', new Uint8Array(16).fill(255), /length is 18446744073709551615, at most 8/],
    ['no JSON', file('{"a"'), /header is not JSON/],
    ['no UTF-8', Buffer.from([3, 0, 0, 0, 0, 0, 0, 0, 0x22, 0xff, 0x22]), /header is not JSON in UTF-8/],
    ['a list', file([]), /not a JSON object/],
    ['a list as metadata', file({ __metadata__: [] }), /__metadata__ must be an object of strings/],
    ['numbers in metadata', file({ __metadata__: { a: 1 } }), /__metadata__ must be an object of strings/],
    [
      'another type',
      file({ a: { ...F32(0, 4), dtype: 'I64' } }, 4),
      /"a": dtype: supported are F64, F32, F16, BF16/,
    ],
    ['no shape', file({ a: { dtype: 'F32', data_offsets: [0, 4] } }, 4), /"a": shape: /],
    ['a negative length', file({ a: F32(0, 4, [-1]) }, 4), /"a": shape: 0: /],
    ['one offset', file({ a: { ...F32(0, 4), data_offsets: [0] } }, 4), /"a": data_offsets: /],
    [
      'too few bytes',
      file({ a: F32(0, 4, [2]) }, 4),
      /"a": F32 \[2\] needs 8 bytes, data_offsets 0 to 4 are 4/,
    ],
    ['too many bytes', file({ a: F32(0, 8, [1]) }, 8), /"a": F32 \[1\] needs 4 bytes, .* are 8/],
    ['a turned place', file({ a: F32(4, 0, [1]) }, 4), /needs 4 bytes, data_offsets 4 to 0 are -4/],
    ['an endless shape', file({ a: F32(0, 4, [2 ** 53 - 1, 2 ** 53 - 1]) }, 4), /needs 3\.\d+e\+32 bytes/],
    [
      'a place beyond the file',
      file({ a: F32(0, 4e12) }, 8),
      /"a": bytes 0 to 4000000000000 reach beyond the 8/,
    ],
    ['an overlap', file({ a: F32(0, 8), b: F32(4, 12) }, 12), /"b": bytes 4 to 12 overlap/],
    ['a hole', file({ a: F32(0, 4), b: F32(8, 12) }, 12), /"b": bytes 8 to 12 leave bytes 4 to 8/],
    ['a rest', file({ a: F32(0, 4) }, 12), /f: 8 bytes after the last tensor/],
    ['an unknown field', file({ a: { ...F32(0, 4), more: 1 } }, 4), /"a": .*more/],
  ])('refuses %s', (_, bytes, message) => {
    expect(() => readSafetensors(bytes, 'f')).toThrow(InputError);
    expect(() => readSafetensors(bytes, 'f')).toThrow(message);
  });

  it('reads any bytes or throws InputError', () => {
    const valid = golden('python.safetensors');
    const damaged = fc
      .array(fc.tuple(fc.nat({ max: valid.length - 1 }), fc.nat({ max: 255 })), {
        minLength: 1,
        maxLength: 4,
      })
      .map((changes) => {
        const bytes = Uint8Array.from(valid);
        for (const [at, byte] of changes) bytes[at] = byte;
        return bytes;
      });
    const cut = fc.nat({ max: valid.length - 1 }).map((length) => Uint8Array.from(valid.subarray(0, length)));
    const anyHeader = fc.json().map((json) => file(json));
    let refused = 0;
    fc.assert(
      fc.property(fc.oneof(damaged, cut, anyHeader, fc.uint8Array()), (bytes) => {
        try {
          readSafetensors(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(InputError);
          refused += 1;
        }
      }),
      { numRuns: 1000 },
    );
    expect(refused).toBeGreaterThan(100);
  });
});

describe('writeSafetensors', () => {
  it('writes the bytes that the Python library writes', () => {
    const bytes = golden('float32.safetensors');
    const { tensors, metadata } = readSafetensors(bytes);
    const turned = new Map([...tensors].reverse());
    expect([...turned.keys()]).not.toEqual([...turned.keys()].sort());
    expect(Buffer.from(writeSafetensors(turned, metadata)).equals(bytes)).toBe(true);
  });

  it('is read back bit for bit', () => {
    const tensor = fc.array(fc.nat({ max: 3 }), { maxLength: 3 }).chain((shape) => {
      const size = shape.reduce((product, length) => product * length, 1);
      const bits = fc.array(fc.nat({ max: 0xffffffff }), { minLength: size, maxLength: size });
      return bits.map((all) => ({ shape, values: new Float32Array(Uint32Array.from(all).buffer) }));
    });
    const name = fc.oneof(fc.string({ unit: 'grapheme' }), fc.constantFrom('__proto__', 'constructor', '7'));
    const tensors = fc.uniqueArray(fc.tuple(name, tensor), { selector: ([key]) => key, maxLength: 5 });
    const words = fc.dictionary(name, fc.string({ unit: 'grapheme' }));
    fc.assert(
      fc.property(tensors, words, (entries, metadata) => {
        const read = readSafetensors(writeSafetensors(new Map(entries), metadata));
        expect(Object.entries(read.metadata).sort()).toEqual(Object.entries(metadata).sort());
        expect(read.tensors.size).toBe(entries.length);
        for (const [key, { shape, values }] of entries) {
          const other = read.tensors.get(key)!;
          expect(other.shape).toEqual(shape);
          expect(Buffer.from(other.values.buffer)).toEqual(Buffer.from(values.buffer));
        }
      }),
    );
  });

  it('aligns the data and needs no metadata', () => {
    const bytes = writeSafetensors(new Map([['a', { shape: [1], values: Float32Array.of(2) }]]));
    expect((bytes.length - 4) % 8).toBe(0);
    expect(readSafetensors(bytes).metadata).toEqual({});
  });

  it('refuses values that do not fit their shape, and the name of the metadata', () => {
    const write = (name: string, shape: number[]) => () =>
      writeSafetensors(new Map([[name, { shape, values: new Float32Array(3) }]]));
    expect(write('a', [2])).toThrow(/a: 3 values in the shape \[2\]/);
    expect(write('__metadata__', [3])).toThrow(RangeError);
  });
});
