import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { codeOf, createUserFolder, ROOT } from './page.test-helper.ts';

const blocks = await codeOf('add-an-environment.md');
const { folder, remove } = await createUserFolder();
afterAll(remove);
for (const [file, code] of blocks) {
  // Its tests are of the sources.
  const ofSources = code.replaceAll("from 'creditbench'", `from '${join(ROOT, 'index.ts')}'`);
  await writeFile(join(folder, file), ofSources);
}

describe('the page on adding an environment', () => {
  it('has the code that the test runs', () => {
    expect([...blocks.keys()]).toEqual([
      'press-your-luck.ts',
      'press-your-luck.test.ts',
      'press-your-luck.yaml',
    ]);
  });
});

describe("the page's own tests", async () => {
  await import(join(folder, 'press-your-luck.test.ts'));
});
