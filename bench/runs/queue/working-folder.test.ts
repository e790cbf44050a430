import { resolve } from 'node:path';
import { expect, it } from 'vitest';
import { fromWorkingFolder } from './executor.ts';

it('names files below the working folder as seen from there, also those in a folder called ..x', () => {
  const files = { a: '/here/a.ts', b: '/here/..x/b.ts', c: '/c.ts', d: '/..x/d.ts', e: '/here-e/e.ts' };
  const absolute = Object.fromEntries(Object.entries(files).map(([name, file]) => [name, resolve(file)]));
  const seen = fromWorkingFolder(absolute, resolve('/here'));
  expect(Object.values(seen).map((file) => file.replaceAll('\\', '/'))).toEqual([
    'a.ts',
    '..x/b.ts',
    ...[absolute.c, absolute.d, absolute.e].map((file) => file!.replaceAll('\\', '/')),
  ]);
});
