import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, describe, expect, it } from 'vitest';
import { trajectoryOf, turnOf } from '../made-up.test-helper.ts';
import type { TrajectoryReader } from '../readers/reader.ts';
import { type OpenRequest, openTrajectories } from './open.ts';

const folder = mkdtempSync(join(tmpdir(), 'creditbench-open-'));
afterAll(() => rmSync(folder, { recursive: true }));
const file = (name: string, content: string | Uint8Array): string => {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
};

const ONE = trajectoryOf('a', [turnOf([1, 2])], 1);
const LINES = `${JSON.stringify(ONE)}\n\n${JSON.stringify({ ...ONE, id: 'b' })}\n`;

async function read(request: OpenRequest): Promise<readonly string[]> {
  const opened = await openTrajectories(request);
  try {
    const twice: string[][] = [];
    for (let time = 0; time < 2; time++) {
      const found: string[] = [];
      for await (const { trajectory, at } of opened.read()) found.push(`${trajectory.id} ${at}`);
      twice.push(found);
    }
    expect(twice[1]).toEqual(twice[0]);
    return twice[0]!;
  } finally {
    await opened.close();
  }
}

const problem = async (request: OpenRequest): Promise<string> => {
  const error = await read(request).then(
    () => undefined,
    (reason: Error) => reason,
  );
  expect(error?.name).toBe('InputError');
  return error!.message;
};

describe('a file of trajectories', () => {
  it('is read as often as it is asked for, with the lines of the file', async () => {
    expect(await read({ path: file('two.jsonl', LINES) })).toEqual(['a line 1', 'b line 3']);
  });

  it('may come through a pipe: it is kept in a file until it is closed', async () => {
    const before = readdirSync(tmpdir()).filter((name) => name.startsWith('creditbench-trajectories-'));
    const halves = [LINES.slice(0, 40), LINES.slice(40)].map((half) => Buffer.from(half));
    expect(await read({ path: '-', input: Readable.from(halves) })).toEqual(['a line 1', 'b line 3']);
    expect(await problem({ path: '-', input: Readable.from([Buffer.from('{"x":1}')]) })).toContain(
      'stdin: no known',
    );
    const broken = [Buffer.from(`${LINES}{"format"`)];
    expect(await problem({ path: '-', input: Readable.from(broken) })).toBe(
      'stdin, line 4: broken JSON at column 10',
    );
    expect(await problem({ path: '-' })).toBe("'-' is not valid here: there is no input; valid: a file");
    const after = readdirSync(tmpdir()).filter((name) => name.startsWith('creditbench-trajectories-'));
    expect(after).toEqual(before);
  });

  it('is of the first format that knows its first record, or of the one that is named', async () => {
    const seen: unknown[] = [];
    const reader = (id: string, knows: (first: unknown, path: string) => boolean): TrajectoryReader => ({
      ...{ id, title: id, expected: `a file of ${id}` },
      detects: (first, path) => {
        seen.push(first);
        return knows(first, path);
      },
      async *read() {
        yield { trajectory: { ...ONE, id }, at: 'line 1' };
      },
    });
    const never = reader('never', () => false);
    const readers = [
      never,
      reader('pt', (_, path) => path.endsWith('.pt')),
      reader('json', (first) => first !== undefined),
    ];
    expect(await read({ path: file('a.pt', Buffer.from([80, 75, 3, 4, 255])), readers })).toEqual([
      'pt line 1',
    ]);
    expect(seen.every((one) => one === undefined)).toBe(true);
    // A line, an element of an array, a whole document of many lines.
    for (const text of ['{"x": 1}\n{"x": 2}', '[{"x": 1}, {"x": 2}]', '{\n  "x": 1\n}\n']) {
      seen.length = 0;
      expect(await read({ path: file('x', text), readers })).toEqual(['json line 1']);
      expect(seen.at(-1)).toEqual({ x: 1 });
    }
    expect(await read({ path: file('x', '{}'), readers, format: 'never' })).toEqual(['never line 1']);
  });

  it.each<[string, string | Uint8Array, string]>([
    [
      'another format',
      '{"prompt": "x", "label": 1}\n',
      'no known format: the first record has the keys prompt, label; valid: own: one JSON object a line with "format": "creditbench-trajectory"; ',
    ],
    ['no objects', '3\n', 'no known format: the first record is no JSON object; valid: own: '],
    ['nothing', '', 'the file is empty'],
    ['blank lines', '\n \n', 'no known format: the first record is no JSON object'],
    ['no text', Buffer.from([1, 2, 255]), 'line 1: invalid UTF-8'],
    ['broken Parquet', 'PAR1 and no more', 'broken Parquet: '],
    [
      'another version',
      JSON.stringify({ ...ONE, version: 2 }),
      'line 1: trajectory.version: Invalid input: expected 1',
    ],
    [
      'an unknown field',
      JSON.stringify({ ...ONE, rewards: 1 }),
      "line 1: trajectory: unknown key 'rewards'; valid: format, version, group, id, ",
    ],
    [
      'a text among numbers, after a million of them',
      JSON.stringify({ ...ONE, turns: [{ tokens: [...new Array(1e6).fill(7), 'x'] }] }),
      'line 1: trajectory.turns[0].tokens[1000000] is "x"; valid: whole number >= 0',
    ],
    [
      'a length that differs',
      `${JSON.stringify(ONE)}\n${JSON.stringify({ ...ONE, id: 'b', turns: [{ tokens: [1, 2], logprobs: [0] }] })}`,
      'line 2: trajectory.turns[0].logprobs has 1 elements; valid: 2, one per token',
    ],
    [
      'an infinite number',
      JSON.stringify(ONE).replace('"reward":1', '"reward":1e999'),
      'line 1: trajectory.reward: ',
    ],
    [
      'a prototype',
      JSON.stringify(ONE).replace('{', '{"__proto__":{"group":"x"},'),
      'line 1: trajectory: unknown key',
    ],
    [
      'a line too long',
      `{"format":"creditbench-trajectory","x":"${'x'.repeat(17 * 2 ** 20)}"}`,
      'line 1: longer than 16 MiB',
    ],
  ])('%s is refused', async (_, content, message) => {
    expect(await problem({ path: file('bad.jsonl', content) })).toContain(message);
  });

  it('has to be there, and of a format that there is', async () => {
    expect(await problem({ path: join(folder, 'none') })).toMatch(/none: no such file$/);
    expect(await problem({ path: folder })).toMatch(/a folder; valid: a file$/);
    expect(await problem({ path: file('x', '{}'), format: 'csv' })).toMatch(
      /^--format: 'csv' is not valid; valid: own, verifiers, /,
    );
  });
});
