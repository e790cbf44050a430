import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { callCreditbench } from '../cli/call.test-helper.ts';
import { codeOf, createUserFolder } from './page.test-helper.ts';

let user: Awaited<ReturnType<typeof createUserFolder>>;
beforeAll(async () => {
  user = await createUserFolder();
});
afterAll(() => user.remove());

it.each([
  ['estimator.py', 'python3 estimator.py'],
  ['estimator.mjs', `"${process.execPath}" estimator.mjs`],
])("estimators.md's %s is 15 lines at most, and Dr. GRPO", async (file, command) => {
  const code = (await codeOf('estimators.md')).get(file)!;
  expect(code.trimEnd().split('\n').length).toBeLessThanOrEqual(15);
  await writeFile(join(user.folder, file), code);
  const {
    code: exit,
    stdout,
    stderr,
  } = await callCreditbench(user.folder, [
    ...['audit', '--environment', 'stop-or-search', '--estimator', `mine=${command}`],
    ...['--algorithm', 'dr-grpo', '--json'],
  ]);
  expect(stderr).toBe('');
  expect(exit).toBe(0);
  const [mine, ours] = JSON.parse(stdout).audits;
  expect(mine).toMatchObject({ algorithm: 'mine', options: '{"rollouts":4}', gradient_verdict: 'scaled' });
  expect(mine.gradient_factor).toBeCloseTo(0.75, 9);
  expect(mine.error_per_token).toBeCloseTo(ours.error_per_token, 9);
});
