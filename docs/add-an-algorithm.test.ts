import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const page = await readFile(join(ROOT, 'docs', 'add-an-algorithm.md'), 'utf8');
const blocks = new Map(
  [...page.matchAll(/^```ts (\S+)\n([\s\S]*?)^```$/gm)].map(([, file, code]) => [file!, code!]),
);

// The folder stands elsewhere (where nothing else looks), so what it imports from the repository is named by its full path.
await mkdir(join(ROOT, '.creditbench'), { recursive: true });
const folder = await mkdtemp(join(ROOT, '.creditbench', 'docs-'));
afterAll(() => rm(folder, { recursive: true }));
for (const [file, code] of blocks) {
  if (file === 'algorithms/registry.ts') continue;
  const path = join(folder, file);
  const imports = code.replaceAll(/from '(\.\.\/[^']+)'/g, (_, name: string) => {
    return `from '${join(ROOT, dirname(file), name)}'`;
  });
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, imports);
}

describe('the page on adding an algorithm', () => {
  it('has the code that the test runs', () => {
    expect([...blocks.keys()]).toEqual([
      'algorithms/median-baseline/index.ts',
      'algorithms/median-baseline/median-baseline.test.ts',
      'algorithms/registry.ts',
    ]);
  });

  it('names lines that make a registry which knows the algorithm', async () => {
    const [line, entry] = blocks.get('algorithms/registry.ts')!.trimEnd().split('\n');
    const registry = await readFile(join(ROOT, 'algorithms', 'registry.ts'), 'utf8');
    const extended = registry
      .replaceAll(/from '(\.\.?\/[^']+)'/g, (_, name: string) => `from '${join(ROOT, 'algorithms', name)}'`)
      .replace('export const ALGORITHMS = [\n', `export const ALGORITHMS = [\n${entry}\n`);
    const path = join(folder, 'algorithms', 'registry.ts');
    await writeFile(path, `${line}\n${extended}`);
    const { findAlgorithm } = (await import(path)) as typeof import('../algorithms/registry.ts');
    expect(findAlgorithm('median-baseline').description.title).toContain('median');
    expect(findAlgorithm('grpo').id).toBe('grpo');
  });
});

describe("the page's own tests", async () => {
  await import(join(folder, 'algorithms', 'median-baseline', 'median-baseline.test.ts'));
});
