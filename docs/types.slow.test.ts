import { execFileSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { codeOf, createUserFolder, ROOT } from './page.test-helper.ts';

const { folder, remove } = await createUserFolder();
afterAll(remove);

it('the code of the pages compiles, as strictly as the repository', async () => {
  const pages = await Promise.all(['library.md', 'add-an-environment.md'].map(codeOf));
  const code = new Map(pages.flatMap((page) => [...page]));
  for (const [file, text] of code) await writeFile(join(folder, file), text);
  await writeFile(join(folder, 'wrong.ts'), "import { audit } from 'creditbench';\nawait audit(1);\n");
  const config = {
    extends: join(ROOT, 'tsconfig.json'),
    compilerOptions: { paths: { creditbench: [join(ROOT, 'index.ts')] } },
    include: ['*.ts'],
  };
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(config));
  const tsc = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
  let said = '';
  try {
    execFileSync(process.execPath, [tsc, '-p', '.'], { cwd: folder, encoding: 'utf8' });
  } catch (error) {
    said = (error as { stdout: string }).stdout;
  }
  // Only what is wrong on purpose: otherwise nothing would have been looked at.
  expect(said.trimEnd().split('\n')).toEqual([expect.stringMatching(/^wrong\.ts\(2,13\): error TS2345/)]);
});
