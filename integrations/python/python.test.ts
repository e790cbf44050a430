import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ALGORITHMS } from '../../algorithms/registry.ts';
import { packageInfo } from '../../core/package.ts';

const read = (...path: readonly string[]): string =>
  readFileSync(join(packageInfo().root, 'integrations', 'python', ...path), 'utf8');

it('the Python package knows every rule, and has the version of this one', () => {
  const listed = /^ALGORITHMS = \(([^)]*)\)/m.exec(read('creditbench', 'batch.py'))![1]!;
  expect([...listed.matchAll(/"([^"]+)"/g)].map(([, id]) => id)).toEqual(ALGORITHMS.map(({ id }) => id));
  const { version } = packageInfo();
  expect(read('pyproject.toml')).toContain(`version = "${version}"`);
  expect(read('creditbench', '__init__.py')).toContain(`__version__ = "${version}"`);
});
