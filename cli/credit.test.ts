import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parquetReadObjects } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { ALGORITHMS } from '../algorithms/registry.ts';
import { creditRecordSchema } from '../bench/trajectories/credit-record.ts';
import { trajectoryOf, turnOf } from '../bench/trajectories/made-up.test-helper.ts';
import type { Trajectory } from '../bench/trajectories/trajectory.ts';
import { packageInfo } from '../core/package.ts';
import { callCreditbench } from './call.test-helper.ts';
import { type Ended, spawnCreditbench } from './spawn.test-helper.ts';

const { root } = packageInfo();
const folder = mkdtempSync(join(tmpdir(), 'creditbench-credit-'));
afterAll(() => rmSync(folder, { recursive: true }));

const write = (name: string, trajectories: readonly Trajectory[]): string => {
  writeFileSync(join(folder, name), trajectories.map((one) => `${JSON.stringify(one)}\n`).join(''));
  return name;
};
const credit = (...args: string[]): Promise<Ended> => callCreditbench(folder, ['credit', ...args]);
const rowsOf = (name: string) =>
  readFileSync(join(folder, name), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => creditRecordSchema.parse(JSON.parse(line)));

/** Two questions of three rollouts; the first two of each share their first turn. */
const ROLLOUTS = ['q0', 'q1'].flatMap((group, index) => [
  trajectoryOf('a', [turnOf([1, 2]), turnOf([3])], 1, { group }),
  trajectoryOf('b', [turnOf([1, 2]), turnOf([4])], index, { group }),
  trajectoryOf('c', [turnOf([5])], 0, { group }),
]);

/** A method of a user's own. */
function copyExample(): void {
  for (const name of ['mine.ts', 'median.ts']) copyFileSync(join(root, 'examples', name), join(folder, name));
}

beforeEach(() => {
  for (const name of readdirSync(folder)) rmSync(join(folder, name), { recursive: true });
  write('rollouts.jsonl', ROLLOUTS);
});

describe('creditbench credit', () => {
  it('prints a summary of 80 columns, and writes nothing without --out', async () => {
    const { code, stdout, stderr } = await credit(
      'rollouts.jsonl',
      '--algorithm',
      'rloo,carl',
      '--algorithm',
      'appo',
    );
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(Math.max(...stdout.split('\n').map(({ length }) => length))).toBeLessThanOrEqual(80);
    expect(stdout).toContain('6 trajectories in 2 groups, normalised in 1 batch');
    expect(stdout).toContain('4 trajectories share');
    expect(stdout.replaceAll('\n', ' ')).toContain(
      'Left out: appo: the file has no texts of the tokens (pieces), log-probabilities under the weights before the last update (previous)',
    );
    expect(stdout).toContain('Where methods disagree most');
    expect(readdirSync(folder)).toEqual(['rollouts.jsonl']);
  });

  it('writes the advantages of all methods that can say something, in the order of the file', async () => {
    const { code, stdout, stderr } = await credit('rollouts.jsonl', '--json', '--out', 'out/credit.jsonl');
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: 'file: out/credit.jsonl, 6 rows (docs/credit.md)\n',
    });
    const { settings, methods, pairs } = JSON.parse(stdout);
    expect(settings).toEqual({ file: 'rollouts.jsonl', merge: 'turns', questions: 128, seed: 0, set: [] });
    expect(methods.map(({ method }: { method: string }) => method)).toEqual(ALGORITHMS.map(({ id }) => id));
    expect(pairs.length).toBeGreaterThan(100);
    const rows = rowsOf('out/credit.jsonl');
    expect(rows.map(({ group, id }) => group + id)).toEqual(['q0a', 'q0b', 'q0c', 'q1a', 'q1b', 'q1c']);
    expect(rows[0]!.advantages.rloo).toEqual([[1, 1], [1]]);
    // The fork after the shared turn: worth 1/2.
    expect(rows.slice(0, 3).map(({ advantages }) => advantages.carl)).toEqual([
      [null, [0.5]],
      [null, [-0.5]],
      [null],
    ]);
    expect('appo' in rows[0]!.advantages).toBe(false);
  });

  it('takes options of methods, merging, and a file of code', async () => {
    copyExample();
    const args = ['--algorithm', 'carl,./mine.ts', '--set', 'carl.updateRule=siblings', '--merge', 'none'];
    const { code, stderr } = await credit('rollouts.jsonl', ...args, '--out', 'a.jsonl');
    expect(stderr).toContain('note: ./mine.ts is code and runs with all your rights');
    expect(code).toBe(0);
    const [first] = rowsOf('a.jsonl');
    expect(first!.advantages.carl).toEqual([[expect.closeTo(2 / 3, 12), expect.closeTo(2 / 3, 12)], null]);
    expect(Object.keys(first!.advantages)).toHaveLength(2);
  });

  it('gives the same bytes for the same seed, also of controls', async () => {
    const args = ['rollouts.jsonl', '--algorithm', 'random-credit,grpo', '--out'];
    for (const [name, seed] of [
      ['a', '1'],
      ['b', '1'],
      ['c', '2'],
    ] as const) {
      expect((await credit(...args, `${name}.jsonl`, '--seed', seed)).code).toBe(0);
    }
    const [a, b, c] = ['a', 'b', 'c'].map((name) => readFileSync(join(folder, `${name}.jsonl`), 'utf8'));
    expect(a).toBe(b);
    expect(a).not.toBe(c);
  });

  it('writes Parquet', async () => {
    const args = ['rollouts.jsonl', '--algorithm', 'rloo,carl,ppo', '--out', 'credit.parquet'];
    expect((await credit(...args)).code).toBe(0);
    const bytes = readFileSync(join(folder, 'credit.parquet'));
    const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;
    const [first] = await parquetReadObjects({ file, compressors });
    // A list in a list that is null has no value there.
    expect(first).toEqual({ group: 'q0', id: 'a', rloo: [[1, 1], [1]], carl: [undefined, [0.5]] });
  });

  it('reads stdin and writes rows to stdout, the summary beside them', async () => {
    const { code, stdout, stderr } = await spawnCreditbench(
      folder,
      ['credit', '-', '--algorithm', 'rloo', '--out', '-'],
      undefined,
      {},
      'exec <rollouts.jsonl',
    );
    expect(code).toBe(0);
    expect(
      stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line).id),
    ).toEqual(['a', 'b', 'c', 'a', 'b', 'c']);
    expect(stderr).toContain('stdin: 6 trajectories in 2 groups');
    expect(readdirSync(folder)).toEqual(['rollouts.jsonl']);
  });

  it('writes a page of the rollouts', async () => {
    const { code, stderr } = await credit(
      'rollouts.jsonl',
      '--algorithm',
      'rloo,carl',
      '--html',
      'trees.html',
    );
    expect({ code, stderr }).toEqual({ code: 0, stderr: 'page: trees.html\n' });
    const page = readFileSync(join(folder, 'trees.html'), 'utf8');
    expect(page).toContain('q0');
    expect(page).toContain('carl');
  });

  it("writes verifiers' traces with the advantages of one method in them", async () => {
    const traces = join(root, 'bench', 'trajectories', 'readers', 'fixtures', 'verifiers.jsonl');
    copyFileSync(traces, join(folder, 'traces.jsonl'));
    const args = ['--algorithm', 'grpo', '--write', 'verifiers', '--out', 'with.jsonl'];
    const { code, stderr } = await credit('traces.jsonl', ...args);
    expect(code).toBe(0);
    expect(stderr).toContain('file: with.jsonl, 4 rows');
    const text = readFileSync(join(folder, 'with.jsonl'), 'utf8');
    expect(text.match(/"advantages":\[/g)!.length).toBeGreaterThan(2);
    expect(readdirSync(folder).sort()).toEqual(['rollouts.jsonl', 'traces.jsonl', 'with.jsonl']);
  });
});

describe('what is refused, with exit code 2 and nothing written', () => {
  it.each<[string, string[], string]>([
    ['an unknown method', ['--algorithm', 'x'], "--algorithm: unknown algorithm 'x'; valid: a2tgpo, "],
    ['an unknown format', ['--format', 'csv'], "--format: 'csv' is not valid; valid: own, verifiers, atif"],
    ['a file that is not there', ['--algorithm', 'grpo'], 'nothing.jsonl: no such file'],
    [
      'an unknown merge',
      ['--merge', 'all'],
      "argument 'all' is invalid. Allowed choices are none, turns, tokens.",
    ],
    ['no questions', ['--questions', '0'], "--questions: '0' is not valid; valid: whole number from 1 to"],
    [
      'an output of no kind',
      ['--out', 'x.csv'],
      "--out: 'x.csv' is not valid; valid: a file ending in .jsonl or .parquet",
    ],
    [
      'an option of no method',
      ['--algorithm', 'grpo', '--set', 'carl.x=1'],
      '--set carl.x=1: not valid; valid: METHOD.OPTION=VALUE, the method being grpo',
    ],
    [
      'an unknown option',
      ['--algorithm', 'grpo', '--set', 'grpo.x=1'],
      '--set: grpo.x: unknown key; valid keys: ',
    ],
    [
      'a value out of range',
      ['--algorithm', 'grpo', '--set', 'grpo.groupSize=0'],
      '--set: grpo.groupSize: 0 is not valid; valid: whole number from 1',
    ],
    ['a tokenizer that is not there', ['--tokenizer', 'none'], 'none'],
    [
      'a reward without a number',
      ['--reward', 'a=b'],
      "--reward: 'a=b' is not valid; valid: FIELD or FIELD=WEIGHT",
    ],
    ['JSON beside rows', ['--out', '-', '--json'], '--json: not valid with --out -'],
    [
      'traces of two methods',
      ['--algorithm', 'grpo,rloo', '--write', 'verifiers', '--out', 'x.jsonl'],
      '--algorithm names 2; valid: one',
    ],
    [
      'traces to nowhere',
      ['--algorithm', 'grpo', '--write', 'verifiers'],
      '--write verifiers: it needs --out FILE',
    ],
  ])('%s', async (_, args, message) => {
    const { code, stdout, stderr } = await credit('nothing.jsonl', ...args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(message);
    expect(stderr).not.toContain('    at ');
    expect(readdirSync(folder)).toEqual(['rollouts.jsonl']);
  });

  it('the name of a reward of the own format, which has one', async () => {
    const { code, stderr } = await credit('rollouts.jsonl', '--algorithm', 'grpo', '--reward', 'score=1');
    expect(code).toBe(2);
    expect(stderr).toContain(
      "--reward: score is not valid for rollouts.jsonl, whose rewards are in 'reward'",
    );
  });

  it('the file itself as output', async () => {
    const { code, stderr } = await credit(
      'rollouts.jsonl',
      '--algorithm',
      'grpo',
      '--out',
      './rollouts.jsonl',
    );
    expect(code).toBe(2);
    expect(stderr).toContain("--out: './rollouts.jsonl' is the file that is read");
    expect(readFileSync(join(folder, 'rollouts.jsonl'), 'utf8').split('\n')).toHaveLength(7);
  });

  it('a file of which no method that is asked for can say anything, with what each lacks', async () => {
    const { code, stdout, stderr } = await credit(
      'rollouts.jsonl',
      '--algorithm',
      'ppo,gigpo',
      '--out',
      'x.jsonl',
    );
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toBe(
      'error:\n  rollouts.jsonl: no method can say anything of it\n  ppo: the file has no outputs of its critic (outputs.critic)\n  gigpo: the file has no texts of what was read (observation.text)\n',
    );
    expect(readdirSync(folder)).toEqual(['rollouts.jsonl']);
  });

  it('a broken line after good ones, before anything is computed', async () => {
    writeFileSync(
      join(folder, 'broken.jsonl'),
      `${readFileSync(join(folder, 'rollouts.jsonl'), 'utf8')}{"format": \n`,
    );
    const { code, stderr } = await credit(
      'broken.jsonl',
      '--algorithm',
      'grpo',
      '--out',
      'x.jsonl',
      '--questions',
      '1',
    );
    expect(code).toBe(2);
    expect(stderr).toMatch(/^error: broken.jsonl, line 7: broken JSON at column \d+\n$/);
    expect(readdirSync(folder).sort()).toEqual(['broken.jsonl', 'rollouts.jsonl']);
  });

  it('formats that are mixed', async () => {
    const other = '{"input": "x", "output": "y", "score": 1, "step": 1}\n';
    writeFileSync(join(folder, 'mixed.jsonl'), readFileSync(join(folder, 'rollouts.jsonl'), 'utf8') + other);
    const { code, stderr } = await credit('mixed.jsonl', '--algorithm', 'grpo');
    expect(code).toBe(2);
    expect(stderr).toContain('mixed.jsonl, line 7: trajectory');
  });

  it('groups that lie too far apart for the memory, with how to help it', async () => {
    const large = Array.from({ length: 40 }, (_, index) =>
      trajectoryOf(`${index}`, [turnOf(new Array<number>(10_000).fill(7))], index % 2, {
        group: `q${index % 20}`,
      }),
    );
    write('apart.jsonl', large);
    const { code, stderr } = await credit(
      'apart.jsonl',
      '--algorithm',
      'grpo',
      '--questions',
      '1',
      '--hold',
      '1',
    );
    expect(code).toBe(2);
    expect(stderr).toContain(
      "group 'q0' has 2 trajectories, from line 1 to line 21, and is held until it is complete",
    );
    expect(stderr).toContain(
      'valid: at most 1 MiB (--hold), with the trajectories of a group one after the other (sort the file by group)',
    );
    const sorted = large.toSorted((a, b) => Number(a.group.slice(1)) - Number(b.group.slice(1)));
    write('sorted.jsonl', sorted);
    expect(
      (await credit('sorted.jsonl', '--algorithm', 'grpo', '--questions', '1', '--hold', '1')).code,
    ).toBe(0);
  });
});

describe('a stop in the middle', () => {
  it('keeps the rows that are finished, under another name', async () => {
    const many = Array.from({ length: 600 }, (_, index) =>
      trajectoryOf(`${index}`, [turnOf(new Array<number>(2000).fill(index))], index % 3, {
        group: `q${index >> 1}`,
      }),
    );
    write('many.jsonl', many);
    // A rule that waits, as a large file would make any.
    copyExample();
    writeFileSync(
      join(folder, 'slow.ts'),
      `import mine from './mine.ts';
export default { ...mine, id: 'slow', credit: (...args) => {
  const end = Date.now() + 40;
  while (Date.now() < end);
  process.stderr.write('credited\\n');
  return mine.credit(...args);
} };`,
    );
    let credited = 0;
    const { code, stderr, stdout } = await spawnCreditbench(
      folder,
      ['credit', 'many.jsonl', '--algorithm', './slow.ts', '--questions', '1', '--out', 'credit.jsonl'],
      (line, kill) => {
        if (line === 'credited' && ++credited === 20) kill('SIGINT');
      },
    );
    expect({ code, stdout }).toEqual({ code: 130, stdout: '' });
    const [, rows] = /the first (\d+) rows are in credit.partial.jsonl\nstopped\n$/.exec(stderr)!;
    expect(Number(rows)).toBeGreaterThanOrEqual(38);
    expect(Number(rows)).toBeLessThan(600);
    expect(rowsOf('credit.partial.jsonl')).toHaveLength(Number(rows));
    expect(existsSync(join(folder, 'credit.jsonl'))).toBe(false);
    expect(
      readdirSync(folder)
        .filter((name) => !name.endsWith('.ts'))
        .sort(),
    ).toEqual([...['credit.partial.jsonl', 'many.jsonl', 'rollouts.jsonl']]);
  });
});
