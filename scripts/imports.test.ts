import { spawnSync } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const CONFIG = '.dependency-cruiser.mjs';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'creditbench-imports-'));
  await copyFile(join(ROOT, CONFIG), join(folder, CONFIG));
  await writeFile(join(folder, 'tsconfig.json'), '{ "compilerOptions": { "module": "nodenext" } }');
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
});
afterAll(() => rm(folder, { recursive: true }));

/** What each file of a house imports, by paths from its root. */
const HOUSE: Readonly<Record<string, readonly string[]>> = {
  'core/errors.ts': [],
  'core/random.ts': ['envs/environment.ts'],
  'core/circle.ts': ['core/other-side.ts'],
  'core/other-side.ts': ['core/circle.ts'],
  'envs/environment.ts': ['core/errors.ts', 'policies/policy.ts'],
  'envs/registry.ts': ['envs/environment.ts'],
  'envs/environment.test.ts': ['bench/training/train.ts', 'envs/registry.ts'],
  'policies/policy.ts': ['core/errors.ts'],
  'algorithms/tree.ts': ['envs/environment.ts', 'bench/cell.ts'],
  'node_modules/commander/index.ts': [],
  'bench/cell.ts': ['bench/training/train.ts', 'node_modules/commander/index.ts'],
  'bench/rollout/engine.ts': ['bench/training/train.ts'],
  'bench/training/train.ts': ['core/errors.ts', 'catalog.ts'],
  'bench/runs/runner.ts': ['bench/training/train.ts', 'envs/registry.ts', 'core/random.test-helper.ts'],
  'core/random.test-helper.ts': [],
  'performance/case.ts': ['reports/page.ts', 'core/nowhere.ts'],
  'reports/page.ts': ['index.ts'],
  'catalog.ts': ['envs/registry.ts'],
  'index.ts': ['catalog.ts'],
  'cli/main.ts': ['catalog.ts', 'envs/registry.ts', 'reports/page.ts', 'node_modules/commander/index.ts'],
};

it('knows every room', async () => {
  const config = await readFile(join(ROOT, CONFIG), 'utf8');
  const { include } = JSON.parse(await readFile(join(ROOT, 'tsconfig.build.json'), 'utf8')) as {
    include: string[];
  };
  const bench = await readdir(join(ROOT, 'bench'), { withFileTypes: true });
  const rooms = [...include, ...bench.filter((entry) => entry.isDirectory()).map(({ name }) => name)];
  expect(rooms.filter((room) => !room.endsWith('.ts') && !config.includes(`'${room}'`))).toEqual([]);
});

it('finds every kind of import that is not allowed, and no other', async () => {
  for (const [file, imports] of Object.entries(HOUSE)) {
    const up = file.replaceAll(/[^/]+\/|[^/]+$/g, (part) => (part.endsWith('/') ? '../' : ''));
    const path = join(folder, file);
    // Types are erased: a check of what is left of them would see nothing.
    const lines = imports.map((name, i) => `import type { value as v${i} } from '${up || './'}${name}';\n`);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, `${lines.join('')}export const value = 1;\n`);
  }
  const cruiser = join(ROOT, 'node_modules', 'dependency-cruiser', 'bin', 'dependency-cruise.mjs');
  const { stdout } = spawnSync(process.execPath, [cruiser, '--output-type', 'json', '.'], {
    cwd: folder,
    encoding: 'utf8',
  });
  const { summary } = JSON.parse(stdout) as {
    summary: { violations: { from: string; to: string; rule: { name: string } }[] };
  };
  const found = summary.violations.map(({ rule, from, to }) => `${rule.name}: ${from} > ${to}`);
  expect(found.sort()).toEqual([
    'algorithms looks up: algorithms/tree.ts > bench/cell.ts',
    'bench/rollout looks up: bench/rollout/engine.ts > bench/training/train.ts',
    'core looks up: core/random.ts > envs/environment.ts',
    'envs looks up: envs/environment.ts > policies/policy.ts',
    'everything is there: performance/case.ts > ../core/nowhere.ts',
    'no circles: core/circle.ts > core/other-side.ts',
    'no registries below: bench/runs/runner.ts > envs/registry.ts',
    'no registries below: bench/training/train.ts > catalog.ts',
    'nothing needs tests: bench/runs/runner.ts > core/random.test-helper.ts',
    'nothing needs the top: reports/page.ts > index.ts',
    'only cli prints: bench/cell.ts > node_modules/commander/index.ts',
    'performance looks up: performance/case.ts > reports/page.ts',
  ]);
});
