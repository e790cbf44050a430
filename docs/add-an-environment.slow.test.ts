import { execFileSync } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { codeOf, createUserFolder, ROOT } from './page.test-helper.ts';

const { folder, remove } = await createUserFolder();
afterAll(remove);
const user = join(folder, 'user');
await mkdir(user);
for (const [file, code] of await codeOf('add-an-environment.md')) await writeFile(join(user, file), code);

describe('the page on adding an environment', () => {
  it('has a suite that runs, scored by the return, with the metric as a column', async () => {
    const creditbench = (...args: string[]) =>
      execFileSync(process.execPath, [join(ROOT, 'dist', 'cli', 'main.js'), ...args], {
        cwd: user,
        encoding: 'utf8',
        stdio: 'pipe',
      });
    creditbench('run', 'press-your-luck.yaml', '--workers', '2', '--out', 'luck');
    const read = (file: string) => readFile(join(user, 'luck', file), 'utf8');
    expect(await read('comparison.csv')).toMatch(/^press-your-luck\/v1,carl,return,2,/m);
    const [head, ...rows] = (await read('metrics.csv'))
      .trimEnd()
      .split('\n')
      .map((line) => line.split(','));
    const own = rows.filter(([environment]) => environment === 'press-your-luck/v1');
    const column = (name: string) => own.map((row) => row[head!.indexOf(name)]);
    expect(new Set([...column('dev_f1'), ...column('train_em')])).toEqual(new Set(['']));
    expect(Math.max(...column('rolls').map(Number))).toBeGreaterThan(0.5);
  });

  it('names commands that run', async () => {
    const main = join(ROOT, 'dist', 'cli', 'main.js');
    const commands = [
      ...(await readFile(join(ROOT, 'docs', 'add-an-environment.md'), 'utf8')).matchAll(
        /^npx creditbench ([^#\n]*)/gm,
      ),
    ];
    expect(commands.length).toBe(4);
    for (const [, line] of commands) {
      const args = line!.trim().split(' ');
      if (args.includes('./mine.ts')) continue; // examples/, in cli/own-code.slow.test.ts
      const few = args[0] === 'run' ? ['--seeds', '1', '--set', 'training.iterations=1'] : [];
      execFileSync(process.execPath, [main, ...args, ...few], { cwd: user, stdio: 'pipe' });
    }
  });
});
