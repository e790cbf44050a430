import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cached, cachePath } from './cache.ts';

describe('cached', () => {
  let directory: string;
  let builds: number;
  let notices: string[];
  const load = (key = 'v1', folder = directory): Promise<string> =>
    cached({
      directory: folder,
      key,
      build: () => {
        builds += 1;
        return `content of ${key}`;
      },
      onNotice: (message) => notices.push(message),
    });

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'multihop-cache-'));
    builds = 0;
    notices = [];
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));

  it('builds once and leaves no temporary file', async () => {
    expect(await load()).toBe('content of v1');
    expect(await load()).toBe('content of v1');
    expect(builds).toBe(1);
    expect(notices).toEqual([]);
    expect(await readdir(directory)).toHaveLength(1);
  });

  it('keeps versions apart', async () => {
    await load('v1');
    expect(await load('v2')).toBe('content of v2');
    expect(builds).toBe(2);
  });

  it.each([
    ['cut off', (text: string) => text.slice(0, text.length / 2)],
    ['empty', () => ''],
    ['changed', (text: string) => text.replace('content of', 'nonsense of')],
    ['of another key', (text: string) => text.replace('"key":"v1"', '"key":"v0"')],
  ])('builds anew when the file is %s, and says so', async (_, damage) => {
    await load();
    const path = cachePath(directory, 'v1');
    const whole = await readFile(path, 'utf8');
    const damaged = damage(whole);
    expect(damaged).not.toBe(whole);
    await writeFile(path, damaged);
    expect(await load()).toBe('content of v1');
    expect(builds).toBe(2);
    expect(notices).toEqual([expect.stringContaining('damaged')]);
    expect(await readFile(path, 'utf8')).toBe(whole);
  });

  it('goes on without a cache where the folder cannot be written, and says so', async () => {
    const file = join(directory, 'file');
    await writeFile(file, '');
    expect(await load('v1', join(file, 'below'))).toBe('content of v1');
    expect(notices.at(-1)).toMatch(/cannot be written, going on without/);
  });
});
