import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { blaming } from './blame.ts';
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

describe('the hash of what an export may depend on', () => {
  const file = () => join(folder, 'hashed.ts');
  const hash = async (source = file()) =>
    (await withUserCode(NONE, [{ kind: 'environment', source }])).own[0]!.code.sha256;
  const manifest = (imports: object) =>
    writeFile(join(folder, 'package.json'), JSON.stringify({ type: 'module', imports }));

  it('follows aliases: exact ones, patterns, and all conditions', async () => {
    await mkdir(join(folder, 'parts'), { recursive: true });
    await manifest({
      '#one': { node: './parts/one.ts', default: './parts/other.ts' },
      '#parts/*': './parts/*.ts',
      '#unused': './parts/unused.ts',
    });
    const parts = ['one', 'other', 'two', 'unused'];
    for (const part of parts) await writeFile(join(folder, 'parts', `${part}.ts`), 'export {};');
    await writeFile(file(), `import '#one';\nimport '#parts/two';\n${world('hashed/v1')}`);
    const seen = [await hash()];
    for (const part of parts) {
      await writeFile(join(folder, 'parts', `${part}.ts`), 'export const edited = 1;');
      seen.push(await hash());
    }
    // The last is imported by nobody.
    expect(seen.at(-1)).toBe(seen.at(-2));
    expect(new Set(seen).size).toBe(4);
  });

  it('has the versions of the packages that are imported, also by what is imported', async () => {
    const install = async (name: string, version: string) => {
      const home = join(folder, 'node_modules', name);
      await mkdir(home, { recursive: true });
      await writeFile(join(home, 'package.json'), JSON.stringify({ name, version, main: 'index.js' }));
      await writeFile(join(home, 'index.js'), '');
    };
    for (const name of ['direct', '@some/helper', 'unused', 'aliased', 'zod']) await install(name, '1.0.0');
    await manifest({ '#aliased': 'aliased' });
    await writeFile(join(folder, 'helper.ts'), "import '@some/helper/index.js';");
    await writeFile(
      file(),
      `import 'direct';\nimport '#aliased';\nimport './helper.ts';\n${world('hashed/v1')}`,
    );
    const before = await hash();
    for (const [name, counts] of [
      ['direct', true],
      ['@some/helper', true],
      ['aliased', true],
      ['unused', false],
      // That of creditbench is what runs.
      ['zod', false],
    ] as const) {
      await install(name, '1.0.1');
      expect((await hash()) !== before, name).toBe(counts);
      await install(name, '1.0.0');
    }
  });

  it("has the export's name and not the file's", async () => {
    const here = join(folder, 'named.ts');
    const there = join(folder, 'renamed.ts');
    await writeFile(here, `${world('named/v1')}export { default as other } from './helper.ts';`);
    await writeFile(join(folder, 'helper.ts'), world('named/v1'));
    await copyFile(here, there);
    expect(await hash(there)).toBe(await hash(here));
    expect(await hash(`${here}#other`)).not.toBe(await hash(here));
  });
});

describe('users’ code that cannot be loaded', () => {
  it.each([
    ['', '#', "nothing before the '#'; valid: ./mine.ts (its default export), or ./mine.ts#name"],
    ['', './x.ts#', "nothing after the '#'; valid: ./x.ts (its default export), or ./x.ts#name"],
    ['', './x.ts#a#b', "more than one '#'; valid: ./x.ts"],
    ['', './', 'is no file; valid: a file such as ./mine.ts'],
    ['', './absent.ts', 'there is no file '],
    ['process.exit(0);', './bad.ts', 'cannot be loaded: Error: it calls process.exit(0)'],
    ['try { process.exit(0); } catch {} export default 1;', './bad.ts', 'it calls process.exit(0)'],
    ["throw new Error('at its top');", './bad.ts', 'cannot be loaded: Error: at its top'],
  ])('%j, named %s, is refused with where it is named', async (content, source, message) => {
    await writeFile(join(folder, 'bad.ts'), content);
    const { exit } = process;
    const load = (where?: string) =>
      withUserCode(NONE, [{ kind: 'environment', source, ...(where === undefined ? {} : { where }) }], {
        folders: [folder],
      });
    await expect(load()).rejects.toMatchObject({ name: 'InputError' });
    await expect(load()).rejects.toThrow(message);
    await expect(load('suite.yaml:3:5')).rejects.toThrow(`suite.yaml:3:5: environment ${source}: `);
    await expect(load(`--environment ${source}`)).rejects.toThrow(
      new RegExp(`^--environment ${source.replaceAll('.', '[.]')}: (?!environment)`),
    );
    expect(process.exit).toBe(exit);
  });
});

describe('errors of users’ code', () => {
  const file = () => join(folder, 'faulty.ts');
  const faulty = async (body: string) => {
    const spec = `import { z } from 'zod';\nexport default { id: 'f/v1', title: '', schema: z.object({}), load() {\n${body}\n} };`;
    await writeFile(file(), spec);
    const catalog = await withUserCode(NONE, [{ kind: 'environment', source: file() }]);
    return blaming(catalog, () => catalog.environment(file()).load({}, { cacheDirectory: '' }));
  };

  it('name the file, the line and the message', async () => {
    await expect(faulty("throw new TypeError('no way');")).rejects.toMatchObject({
      name: 'InputError',
      message: expect.stringMatching(
        /^\S+faulty\.ts is your own code, and it threw at \S+faulty\.ts:3:\d+: TypeError: no way$/,
      ),
    });
    await writeFile(join(folder, 'inner.ts'), "export const f = () => {\n  throw new Error('inner');\n};");
    await expect(faulty("return import('./inner.ts').then(({ f }) => f());")).rejects.toThrow(
      /faulty\.ts is your own code, and it threw at \S+inner\.ts:2:\d+: inner$/,
    );
    await expect(faulty("throw 'words';")).rejects.toThrow(
      /^your own code \(\S+faulty\.ts\) threw words, which is/,
    );
  });

  it('are told apart from those that nobody knows the origin of, and of machines', async () => {
    const catalog = await withUserCode(NONE, [{ kind: 'environment', source: file() }]);
    const during = (error: unknown, own = catalog) =>
      blaming(own, () => {
        throw error;
      });
    await expect(during(new TypeError('x is not iterable'))).rejects.toThrow(
      /^TypeError: x is not iterable\nThis happened with your own code \(\S+faulty\.ts\), which may be behind it: checkEnvironment/,
    );
    await expect(during(new RangeError('rollout plan: no such node'))).rejects.toThrow(
      /^your own code \(\S+\): rollout plan: no such node$/,
    );
    const full = Object.assign(new Error('full'), { code: 'ENOSPC' });
    await expect(during(full)).rejects.toBe(full);
    const ours = new TypeError('ours');
    await expect(during(ours, NONE)).rejects.toBe(ours);
  });
});
