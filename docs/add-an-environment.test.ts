import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const page = await readFile(join(ROOT, 'docs', 'add-an-environment.md'), 'utf8');
const blocks = new Map(
  [...page.matchAll(/^```ts (\S+)\n([\s\S]*?)^```$/gm)].map(([, file, code]) => [file!, code!]),
);

// A folder where nothing else looks; 'creditbench' is this package's sources.
await mkdir(join(ROOT, '.creditbench'), { recursive: true });
const folder = await mkdtemp(join(ROOT, '.creditbench', 'docs-'));
afterAll(() => rm(folder, { recursive: true }));
for (const [file, code] of blocks) {
  await writeFile(
    join(folder, file),
    code.replaceAll("from 'creditbench'", `from '${join(ROOT, 'index.ts')}'`),
  );
}

describe('the page on adding an environment', () => {
  it('has the code that the test runs', () => {
    expect([...blocks.keys()]).toEqual(['press-your-luck.ts', 'press-your-luck.test.ts']);
  });
});

describe("the page's own tests", async () => {
  await import(join(folder, 'press-your-luck.test.ts'));
});
