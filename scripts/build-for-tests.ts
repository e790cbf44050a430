import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const FOLDERS = ['core', 'algorithms', 'envs', 'policies', 'bench', 'reports', 'performance', 'cli'];
/** Written after a build; older than a source file means stale. */
const STAMP = join(ROOT, 'dist', '.built');

/** Builds dist/ when a source file is newer than it: child processes of tests run the built package. */
export default function buildForTests(): void {
  if (existsSync(STAMP) && statSync(STAMP).mtimeMs > newestSource()) return;
  const started = new Date();
  const { status, stdout } = spawnSync(
    process.execPath,
    // Types are the business of `npm run check`. Without comments as in `npm run build`: no results depend on them.
    [
      ...[join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', 'tsconfig.build.json'],
      ...['--declaration', 'false', '--removeComments', '--noCheck'],
    ],
    { cwd: ROOT, encoding: 'utf8' },
  );
  if (status !== 0) process.stderr.write(`build for tests: tsc reports problems\n${stdout}`);
  // As `npm run build` leaves it: npx starts it as a program where its link to the package is from an earlier time.
  chmodSync(join(ROOT, 'dist', 'cli', 'main.js'), 0o755);
  writeFileSync(STAMP, started.toISOString());
}

function newestSource(): number {
  const files = FOLDERS.flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
      .map((file) => join(ROOT, folder, file)),
  );
  const top = ['index.ts', 'catalog.ts'].map((file) => join(ROOT, file));
  return Math.max(...[...files, ...top].map((file) => statSync(file).mtimeMs));
}
