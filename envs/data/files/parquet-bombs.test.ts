import { brotliCompressSync, gzipSync } from 'node:zlib';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { describe, expect, it } from 'vitest';
import { load, temporaryFiles } from '../files.test-helper.ts';
import { boundedCompressors } from './decompress.ts';

const file = temporaryFiles();

/** An uncompressed file of 20 questions, and answers of which the last is null. */
function plain(): Buffer {
  const data = Array.from({ length: 20 }, (_, i) => `q${i}`);
  const column = (name: string) => ({
    name,
    type: 'BYTE_ARRAY' as const,
    converted_type: 'UTF8' as const,
    repetition_type: 'OPTIONAL' as const,
  });
  const schema = [{ name: 'root', num_children: 2 }, column('question'), column('answer')];
  return Buffer.from(
    parquetWriteBuffer({
      schema,
      codec: 'UNCOMPRESSED',
      columnData: ['question', 'answer'].map((name) => ({
        name,
        data: name === 'answer' ? [...data.slice(1), null] : data,
      })),
    }),
  );
}

describe('a small Parquet file', () => {
  it('whose run repeats a value two thousand million times is refused', async () => {
    const bytes = plain();
    expect(
      await load(file('a.parquet', plain()), { format: 'bamboogle' }).catch((error: Error) => error.message),
    ).toMatch(/no answer/);
    // The levels of the questions: 20 times 1, in a run of two bytes.
    const level = bytes.indexOf(Buffer.from([40, 1]));
    expect(level).toBeGreaterThan(0);
    bytes.set([0xfe, 0xff, 0xff, 0xff, 0x0f], level);
    await expect(load(file('run.parquet', bytes))).rejects.toThrow(
      /broken Parquet: a run of 2147483647 in a page of 20 values/,
    );
  });

  it.each(['GZIP', 'BROTLI'] as const)(
    'whose page decompresses to more than it says is refused: %s',
    (codec) => {
      const compress = codec === 'GZIP' ? gzipSync : brotliCompressSync;
      const bomb = compress(Buffer.alloc(2 ** 24));
      const before = process.memoryUsage().arrayBuffers;
      expect(() => boundedCompressors[codec]!(bomb, 100)).toThrow(/larger than 100 bytes/);
      expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 ** 22);
      expect(Buffer.from(boundedCompressors[codec]!(compress(Buffer.from('hello')), 5)).toString()).toBe(
        'hello',
      );
    },
  );

  it('whose Zstandard frame claims, or repeats, more than its page is refused', () => {
    const zstd = boundedCompressors.ZSTD!;
    const magic = [0x28, 0xb5, 0x2f, 0xfd];
    // One raw block; one of a repeated byte; both with their size in the frame's header.
    expect(Buffer.from(zstd(Uint8Array.of(...magic, 0x20, 2, 0x11, 0, 0, 104, 105), 2)).toString()).toBe(
      'hi',
    );
    expect(Buffer.from(zstd(Uint8Array.of(...magic, 0x20, 4, 0x23, 0, 0, 97), 4)).toString()).toBe('aaaa');
    expect(() => zstd(Uint8Array.of(...magic, 0xa0, 0xff, 0xff, 0xff, 0x7f, 1, 0, 0), 100)).toThrow(
      /a frame of 2147483647 bytes in a page of 100/,
    );
    expect(() => zstd(Uint8Array.of(...magic, 0, 0xa8, 1, 0, 0), 100)).toThrow(
      /a window of 2147483648 bytes/,
    );
    const block = [0xfa, 0xff, 0xff, 97];
    const many = Array.from({ length: 1000 }, () => block).flat();
    expect(() => zstd(Uint8Array.of(...magic, 0, 0x58, ...many), 100)).toThrow(/more than the 100 bytes/);
  });
});
