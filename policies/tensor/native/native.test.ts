import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import * as tf from '@tensorflow/tfjs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { loadBackend } from '../backend.ts';
import { BackendMissing } from '../missing.ts';
import { findNative, libraryFolder, NATIVE_PACKAGES } from './locate.ts';
import { truncatedLibrary } from './truncated.ts';

const NAME = '@tensorflow/tfjs-node';
const present = findNative() !== undefined;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'native-'));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

/** The beginning of a 64-bit ELF file whose table of sections ends at `end`. */
function elf(end: number): Buffer {
  const header = Buffer.alloc(64);
  header.write('\x7fELF', 'latin1');
  header.writeBigUInt64LE(BigInt(end - 640), 0x28);
  header.writeUInt16LE(64, 0x3a);
  header.writeUInt16LE(10, 0x3c);
  return header;
}

/** A package of that name that is only a few files. */
function fakePackage(files: Readonly<Record<string, string | Buffer>>): void {
  for (const [file, content] of Object.entries(files)) {
    const path = join(folder, 'node_modules', NAME, file);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
  }
  vi.stubEnv('CREDITBENCH_TENSORFLOW', folder);
}

async function problem(): Promise<BackendMissing> {
  const error = await loadBackend('tensorflow').catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(BackendMissing);
  return error as BackendMissing;
}

describe('without a working package', () => {
  it('nothing there: says what is needed and the command', async () => {
    vi.stubEnv('CREDITBENCH_TENSORFLOW', folder);
    const { message, why, fix } = await problem();
    expect(why).toBe(
      `needs one of ${NATIVE_PACKAGES.join(', ')}, and CREDITBENCH_TENSORFLOW=${folder} has none`,
    );
    expect(fix).toBe('creditbench doctor --install-tensorflow');
    expect(message).toBe(`backend: tensorflow ${why}; fix: ${fix}`);
  });

  it('a library cut short is not even loaded', async () => {
    fakePackage({
      'package.json': JSON.stringify({ name: NAME, main: 'index.js' }),
      'index.js': 'throw new Error("loaded");',
      'deps/lib/libtensorflow_framework.so.2': Buffer.concat([elf(2000), Buffer.alloc(2000 - 64)]),
      'deps/lib/libtensorflow_cc.so.2': Buffer.concat([elf(2000), Buffer.alloc(1000)]),
    });
    const { why, fix } = await problem();
    expect(why).toMatch(/^has a broken libtensorflow: libtensorflow_cc\.so\.2 is cut short \(.*\)$/);
    expect(fix).toBe('creditbench doctor --install-tensorflow');
  });

  it('what the package says is one line', async () => {
    fakePackage({
      'package.json': JSON.stringify({ name: NAME, main: 'index.js' }),
      'index.js': 'throw new Error("libtensorflow.so.2: cannot open\\nmore");',
      ...Object.fromEntries(
        ['tfjs', 'tfjs-core'].flatMap((name) => [
          [`node_modules/@tensorflow/${name}/package.json`, '{}'],
          [`node_modules/@tensorflow/${name}/index.js`, ''],
        ]),
      ),
    });
    expect((await problem()).why).toBe(`cannot load ${NAME}: libtensorflow.so.2: cannot open`);
  });
});

it('a library is complete when the table at its end is', () => {
  writeFileSync(join(folder, 'notes.txt'), 'not a library');
  writeFileSync(join(folder, 'a.so.2'), Buffer.concat([elf(1000), Buffer.alloc(1000 - 64)]));
  expect(truncatedLibrary(folder)).toBeUndefined();
  for (const [name, content] of [
    ['one-byte-short.so', Buffer.concat([elf(1000), Buffer.alloc(999 - 64)])],
    ['empty.so', Buffer.alloc(0)],
    ['page.so', Buffer.from('<!doctype html>'.padEnd(100))],
  ] as const) {
    writeFileSync(join(folder, name), content);
    expect(truncatedLibrary(folder)).toBe(join(folder, name));
    rmSync(join(folder, name));
  }
});

if (!present)
  process.stderr.write('native.test.ts: tensorflow is not installed, its own tests are skipped\n');

describe.skipIf(!present)('with the package', () => {
  it('runs on our tfjs, with one thread, and gives the same bits each time', async () => {
    expect(await loadBackend('tensorflow')).toMatch(/^libtensorflow [\d.]+ on the (CPU|GPU).*, threads: 1$/);
    expect(tf.getBackend()).toBe('tensorflow');
    expect(truncatedLibrary(libraryFolder(findNative()!))).toBeUndefined();
    const product = () =>
      tf.tidy(() => {
        const x = tf.reshape(tf.sin(tf.range(0, 300 * 200)), [300, 200]);
        return tf.matMul(x, x, true, false).dataSync();
      });
    const first = product();
    for (let time = 0; time < 5; time++) expect(product()).toEqual(first);
  });

  it.each([
    [false, false],
    [true, false],
    [false, true],
    [true, true],
  ])('large products are right (transposed: %s, %s)', async (flipA, flipB) => {
    await loadBackend('tensorflow');
    const [stack, rows, depth, columns] = [2, 150, 301, 500];
    const left = Float32Array.from({ length: stack * rows * depth }, (_, i) => Math.sin(i));
    const right = Float32Array.from({ length: stack * depth * columns }, (_, i) => Math.cos(i / 2));
    const found = tf.tidy(() => {
      const a = tf.tensor3d(left, flipA ? [stack, depth, rows] : [stack, rows, depth]);
      const b = tf.tensor3d(right, flipB ? [stack, columns, depth] : [stack, depth, columns]);
      return tf.matMul(a, b, flipA, flipB).dataSync();
    });
    for (const [part, row, column] of [
      [0, 0, 0],
      [0, 149, 499],
      [1, 77, 320],
      [1, 149, 0],
    ] as const) {
      let sum = 0;
      for (let at = 0; at < depth; at++) {
        const a = part * rows * depth + (flipA ? at * rows + row : row * depth + at);
        const b = part * depth * columns + (flipB ? column * depth + at : at * columns + column);
        sum += left[a]! * right[b]!;
      }
      expect(found[(part * rows + row) * columns + column]).toBeCloseTo(sum, 3);
    }
  });

  it('a signal that is caught in the middle of a product changes nothing', async () => {
    await loadBackend('tensorflow');
    const product = () =>
      tf.tidy(() => {
        const x = tf.reshape(tf.sin(tf.range(0, 512 * 768)), [512, 768]);
        return Buffer.from(tf.matMul(x, x, true, false).dataSync().buffer).toString('base64');
      });
    const first = product();
    let caught = 0;
    const count = () => {
      caught++;
    };
    process.on('SIGWINCH', count);
    const script = `const pause = new Int32Array(new SharedArrayBuffer(4));
      for (;;) {
        process.kill(Number(process.argv[1]), 'SIGWINCH');
        Atomics.wait(pause, 0, 0, 0.1);
      }`;
    const sender = spawn(process.execPath, ['-e', script, String(process.pid)], { stdio: 'ignore' });
    try {
      while (caught < 5000) {
        expect(product() === first).toBe(true);
        await setImmediate();
      }
    } finally {
      sender.kill();
      process.off('SIGWINCH', count);
    }
  });
});
