import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { CELL_COLUMNS } from '../bench/columns.ts';
import { formatCsv } from '../bench/csv.ts';
import { type Declaration, metricColumns } from '../bench/declaration.ts';
import { callCreditbench } from './call.test-helper.ts';
import type { Ended } from './spawn.test-helper.ts';

/** Clears the screen, sets the title, moves up, beeps, reorders; in C0 and in C1. */
const HOSTILE = 'N\u001b[2J\u001b]0;owned\u0007\u009b1A\r\b\u202eM\u2066\u0085\u007f';
const folder = mkdtempSync(join(tmpdir(), 'creditbench-hostile-'));
afterAll(() => rmSync(folder, { recursive: true }));

function write(name: string, content: unknown): string {
  const path = join(folder, name);
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}

const run = (args: readonly string[]): Promise<Ended> => callCreditbench(folder, args);

/** Shown, so that the test says something, and harmless. */
function expectHarmless({ stdout, stderr }: Ended): void {
  for (const text of [stdout, stderr]) {
    expect(text).not.toMatch(/(?![\t\n])[\p{Cc}\u202a-\u202e\u2066-\u2069]/u);
  }
  expect(stdout + stderr).toMatch(/N.*M/);
}

/** A results folder in which everything that can be a text is hostile. */
function results(): string {
  const names = { environment: `multihop${HOSTILE}`, policy: HOSTILE, algorithm: HOSTILE };
  const cells = [0, 1].map((seed) => ({
    ...names,
    seed,
    cell: `000000000000000${seed}`,
    algorithmId: HOSTILE,
    status: 'finished',
    fingerprint: HOSTILE,
    options: { [HOSTILE]: HOSTILE },
  }));
  mkdirSync(join(folder, 'results'), { recursive: true });
  const declaration: Declaration = {
    score: { name: 'taken', range: [0, 1] },
    metrics: [{ name: 'taken', unit: HOSTILE, description: HOSTILE }],
  };
  write('results/suite.json', {
    creditbench: HOSTILE,
    suite: { name: HOSTILE },
    declarations: { [names.environment]: declaration },
    cells,
  });
  const rows = cells.flatMap(({ seed, cell }) =>
    [0, 1].map((iteration) => ({
      ...names,
      seed,
      cell,
      iteration,
      dev_taken: (seed + iteration) / 4,
    })),
  );
  write('results/metrics.csv', formatCsv([...CELL_COLUMNS, ...metricColumns([declaration])], rows));
  return 'results';
}

describe('what files and servers say cannot drive the terminal', () => {
  it('names in a suite', async () => {
    const yaml = {
      name: HOSTILE,
      environments: [HOSTILE],
      policy: HOSTILE,
      algorithms: [{ id: 'grpo', name: HOSTILE }],
      [HOSTILE]: 1,
    };
    const ended = await run(['run', write('suite.yaml', yaml)]);
    expect(ended.code).toBe(2);
    expectHarmless(ended);
    expectHarmless(await run(['run', write('tag.yaml', `a: !${HOSTILE.slice(0, 1)}M 1 # ${HOSTILE}`)]));
  });

  it('options, and names of files', async () => {
    expectHarmless(await run(['run', 'quick', '--set', `${HOSTILE}.x=1`]));
    expectHarmless(await run(['run', `${HOSTILE}.yaml`]));
    expectHarmless(await run([`${HOSTILE}`]));
    expectHarmless(await run(['audit', '--algorithm', `./${HOSTILE}.ts`]));
  });

  it('names in results', async () => {
    const compared = await run(['compare', results()]);
    expect(compared.code).toBe(0);
    expectHarmless(compared);
    expectHarmless(await run(['compare', results(), '--baseline', HOSTILE, '--anchor', `${HOSTILE}=0,1`]));
    expect((await run(['report', results()])).code).toBe(0);
  });

  it('questions, and kinds of them', async () => {
    const questions = [0, 1].map((i) => ({
      id: `${HOSTILE}${i}`,
      question: `${HOSTILE}${i}?`,
      golden_answers: [HOSTILE],
      metadata: { type: HOSTILE },
    }));
    const path = write('questions.json', questions);
    for (const flags of [[], ['--json']]) {
      const ended = await run(['data', 'inspect', path, ...flags]);
      expect(ended.code).toBe(0);
      expectHarmless(ended);
    }
    expectHarmless(await run(['data', 'inspect', write('twice.json', [{ [HOSTILE]: 1 }])]));
  });

  it('groups, ids and texts of rollouts, in tables, rows and errors', async () => {
    const turns = [{ tokens: [1], text: HOSTILE, observation: { text: HOSTILE } }];
    const one = { format: 'creditbench-trajectory', version: 1, group: HOSTILE, question: HOSTILE, turns };
    const lines = [0, 1, 2].map((reward) => JSON.stringify({ ...one, id: `${HOSTILE}${reward}`, reward }));
    const path = write('rollouts.jsonl', lines.join('\n'));
    const some = ['--algorithm', 'grpo,reinforce'];
    for (const flags of [[], ['--json'], ['--out', '-'], ['--merge', 'none', '--wide']]) {
      const ended = await run(['credit', path, ...some, ...flags]);
      expect(ended.code).toBe(0);
      expectHarmless(ended);
    }
    // Rows keep the names.
    const { stdout } = await run(['credit', path, ...some, '--out', '-']);
    expect(JSON.parse(stdout.split('\n')[0]!).group).toBe(HOSTILE);
    const forked = write(
      'forked.jsonl',
      JSON.stringify({ ...one, id: HOSTILE, fork: { of: `${HOSTILE}x`, turn: 0 } }),
    );
    for (const [file, ...flags] of [
      [write('twice.jsonl', [lines[0], lines[0]].join('\n'))],
      [forked],
      [write('unknown.jsonl', { [HOSTILE]: HOSTILE })],
      [write('field.jsonl', { ...one, id: 'x', [HOSTILE]: 1 })],
      [path, '--format', HOSTILE],
      [path, '--set', `${HOSTILE}.x=1`],
      [path, '--reward', `${HOSTILE}=x`],
    ] as [string, ...string[]][]) {
      const ended = await run(['credit', file, ...some, ...flags]);
      expect(ended.code).toBe(2);
      expectHarmless(ended);
    }
  });

  it('ids in files to score', async () => {
    const gold = write('gold.json', [{ _id: HOSTILE, answer: 'x', supporting_facts: [] }]);
    for (const flags of [[], ['--json']]) {
      const ended = await run([
        'score',
        '--metric',
        'hotpotqa',
        ...flags,
        write('p.json', { answer: { [`${HOSTILE}2`]: 'x' } }),
        gold,
      ]);
      expect(ended.code).toBe(0);
      expectHarmless(ended);
    }
  });

  it('a question that is rolled out, and what a retrieval server answers', async () => {
    const ended = await run(['rollout', 'search', '--question', `${HOSTILE}?`, '--tokens']);
    expect(ended.code).toBe(0);
    expectHarmless(ended);
    const server = createServer((_request, response) => {
      response.statusCode = 404;
      response.end(HOSTILE);
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const files = write('asked.json', [{ id: 'a', question: 'Who?', golden_answers: ['x'] }]);
    const options = JSON.stringify({
      questions: 'files',
      files: { dev: files },
      retriever: url,
      retrieverName: 'x',
    });
    const failed = await run([
      'rollout',
      'search',
      '--suite',
      'search',
      '--set',
      `environments.search.options=${options}`,
    ]);
    server.close();
    expect(`${failed.stdout}${failed.stderr}`).not.toMatch(/(?![\t\n])[\p{Cc}\u202a-\u202e\u2066-\u2069]/u);
    expect(failed.code).toBe(2);
    expect(failed.stderr).toMatch(/HTTP 404, saying 'N.*M/);
  });

  it('a module that is run says so, in one line', async () => {
    const ended = await run(['audit', '--algorithm', write('mine.ts', 'export default {};')]);
    expect(ended.stderr).toMatch(/^note: .*mine\.ts is code and runs with all your rights\n/);
  });
});
