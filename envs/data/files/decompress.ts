import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import type { Compressors } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';

/** What Zstandard's first block may be preceded by, and a frame's magic number. */
const ZSTD_MAGIC = 0xfd2fb528;

/**
 * Decompressors of Parquet pages that take no more memory than a page claims to need: what decompresses to more is
 * refused. Each throws an Error on data that is broken.
 */
export const boundedCompressors: Compressors = {
  ...compressors,
  GZIP: (input, length) => gunzipSync(input, { maxOutputLength: Math.max(1, length) }),
  BROTLI: (input, length) => brotliDecompressSync(input, { maxOutputLength: Math.max(1, length) }),
  ZSTD: (input, length) => {
    checkZstd(input, length);
    return compressors.ZSTD!(input, length);
  },
};

/**
 * The library takes what a frame's header and its blocks claim. Every block tells its size, but for compressed ones,
 * which give at most 128 KiB: those are bounded by what is left of 4 times the page.
 */
function checkZstd(input: Uint8Array, length: number): void {
  const view = new DataView(input.buffer, input.byteOffset, input.byteLength);
  if (view.getUint32(0, true) !== ZSTD_MAGIC) throw new Error('not one frame of Zstandard');
  const flags = view.getUint8(4);
  const isSingle = (flags & 32) !== 0;
  const window = isSingle ? 0 : 2 ** (10 + (view.getUint8(5) >> 3)) * (1 + (view.getUint8(5) & 7) / 8);
  if (window > Math.max(2 ** 27, length)) throw new Error(`a window of ${window} bytes`);
  const sizeBytes = flags >> 6 === 0 ? (isSingle ? 1 : 0) : 2 ** (flags >> 6);
  let at = (isSingle ? 5 : 6) + [0, 1, 2, 4][flags & 3]!;
  if (sizeBytes > 0) {
    const size =
      sizeBytes === 1
        ? view.getUint8(at)
        : sizeBytes === 2
          ? view.getUint16(at, true) + 256
          : sizeBytes === 4
            ? view.getUint32(at, true)
            : Number(view.getBigUint64(at, true));
    if (size !== length) throw new Error(`a frame of ${size} bytes in a page of ${length}`);
  }
  at += sizeBytes;
  let exact = 0;
  let blocks = 0;
  for (let isLast = false; !isLast; ) {
    const head = view.getUint16(at, true) + 65_536 * view.getUint8(at + 2);
    isLast = (head & 1) === 1;
    const type = (head >> 1) & 3;
    const size = head >> 3;
    at += 3 + (type === 1 ? 1 : size);
    if (type === 2) blocks += 1;
    else exact += size;
    if (exact > length || blocks * 2 ** 17 > 4 * length + 2 ** 24) {
      throw new Error(`a frame of more than the ${length} bytes of its page`);
    }
  }
  // A checksum may follow, but no second frame.
  if (input.length - at > 4) throw new Error('not one frame of Zstandard');
}
