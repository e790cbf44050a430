import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createCatalog } from './catalog.ts';
import { codeGraph, hashFiles } from './code-hash.ts';
import { withUserCode } from './user-code.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'creditbench-'));
});
afterAll(() => rm(folder, { recursive: true }));

const NONE = createCatalog({ algorithms: [], environments: [], policies: [] });
const world = (id: string) =>
  `import { z } from 'zod';\nexport default { id: '${id}', title: '', schema: z.object({}), load() {} };\n`;

it('loads a file again when it has changed, and not what it was', async () => {
  const file = join(folder, 'world.ts');
  const load = () => withUserCode(NONE, [{ kind: 'environment', source: file }]);
  await writeFile(file, world('one/v1'));
  const before = (await load()).own[0]!;
  await writeFile(file, world('two/v1'));
  const after = (await load()).own[0]!;
  expect([before.item.id, after.item.id]).toEqual(['one/v1', 'two/v1']);
  expect(after.code.sha256).not.toBe(before.code.sha256);
});

it('hashes whatever an import may mean: an ending left out, a template, both of two siblings', async () => {
  await mkdir(join(folder, 'lib'));
  await writeFile(join(folder, 'main.ts'), "import './a';\nexport * from './b.js';\nimport(`./lib`);\n");
  for (const name of ['a.ts', 'a.js', 'b.ts', 'lib/index.ts']) await writeFile(join(folder, name), '');
  const hash = () => hashFiles(codeGraph([join(folder, 'main.ts')]).files, folder);
  const seen = new Set([hash()]);
  for (const name of ['a.ts', 'a.js', 'b.ts', 'lib/index.ts']) {
    await writeFile(join(folder, name), '// edited');
    seen.add(hash());
  }
  expect(seen.size).toBe(5);
});
