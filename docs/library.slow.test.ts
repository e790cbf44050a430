import { execFileSync } from 'node:child_process';
import { copyFile, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import ts from 'typescript';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readResults } from '../bench/runs/results.ts';
import { codeOf, createUserFolder, ROOT } from './page.test-helper.ts';

const code = await codeOf('library.md');
const { folder, remove } = await createUserFolder();
const MAIN = join(ROOT, 'dist', 'cli', 'main.js');

beforeAll(async () => {
  for (const file of ['mine.ts', 'median.ts'])
    await copyFile(join(ROOT, 'examples', file), join(folder, file));
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
  for (const [file, text] of code) await writeFile(join(folder, file), text);
});
afterAll(remove);

/** Runs a file of the page with the built package. @returns what it prints, by line. */
async function run(file: string): Promise<readonly string[]> {
  const options = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2023 };
  const script = file.replace('.ts', '.mjs');
  await writeFile(
    join(folder, script),
    ts.transpileModule(code.get(file)!, { compilerOptions: options }).outputText,
  );
  const printed = execFileSync(process.execPath, [script], { cwd: folder, encoding: 'utf8' });
  return printed.trimEnd().split('\n');
}

describe('the page on the library', () => {
  it('has the code that the test runs', () => {
    expect([...code.keys()]).toEqual(['compare.ts', 'train.ts', 'audit.ts']);
  });

  it('trains, compares and reports in some 30 lines', async () => {
    expect(code.get('compare.ts')!.split('\n').length).toBeLessThan(40);
    const printed = await run('compare.ts');
    expect(printed[0]).toMatch(/^median-baseline: dev return 0\.\d+ -> /);
    expect(printed[2]).toMatch(/^median-baseline - grpo: -?[\d.e-]+ in /);
    const out = join(folder, 'results', 'library');
    expect((await readdir(out)).sort()).toEqual(
      [
        ...['cells', 'comparison.csv', 'comparison.md', 'comparison.tex', 'entropy.csv', 'metrics.csv'],
        ...['pairwise.csv', 'profiles.csv', 'report.html', 'results.json', 'suite.json', 'timings.csv'],
      ].sort(),
    );
    expect(await readResults([out])).toHaveLength(6);
  });

  it('leaves a folder that the commands read', async () => {
    const results = join('results', 'library');
    const page = await readFile(join(folder, results, 'report.html'), 'utf8');
    const again = ['report', results, '--out', 'again.html'];
    execFileSync(process.execPath, [MAIN, ...again], { cwd: folder, stdio: 'ignore' });
    expect(await readFile(join(folder, 'again.html'), 'utf8')).toBe(page);
    const status = execFileSync(process.execPath, [MAIN, 'status', results], {
      cwd: folder,
      encoding: 'utf8',
    });
    expect(status).toContain('6 finished');
  });

  it('trains a critic in process, one iteration after the other', async () => {
    const printed = await run('train.ts');
    expect(printed).toHaveLength(30);
    const returns = printed.map((line) => Number(line.split(' ')[1]));
    expect(returns.at(-1)!).toBeGreaterThan(0.8);
    expect(returns[0]!).toBeLessThan(0.7);
  });

  it('audits with the options that are given, the others by default', async () => {
    expect(await run('audit.ts')).toEqual(['grpo biased', 'rloo unbiased']);
  });
});
