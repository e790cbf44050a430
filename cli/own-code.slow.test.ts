import { execFileSync, spawn } from 'node:child_process';
import { appendFile, cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasRedis, startRedis } from '../bench/runs/queue/redis.test-helper.ts';
import { packageInfo } from '../core/package.ts';

const { root } = packageInfo();
const EXAMPLES = join(root, 'examples');
const TSC = join(root, 'node_modules', 'typescript', 'bin', 'tsc');

/** A folder of a user's: the packed package as npm installs it, and the example's files. */
let folder: string;
let creditbench: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'creditbench-own-'));
  const pack = ['pack', '--ignore-scripts', '--pack-destination', folder, '--silent'];
  const tarball = execFileSync('npm', pack, { cwd: root, encoding: 'utf8' }).trim();
  const modules = join(folder, 'node_modules');
  await mkdir(modules);
  execFileSync('tar', ['-xzf', join(folder, tarball), '-C', modules]);
  execFileSync('mv', [join(modules, 'package'), join(modules, 'creditbench')]);
  // Its dependencies, as an installation would put them beside it, without asking the network for them again.
  for (const name of await readdir(join(root, 'node_modules'))) {
    if (name.startsWith('.') || name === 'creditbench') continue;
    await symlink(join(root, 'node_modules', name), join(modules, name));
  }
  creditbench = join(modules, 'creditbench', 'dist', 'cli', 'main.js');
  await cp(EXAMPLES, folder, { recursive: true });
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
});
afterAll(() => rm(folder, { recursive: true }));

const run = (...args: string[]) =>
  new Promise<{ code: number | null; stdout: string; stderr: string }>((resolve) => {
    const child = spawn(process.execPath, [creditbench, ...args], { cwd: folder, stdio: 'pipe' });
    const output = { stdout: '', stderr: '' };
    for (const stream of ['stdout', 'stderr'] as const) {
      child[stream].setEncoding('utf8').on('data', (text: string) => {
        output[stream] += text;
      });
    }
    child.on('close', (code) => resolve({ code, ...output }));
  });

const FILES = ['metrics.csv', 'comparison.csv', 'pairwise.csv'];
const files = async (out: string): Promise<readonly string[]> =>
  Promise.all(FILES.map((file) => readFile(join(folder, out, file), 'utf8')));

const done = (text: string): readonly string[] =>
  [...text.matchAll(/done +(\S+ \S+ seed \d)/g)].map(([, cell]) => cell!).sort();

describe('methods and environments of one’s own, in a folder with nothing but the packed package', () => {
  it('compile with the published types, strictly', async () => {
    const types = ['-p', join(root, 'tsconfig.build.json'), '--emitDeclarationOnly'];
    const dist = join(folder, 'node_modules', 'creditbench', 'dist');
    execFileSync(process.execPath, [TSC, ...types, '--outDir', dist]);
    const options = ['--strict', '--noEmit', '--module', 'nodenext', '--target', 'es2023', '--lib', 'es2023'];
    const compile = () =>
      execFileSync(process.execPath, [TSC, ...options, '--skipLibCheck', 'mine.ts', 'world.ts'], {
        cwd: folder,
        encoding: 'utf8',
      });
    expect(compile()).toBe('');
    await writeFile(
      join(folder, 'wrong.ts'),
      "import { trainIteration } from 'creditbench';\ntrainIteration(1);\n",
    );
    expect(() =>
      execFileSync(process.execPath, [TSC, ...options, '--skipLibCheck', 'wrong.ts'], { cwd: folder }),
    ).toThrow();
  });

  it('train beside registered ones, with one and two workers to the same bytes', async () => {
    const two = await run('run', 'suite.yaml', '--workers', '2', '--out', 'two', '--cache', 'cache');
    expect(two.code, two.stderr).toBe(0);
    expect(two.stderr).toContain('note: ./mine.ts is code and runs with all your rights');
    expect(two.stderr).toContain('note: ./world.ts is code and runs with all your rights');
    expect(done(two.stderr)).toHaveLength(12);
    const one = await run('run', 'suite.yaml', '--workers', '1', '--out', 'one', '--cache', 'cache');
    expect(one.code, one.stderr).toBe(0);
    expect(await files('one')).toEqual(await files('two'));
    const [, comparison] = await files('two');
    expect(comparison).toMatch(/^corridor\/v1,median-baseline,return,/m);
    expect(comparison).toMatch(/^multihop\/v1,median-baseline,f1,/m);
    // A corridor of one choice: everybody learns it.
    const last = (await files('two'))[0]!.split('\n').filter((row) => /^corridor.*,20,/.test(row));
    expect(last).toHaveLength(6);
  });

  it.skipIf(!hasRedis)(
    'train on a queue to the same bytes; a worker that has other code refuses',
    async () => {
      const redis = await startRedis();
      const queue = `redis://127.0.0.1:${redis.port}`;
      const worker = (cwd: string) => {
        const args = ['worker', '--queue', queue, '--concurrency', '2', '--cache', join(folder, 'cache')];
        return spawn(process.execPath, [creditbench, ...args], { cwd, stdio: 'ignore' });
      };
      const elsewhere = await mkdtemp(join(tmpdir(), 'creditbench-own-'));
      let working = worker(folder);
      try {
        const far = ['run', 'suite.yaml', '--queue', queue, '--cache', 'cache'];
        const ran = await run(...far, '--out', 'queue');
        expect(ran.code, ran.stderr).toBe(0);
        expect(await files('queue')).toEqual(await files('two'));

        working.kill('SIGKILL');
        await cp(EXAMPLES, elsewhere, { recursive: true });
        await appendFile(join(elsewhere, 'median.ts'), '// another version\n');
        working = worker(elsewhere);
        const options = ['--algorithm', './mine.ts', '--environment', './world.ts', '--set', 'seeds=1'];
        // Another cell than those that are done.
        const other = await run(...far, ...options, '--set', 'training.questions=3', '--out', 'other');
        expect(other.code).toBe(1);
        expect(other.stderr).toMatch(/mine\.ts is not the code of \.\/mine\.ts that the run began with/);
      } finally {
        working.kill('SIGKILL');
        await redis.remove();
        await rm(elsewhere, { recursive: true });
      }
    },
  );

  it('run again where their code was edited, and nothing else', async () => {
    await appendFile(join(folder, 'median.ts'), '\n// edited\n');
    const again = await run('run', 'suite.yaml', '--workers', '2', '--out', 'two', '--cache', 'cache');
    expect(again.code, again.stderr).toBe(0);
    expect(done(again.stderr)).toEqual([
      'corridor/v1 median-baseline seed 0',
      'corridor/v1 median-baseline seed 1',
      'multihop/v1 median-baseline seed 0',
      'multihop/v1 median-baseline seed 1',
    ]);
    expect(await files('two')).not.toEqual(await files('one'));
    const rows = (text: string) => text.replaceAll(/,[0-9a-f]{16},/g, ',');
    expect((await files('two')).map(rows)).toEqual((await files('one')).map(rows));
  });

  it('are named on the command line, too', async () => {
    const args = ['--algorithm', './mine.ts', '--algorithm', 'grpo', '--environment', './world.ts'];
    const set = ['--seeds', '1', '--set', 'training.iterations=2', '--cache', 'cache'];
    const ran = await run('run', ...args, ...set, '--out', 'flags');
    expect(ran.code, ran.stderr).toBe(0);
    expect(done(ran.stderr)).toEqual(['corridor/v1 grpo seed 0', 'corridor/v1 median-baseline seed 0']);
    const audit = await run('audit', '--algorithm', './mine.ts', '--environment', './world.ts', '--json');
    expect(audit.code, audit.stderr).toBe(0);
    expect(JSON.parse(audit.stdout).audits).toMatchObject([
      { environment: 'corridor/v1', algorithm: 'median-baseline' },
    ]);
    await writeFile(
      join(folder, 'table.ts'),
      "import { createTabularPolicy, type PolicySpec } from 'creditbench';\nimport { z } from 'zod';\n" +
        'const spec: PolicySpec<object, null> = {\n' +
        "  id: 'my-table', title: 'a table', schema: z.strictObject({}).prefault({}), restorable: false,\n" +
        '  assets: () => null, create: async () => createTabularPolicy({ initial: (_, action) => action }),\n' +
        '};\nexport default spec;\n',
    );
    const own = ['--environment', './world.ts', '--policy', './table.ts'];
    const held = await run('audit', '--algorithm', 'rloo', ...own, '--json');
    expect(held.code, held.stderr).toBe(0);
    const trained = await run('run', '--algorithm', 'grpo', ...own, ...set, '--out', 'table');
    expect(trained.code, trained.stderr).toBe(0);
    expect(await readFile(join(folder, 'table', 'metrics.csv'), 'utf8')).toContain(
      'corridor/v1,my-table,grpo',
    );
    const rollout = await run('rollout', './world.ts', '--policy', './table.ts', '--seed', '1');
    expect(rollout.code, rollout.stderr).toBe(0);
    expect(rollout.stdout).toContain('question: go right first');
    const criticality = ['--environment', './world.ts', '--policy', 'tabular', '--samples', '0'];
    const measured = await run('criticality', ...criticality, '--out', 'criticality');
    expect(measured.code, measured.stderr).toBe(0);
  });

  it('come from an installed package, by the name of an export', async () => {
    const home = join(folder, 'node_modules', 'some-package');
    await mkdir(home);
    const manifest = { name: 'some-package', version: '1.0.0', type: 'module', exports: './index.js' };
    await writeFile(join(home, 'package.json'), JSON.stringify(manifest));
    await writeFile(
      join(home, 'index.js'),
      "import { CATALOG } from 'creditbench';\nexport const packed = { ...CATALOG.algorithm('rloo'), id: 'packed' };\n",
    );
    const args = ['--algorithm', 'some-package#packed', '--environment', './world.ts', '--seeds', '1'];
    const ran = await run('run', ...args, '--set', 'training.iterations=1', '--out', 'packed');
    expect(ran.code, ran.stderr).toBe(0);
    expect(done(ran.stderr)).toEqual(['corridor/v1 packed seed 0']);
    const missing = await run('run', 'tiny', '--algorithm', 'no-such-package#x');
    expect(missing.code).toBe(2);
    expect(missing.stderr).toContain('package no-such-package is not installed; valid: npm install');
    const nothing = await run('run', 'tiny', '--algorithm', 'some-package#nothing');
    expect(nothing.code).toBe(2);
    expect(nothing.stderr).toContain("the export 'nothing' of index.js is no algorithm; missing: id");
  });
});
