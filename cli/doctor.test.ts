import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { spawnCreditbench } from './spawn.test-helper.ts';

const FIX = 'creditbench doctor --install-tensorflow';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'doctor-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs with a folder of that name, which may not be there, as the only place of the native package. */
const creditbench = (native: string, args: readonly string[]) =>
  spawnCreditbench(folder, args, undefined, { CREDITBENCH_TENSORFLOW: join(folder, native) });

/** A native package of one file. */
function fakePackage(native: string, library: Buffer, code: string): void {
  const root = join(folder, native, 'node_modules', '@tensorflow', 'tfjs-node');
  mkdirSync(join(root, 'deps', 'lib'), { recursive: true });
  writeFileSync(
    join(root, 'package.json'),
    JSON.stringify({ name: '@tensorflow/tfjs-node', main: 'index.js' }),
  );
  writeFileSync(join(root, 'index.js'), code);
  if (library.length > 0) writeFileSync(join(root, 'deps', 'lib', 'libtensorflow_cc.so.2'), library);
  for (const name of ['tfjs', 'tfjs-core']) {
    const shared = join(folder, native, 'node_modules', '@tensorflow', name);
    mkdirSync(shared);
    writeFileSync(join(shared, 'index.js'), '');
  }
}

async function tensorflowIn(native: string) {
  const { code, stdout } = await creditbench(native, ['doctor', '--json']);
  const report = JSON.parse(stdout) as { ready: boolean; backends: { name: string }[] };
  expect({ code, ready: report.ready }).toEqual({ code: 0, ready: true });
  return report.backends.find(({ name }) => name === 'tensorflow');
}

describe('doctor about tensorflow', () => {
  it('that is not there: what is missing and the command', async () => {
    expect(await tensorflowIn('nothing')).toEqual({
      name: 'tensorflow',
      available: false,
      note: expect.stringMatching(
        /^needs one of @tensorflow\/tfjs-node-gpu, @tensorflow\/tfjs-node, and CREDITBENCH_TENSORFLOW=.*nothing has none$/,
      ),
      fix: FIX,
    });
    const { stdout } = await creditbench('nothing', ['doctor']);
    expect(stdout).toContain(`for tensorflow: ${FIX}\n`);
  });

  it('with a library cut short: which', async () => {
    fakePackage('cut', Buffer.from('\x7fELF', 'latin1'), '');
    const found = await tensorflowIn('cut');
    expect(found).toMatchObject({ available: false, fix: FIX });
    expect(found).toHaveProperty('note', expect.stringContaining('libtensorflow_cc.so.2 is cut short'));
  });

  it('that ends the process: how', async () => {
    fakePackage('abort', Buffer.alloc(0), 'process.abort();');
    expect(await tensorflowIn('abort')).toMatchObject({
      available: false,
      note: 'ended the process that loaded it (SIGABRT)',
    });
  });

  it('run --backend tensorflow without it exits 2 with the command', async () => {
    const { code, stdout, stderr } = await creditbench('nothing', ['run', 'tiny', '--backend', 'tensorflow']);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^error: --backend: 'tensorflow' does not work here \(needs one of [^\n]*\n$/);
    expect(stderr).toContain(`fix: ${FIX}; valid: `);
  });
});

it('doctor refuses what it cannot install', async () => {
  const { code, stderr } = await creditbench('nothing', ['doctor', '--install-tensorflow', 'tpu']);
  expect(code).toBe(2);
  expect(stderr).toContain("'tpu' is invalid");
});
