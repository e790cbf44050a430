import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ALGORITHMS } from '../algorithms/registry.ts';
import { AUDIT_COLUMNS, AUDIT_COMPONENT_COLUMNS } from '../bench/audit/columns.ts';
import { packageInfo } from '../core/package.ts';
import { callCreditbench } from './call.test-helper.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'creditbench-audit-'));
});
afterAll(() => rm(folder, { recursive: true }));
const run = (...args: string[]) => callCreditbench(folder, ['audit', ...args]);

describe('creditbench audit', () => {
  it("prints the field's figures by default on stop-or-search, as JSON with the documented names", async () => {
    const { code, stdout, stderr } = await run('--environment', 'stop-or-search', '--json', '--out', 'a');
    expect(stderr).toBe(`files: ${join('a', 'audit.csv')}, audit_components.csv, audit.json\n`);
    expect(code).toBe(0);
    const { settings, audits } = JSON.parse(stdout);
    expect(Object.keys(settings)).toEqual([
      'policy',
      'budget',
      'objective',
      'options',
      'limit',
      'samples',
      'seed',
    ]);
    expect(audits.map((audit: { algorithm: string }) => audit.algorithm)).toEqual(
      ALGORITHMS.map(({ id }) => id),
    );
    const names = AUDIT_COLUMNS.map(({ name }) => name);
    for (const audit of audits) expect(Object.keys(audit)).toEqual([...names, 'components']);
    expect(Object.keys(audits[0].components[0])).toEqual(
      AUDIT_COMPONENT_COLUMNS.map(({ name }) => name).slice(2),
    );
    const grpo = audits.find((audit: { algorithm: string }) => audit.algorithm === 'grpo');
    // A gradient and an advantage of 0, not biases of whatever sign rounding gives them.
    for (const control of ['random-credit', 'shuffled-credit']) {
      const found = audits.find((audit: { algorithm: string }) => audit.algorithm === control);
      expect(found).toMatchObject({ gradient_verdict: 'zero', advantage_verdict: 'zero' });
    }
    const ratio = (component: string): number =>
      grpo.components.find(
        (entry: { quantity: string; component: string }) =>
          entry.quantity === 'gradient' && entry.component === component,
      ).ratio;
    expect(ratio('start: search')).toBeCloseTo(-4.406, 3);
    expect(ratio('found: A')).toBeCloseTo(1.845, 3);
    expect(await readFile(join(folder, 'a', 'audit.json'), 'utf8')).toBe(stdout);
    const csv = await readFile(join(folder, 'a', 'audit.csv'), 'utf8');
    expect(csv.split('\n')).toHaveLength(1 + ALGORITHMS.length + 1);
  });

  it("audits the documentation's own example from a file", async () => {
    const page = await readFile(join(packageInfo().root, 'docs', 'audit.md'), 'utf8');
    const example = /```ts\n(import \{ type AnyAlgorithm[\s\S]*?)```/.exec(page)![1]!;
    await writeFile(join(folder, 'mine.ts'), example);
    const { code, stdout, stderr } = await run(
      ...['--algorithm', './mine.ts', '--environment', 'stop-or-search', '--json'],
    );
    expect(stderr).toBe('note: ./mine.ts is code and runs with all your rights\n');
    expect(code).toBe(0);
    expect(JSON.parse(stdout).audits[0]).toMatchObject({ algorithm: 'mine', gradient_verdict: 'biased' });
  });

  it.each<[string, string[], string]>([
    ['an unknown algorithm', ['--algorithm', 'nope'], "unknown algorithm 'nope'; valid: a2tgpo, actfocus, "],
    ['a missing file', ['--algorithm', './nope.ts'], '--algorithm: algorithm ./nope.ts: there is no file'],
    [
      'an unknown policy',
      ['--policy', 'x'],
      "--policy: 'x' is not valid; valid: default, uniform, random:SEED",
    ],
    ['a budget out of range', ['--budget', '1'], "--budget: '1' is not valid; valid: whole number from 2 to"],
    ['an unknown objective', ['--objective', 'x'], "--objective: 'x' is not valid; valid: plain, own"],
    ['options that do not fit', ['--options', '{x: 1}'], '--options: not valid for a2tgpo'],
    ['options that are not YAML', ['--options', '{x'], "--options: '{x' is not YAML"],
    ['an environment without exact values', ['--environment', 'multihop'], 'too large for the audit'],
  ])('refuses %s with exit code 2', async (_, args, message) => {
    const { code, stdout, stderr } = await run(...args);
    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toContain(message);
    expect(stderr).not.toContain('    at ');
  });

  it('refuses files that hold no algorithm', async () => {
    await writeFile(join(folder, 'empty.ts'), 'export default { id: 1 };');
    await writeFile(join(folder, 'broken.ts'), 'export default {');
    const empty = await run('--algorithm', './empty.ts');
    expect(empty.code).toBe(2);
    expect(empty.stderr).toContain(
      'is no algorithm; missing: id (letters, digits, _ + - and /), schema (a zod schema)',
    );
    const broken = await run('--algorithm', './broken.ts');
    expect(broken.code).toBe(2);
    expect(broken.stderr).toContain('broken.ts cannot be loaded: ');
  });
});
