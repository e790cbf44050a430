import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readBounded, readBoundedText } from './bounded-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'creditbench-bounded-'));
afterAll(() => rmSync(folder, { recursive: true }));
const file = (name: string, content: string | Uint8Array): string => {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
};

describe('a file that is read whole', () => {
  it.each([0, 1, 4095, 4096, 2 ** 20, 2 ** 20 + 1, 3_000_000])('has its %i bytes', async (size) => {
    const bytes = Uint8Array.from({ length: size }, (_, i) => i % 251);
    const read = await readBounded(file('a', bytes), size);
    expect(read.equals(bytes)).toBe(true);
  });

  it('is refused by its size, before memory is taken', async () => {
    const path = file('large', '');
    truncateSync(path, 2 ** 40);
    const before = process.resourceUsage().maxRSS;
    await expect(readBounded(path, 2 ** 31)).rejects.toThrow(
      '1099511627776 bytes; valid: at most 2147483648',
    );
    expect(process.resourceUsage().maxRSS - before).toBeLessThan(100 * 1024);
  });

  it.runIf(process.platform !== 'win32')('is not one that never ends, or that nobody writes', async () => {
    const endless = join(folder, 'endless');
    symlinkSync('/dev/zero', endless);
    await expect(readBounded(endless, 2 ** 31)).rejects.toThrow('not a file');
    await expect(readBounded('/dev/zero', 2 ** 22)).rejects.toThrow('more than 4194304 bytes');
    const pipe = join(folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
    await expect(readBounded(pipe, 100)).rejects.toThrow('not a file');
    await expect(readBounded(folder, 100)).rejects.toThrow('a folder, not a file');
  });

  it('may come from the system, which does not know its size', async () => {
    if (process.platform === 'linux') {
      expect(await readBoundedText('/proc/self/status', 10_000)).toMatch(/^Name:/);
    }
    await expect(readBoundedText(join(folder, 'none'))).rejects.toMatchObject({ code: 'ENOENT' });
  });
});
