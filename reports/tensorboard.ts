import type { Row } from '../bench/cell.ts';

/**
 * A cell's metrics as a TensorBoard event file: every number a scalar named by its column, its iteration the
 * step. Wall times are the iteration in seconds since 1970, not the clock, so that equal metrics give equal bytes.
 * Values are stored as float32; missing ones are left out.
 *
 * The format is TFRecord frames (length and data, each with a masked CRC-32C) of the protocol buffer
 * tensorflow.Event: 1 wall_time, 2 step, 3 file_version, 5 summary with values of 1 tag and 2 simple_value.
 */
export function eventFile(metrics: readonly Row[]): Uint8Array {
  const version = event(0, 0, field(3, Buffer.from('brain.Event:2')));
  const events = metrics.flatMap((row) => {
    const step = row.iteration;
    if (typeof step !== 'number') return [];
    const values = Object.entries(row).flatMap(([name, value]) =>
      name === 'iteration' || typeof value !== 'number'
        ? []
        : [field(1, Buffer.concat([field(1, Buffer.from(name)), float(2, value)]))],
    );
    return values.length === 0 ? [] : [event(step, step, field(5, Buffer.concat(values)))];
  });
  return Buffer.concat([version, ...events].map(frame));
}

function event(wallTime: number, step: number, content: Buffer): Buffer {
  // Zeros are defaults, which are not written.
  if (wallTime === 0 && step === 0) return content;
  const time = Buffer.alloc(9);
  time[0] = (1 << 3) | 1; // field 1, 64 bits
  time.writeDoubleLE(wallTime, 1);
  return Buffer.concat([time, Buffer.from([2 << 3]), varint(step), content]);
}

/** A field of bytes, text or a message. */
function field(number: number, content: Buffer): Buffer {
  return Buffer.concat([Buffer.from([(number << 3) | 2]), varint(content.length), content]);
}

function float(number: number, value: number): Buffer {
  const bytes = Buffer.alloc(5);
  bytes[0] = (number << 3) | 5;
  bytes.writeFloatLE(value, 1);
  return bytes;
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  return Buffer.from([...bytes, rest]);
}

function frame(data: Buffer): Buffer {
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(data.length));
  return Buffer.concat([length, maskedCrc(length), data, maskedCrc(data)]);
}

/** TFRecord rotates a checksum by 15 bits and adds a constant: data that hold checksums keep them apart. */
function maskedCrc(data: Uint8Array): Buffer {
  const crc = crc32c(data);
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE((((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0);
  return bytes;
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  // Castagnoli's polynomial, bits reversed.
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  return crc >>> 0;
});

/** CRC-32C of bytes. */
export function crc32c(data: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of data) crc = CRC_TABLE[(crc ^ byte) & 255]! ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}

/**
 * Where a cell's event file belongs below the folder that TensorBoard is given: one run per cell. Names are
 * written as in addresses, so that none leaves its folder.
 */
export function eventPath(cell: {
  readonly environment: string;
  readonly algorithm: string;
  readonly seed: number;
}): readonly string[] {
  const safe = (name: string): string =>
    encodeURIComponent(name).replace(/^\.+/, (dots) => '%2E'.repeat(dots.length));
  return [
    ...cell.environment.split('/').map(safe),
    safe(cell.algorithm),
    `seed-${cell.seed}`,
    'events.out.tfevents.0.creditbench',
  ];
}
