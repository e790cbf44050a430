import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { InputError } from '../core/errors.ts';
import { scoreCommand } from './score.ts';

let folder = '';
let out = '';
let err = '';
const file = (name: string): string => join(folder, name);
const run = (...args: string[]) => scoreCommand().parseAsync(args, { from: 'user' });

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'creditbench-score-'));
  const gold = ['a', 'b', 'c'].map((id) => ({ _id: id, answer: 'Paris', supporting_facts: [['Paris', 0]] }));
  writeFileSync(file('gold.json'), JSON.stringify(gold));
  writeFileSync(file('predictions.json'), JSON.stringify({ answer: { a: 'Paris', b: 'Lyon', z: '' } }));
});
afterAll(() => rmSync(folder, { recursive: true }));
beforeEach(() => {
  out = '';
  err = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    out += String(text);
    return true;
  });
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    err += String(text);
    return true;
  });
});
afterEach(() => vi.restoreAllMocks());

describe('creditbench score', () => {
  it('prints a table on stdout and remarks on stderr', async () => {
    await run('--metric', 'hotpotqa', file('predictions.json'), file('gold.json'));
    expect(out).toMatch(/\| em\s+\| 0\.3333 \|/);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: no terminal, so no box drawing
    expect(out).toMatch(/^[\x0a\x20-\x7e]*$/);
    expect(out).toMatch(/questions 3, missing answer 1\n$/);
    expect(err).toContain('note: no answer prediction for 1 questions, scored 0: c\n');
    expect(err).toContain('note: 1 predicted ids are not in the gold file: z\n');
  });

  it('draws boxes on a terminal', async () => {
    const { isTTY } = process.stdout;
    process.stdout.isTTY = true;
    try {
      await run('--metric', 'hotpotqa', file('predictions.json'), file('gold.json'));
    } finally {
      process.stdout.isTTY = isTTY;
    }
    expect(out).toMatch(/│ em\s+│ 0\.3333 │/);
  });

  it('prints JSON with --json', async () => {
    await run(file('predictions.json'), file('gold.json'), '--metric', 'hotpotqa', '--json');
    expect(JSON.parse(out)).toEqual({
      metric: 'hotpotqa',
      questions: 3,
      metrics: { em: 1 / 3, f1: 1 / 3, prec: 1 / 3, recall: 1 / 3 },
      unit: 'fraction',
      decimals: null,
      counts: {},
      missing: { answer: ['c'] },
      unknown: ['z'],
      notes: ['no sp predictions: answer metrics only, no joint metrics'],
    });
  });

  it.each([
    [['--metric', 'rouge'], /--metric: unknown value 'rouge'; valid: hotpotqa, .*musique/],
    [[], /--metric: no value given; valid: /],
  ])('refuses %j', async (options, message) => {
    const done = run(...options, file('predictions.json'), file('gold.json'));
    await expect(done).rejects.toThrow(InputError);
    await expect(done).rejects.toThrow(message);
    expect(out).toBe('');
  });

  it('passes the error of a bad file on', async () => {
    await expect(run('--metric', 'hotpotqa', file('gold.json'), file('gold.json'))).rejects.toThrow(
      /gold.json: a list/,
    );
    await expect(
      run(
        '--metric',
        'hotpotqa',
        '--aliases',
        file('gold.json'),
        file('predictions.json'),
        file('gold.json'),
      ),
    ).rejects.toThrow(/valid for 2wikimultihopqa only/);
  });
});
