import { join } from 'node:path';
import { Command } from 'commander';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { InputError } from '../core/errors.ts';
import { temporaryFiles } from '../envs/data/files.test-helper.ts';
import { dataCommand } from './data.ts';

const file = temporaryFiles();
const fixture = (name: string) => join(import.meta.dirname, '../envs/data/fixtures', name);
let out = '';
let err = '';
const run = (...args: string[]) =>
  new Command('creditbench')
    .addCommand(dataCommand())
    .parseAsync(['data', 'inspect', ...args], { from: 'user' });

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

describe('creditbench data inspect', () => {
  it('prints a table on stdout and remarks on stderr', async () => {
    await run(fixture('hotpotqa.json'));
    expect(out).toMatch(/format\s.*hotpotqa/);
    expect(out).toMatch(/kind comparison\s.*\b1\b/);
    expect(out).toMatch(/hops 2\s.*\b2\b/);
    expect(out).toMatch(/all gold in the top 3\s.*50\.0 % \[9\.5, 90\.5\]/);
    expect(err).toContain('note: 1 gold titles have no paragraph in this file\n');
    expect(err).toContain(
      'note: 1 gold passages are not in the corpus; their questions count as not found\n',
    );
  });

  it('prints JSON, and searches the corpus and top K that it is told', async () => {
    await run(fixture('musique.jsonl'), '--json', '--corpus', fixture('corpus-list.json'), '--top-k', '2');
    expect(JSON.parse(out)).toMatchObject({
      format: 'musique',
      questions: 3,
      coverage: {
        topK: 2,
        questions: 2,
        goldNotInCorpus: 1,
        retriever: expect.stringContaining('3 passages'),
      },
    });
  });

  it('says so where there is nothing to be found', async () => {
    await run(fixture('bamboogle.csv'));
    expect(out).not.toContain('all gold');
    expect(err).toContain('note: no gold passages');
  });

  it('prints no control characters of the file', async () => {
    const kind = 'a\\u001b[31m\\u009b1m\\u202eb\\u0007';
    const line = `{"id": "1", "question": "q", "golden_answers": ["x"], "metadata": {"type": "${kind}"}}`;
    const path = file('control.jsonl', line);
    await run(path);
    expect(out).toContain('kind a[31m1mb');
    await run(path, '--json');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
    expect(out + err).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/);
  });

  it.each([
    [['--format', 'squad'], "--format: unknown value 'squad'; valid: 2wikimultihopqa, bamboogle"],
    [['--top-k', '0'], "--top-k: '0' is not valid; valid: whole number from 1 to 1000"],
    [['--corpus', 'nowhere.json'], 'nowhere.json: no such file'],
  ])('refuses %j', async (args, message) => {
    const error = await run(fixture('musique.jsonl'), ...args).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(InputError);
    expect((error as Error).message).toContain(message);
    expect(out).toBe('');
  });

  it('leaves stdout empty when the file is broken', async () => {
    await expect(run(file('broken.json', '[{]'))).rejects.toThrow(
      /broken\.json: broken JSON at line 1, column 3/,
    );
    expect(out).toBe('');
  });
});
