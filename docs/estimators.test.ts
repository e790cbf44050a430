import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Row } from '../bench/cell.ts';
import { parseCsv } from '../bench/csv.ts';
import { callCreditbench } from '../cli/call.test-helper.ts';
import { ESTIMATOR_COLUMNS, ESTIMATORS_FILE } from '../scripts/estimators-reference.ts';
import { codeOf, createUserFolder, ROOT } from './page.test-helper.ts';

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

const DIAGNOSTIC = ['stop-or-search/v1', 'random-tree/v1', 'noisy-tool/v1', 'key-door/v1'];

/** What the page says of an estimator in one environment. */
function cellOf(row: Row | undefined): string {
  if (row === undefined) return '-';
  const verdict = {
    scaled: `scaled x${(row.gradient_factor as number).toFixed(2)}`,
    biased: `**${(row.gradient_worst_error as number).toFixed(2)}**, ${row.gradient_flipped} flipped`,
  }[row.gradient_verdict as string];
  return `${verdict ?? row.gradient_verdict}; ${(row.error_per_token as number).toFixed(1)}`;
}

/** An estimator's line of the page's table. */
function lineOf(name: string, rows: readonly Row[]): string {
  const own = rows.filter(({ estimator }) => estimator === name);
  const same = own.map(({ same_as }) => String(same_as ?? '').split('; '));
  const everywhere = same[0]!.filter((one) => one !== '' && same.every((list) => list.includes(one)));
  const cells = DIAGNOSTIC.map((id) => cellOf(own.find(({ environment }) => environment === id)));
  const isOurs = own[0]!.version === null;
  return `| ${[name, ...cells, isOurs ? '' : everywhere.join(', ') || '-'].join(' | ')} |`;
}

it("estimators.md's table is that of results/reference/estimators.csv", async () => {
  const rows = parseCsv(ESTIMATOR_COLUMNS, await readFile(ESTIMATORS_FILE, 'utf8'));
  const page = await readFile(join(ROOT, 'docs', 'estimators.md'), 'utf8');
  const lines = page.split('\n').filter((line) => /^\| \S+ \| [^|]+; \d/.test(line));
  const names = [...new Set(rows.map(({ estimator }) => estimator as string))];
  expect(lines).toEqual(names.map((name) => lineOf(name, rows)));
  const versions = new Set(
    rows.flatMap(({ estimator, version }) =>
      version === null ? [] : [`${String(estimator).split(':')[0]} ${version}`],
    ),
  );
  for (const version of versions) expect(page.toLowerCase()).toContain(version);
});
