import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { creditRecordSchema } from '../bench/trajectories/credit-record.ts';
import { READERS } from '../bench/trajectories/readers/index.ts';
import { callCreditbench } from '../cli/call.test-helper.ts';
import { codeOf, createUserFolder, ROOT } from './page.test-helper.ts';

const page = readFileSync(join(ROOT, 'docs', 'credit.md'), 'utf8');
const files = await codeOf('credit.md');
const { folder, remove } = await createUserFolder();
afterAll(remove);
for (const [file, text] of files) writeFileSync(join(folder, file), text);
// Any model's tokenizer.
cpSync(join(ROOT, 'checkpoints', 'search-facts'), join(folder, 'my-model'), { recursive: true });

/** The commands of the page, in their order. */
const commands = [...page.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].flatMap(([, block]) =>
  block!
    .trimEnd()
    .split('\n')
    .map((line) => line.replace(/ +#.*$/, '')),
);

describe('the page on credit', () => {
  it('has the files that the test uses', () => {
    expect([...files.keys()]).toEqual(['rollouts.jsonl', '7.jsonl', 'read.py', 'forked.jsonl']);
    expect(commands.length).toBe(9);
  });

  it.each(commands)('%s', async (command) => {
    const [program, ...args] = command.split(' ');
    expect(program).toBe('creditbench');
    const { code, stdout, stderr } = await callCreditbench(folder, args);
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.not.stringContaining('error') });
    if (args.includes('--columns')) {
      const shown = /^```text\n([\s\S]*?)^```$/m.exec(page)![1]!;
      expect(shown).toBe(stdout);
    }
    if (command.startsWith('creditbench credit forked.jsonl')) {
      const rows = readFileSync(join(folder, 'forked-credit.jsonl'), 'utf8').trimEnd().split('\n');
      const carl = rows.map((row) => creditRecordSchema.parse(JSON.parse(row)).advantages.carl);
      // The shared turn is no fork that was chosen; the forks' siblings are compared.
      expect(carl.map((turns) => turns![0])).toEqual([null, null, null]);
      expect(carl.every((turns) => turns![1]!.length > 0)).toBe(true);
    }
  });

  it('has a reader in Python that runs', (context) => {
    if (spawnSync('python3', ['--version']).error !== undefined) return context.skip();
    expect(files.get('read.py')!.split('\n').length).toBeLessThanOrEqual(20);
    const printed = execFileSync('python3', ['read.py'], { cwd: folder, encoding: 'utf8' });
    expect(printed.trimEnd().split('\n')).toHaveLength(9);
    expect(printed).toMatch(/^7\/\w+ 0 grpo \d+ tokens, sum \d+\.\d{3}$/m);
  });

  it('names all formats that are read, and only those', () => {
    const table = /\| `--format` \|[\s\S]*?\n\n/.exec(page)![0];
    expect([...table.matchAll(/^\| `(\w+)` \|/gm)].map(([, id]) => id)).toEqual(READERS.map(({ id }) => id));
  });

  it('shows a row that is one', () => {
    const row = /^```json\n(.*)\n```$/m.exec(page)![1]!;
    expect(creditRecordSchema.safeParse(JSON.parse(row)).success).toBe(true);
  });
});
