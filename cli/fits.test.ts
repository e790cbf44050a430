import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { madeUpSources, writeMadeUp } from '../reports/html/made-up.test-helper.ts';
import { callCreditbench } from './call.test-helper.ts';
import { COMMANDS } from './commands.ts';
import { displayWidth } from './wrap.ts';

/** Commands that print no table, and why. A new command belongs here or into CASES. */
const WITHOUT: Readonly<Record<string, string>> = {
  worker: 'says on stderr what it computes',
  report: 'writes a page',
  golden: 'prints JSON for programs',
  serve: 'says in one line where it listens',
  export: 'says in one line what it wrote',
  'warm-start': 'says in one line what it wrote and how that scores',
};

const RUN = [
  ...['run', 'tiny', '--out', 'run', '--cache', 'cache', '--workers', '2'],
  ...['--set', 'environments=[multihop, stop-or-search]'],
  ...['--set', 'algorithms=[{id: grpo, options: {groupSize: 2}}, {name: carl-with-a-longer-name, id: carl}]'],
];
/** What each command is asked for. Results with long names, several environments and every kind of column. */
const CASES: Readonly<Record<string, readonly (readonly string[])[]>> = {
  // A cell fails: that environment has no demonstrations to be warmed up with.
  run: [RUN],
  estimate: [
    [
      'estimate',
      'tiny',
      '--set',
      'environments=[stop-or-search]',
      '--set',
      'warmStart.steps=0',
      '--policy',
      'tabular',
      '--cache',
      'cache',
    ],
  ],
  status: [['status', 'run']],
  compare: [['compare', 'results', '--threshold', '0.45', '--anchor', 'stop-or-search/v1=0.2,0.7']],
  power: [
    ['power', 'results', '--difference', '0.02'],
    ['power', '--difference', '0.02', '--deviation', '0.03'],
  ],
  rollout: [['rollout', 'stop-or-search']],
  evaluate: [['evaluate', 'stop-or-search', '--episodes', '20', '--out', 'episodes.csv']],
  audit: [['audit', '--algorithm', 'grpo', '--algorithm', 'igpo', '--environment', 'stop-or-search']],
  criticality: [
    ['criticality', '--environment', 'stop-or-search', '--policy', 'tabular', '--out', 'criticality'],
  ],
  profile: [
    [
      ...[
        'profile',
        '--quick',
        '--seeds',
        '2',
        '--algorithm',
        'carl-exact',
        '--algorithm',
        'reinforce-pp-baseline',
      ],
      ...['--experiment', 'recovery', '--experiment', 'confident-mistake'],
    ],
  ],
  'credit-quality': [
    ['credit-quality', 'stop-or-search', '--algorithm', 'grpo,carl,reinforce-pp-baseline', '--budget', '50'],
    [
      ...['credit-quality', 'key-door', '--algorithm', 'grpo,igpo,ppo', '--budget', '50'],
      ...['--truth', '8', '--truth', 'exact'],
    ],
  ],
  credit: [['credit', 'rollouts.jsonl', '--out', 'credit.jsonl', '--html', 'trees.html']],
  data: [['data', 'inspect', 'questions.json', '--format', 'hotpotqa']],
  list: [
    ['list'],
    ['list', 'algorithms'],
    ['list', 'environments'],
    ['list', 'policies'],
    ['list', 'suites'],
  ],
  bench: [['bench', 'credit/carl-10000']],
  doctor: [['doctor']],
  score: [['score', 'predictions.json', 'gold.json', '--metric', 'hotpotqa']],
};

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'creditbench-fits-'));
  const sources = madeUpSources({
    algorithms: ['grpo', 'rloo', 'carl-with-a-longer-name'],
    environments: ['stop-or-search/v1', 'multihop/v1'],
  });
  await writeMadeUp(join(folder, 'results'), sources);
  const question = {
    _id: 'a',
    question: 'What is it?',
    answer: 'Paris',
    type: 'bridge',
    level: 'easy',
    supporting_facts: [['Paris', 0]],
    context: [['Paris', ['Paris is it.']]],
  };
  for (const name of ['gold.json', 'questions.json'])
    await writeFile(join(folder, name), JSON.stringify([question]));
  await writeFile(
    join(folder, 'predictions.json'),
    JSON.stringify({ answer: { a: 'Paris' }, sp: { a: [['Paris', 0]] } }),
  );
  const rollouts = [0, 1, 2].map((reward) => ({
    ...{ format: 'creditbench-trajectory', version: 1, group: 'a question with a long name of many words' },
    ...{ id: `rollout-${reward}`, turns: [{ tokens: [1] }, { tokens: [reward, 3] }], reward },
  }));
  await writeFile(join(folder, 'rollouts.jsonl'), rollouts.map((one) => JSON.stringify(one)).join('\n'));
  // What `run` and `status` then find: the first run is the longest.
  const { code, stderr } = await callCreditbench(folder, RUN);
  expect(code, stderr).toBe(1);
}, 120_000);
afterAll(() => rm(folder, { recursive: true }));

const tooLong = (text: string, width: number): readonly string[] =>
  text.split('\n').filter((line) => displayWidth(line) > width);

describe.each([80, 60])('in %i columns', (width) => {
  it.each(COMMANDS)('$name has no longer line, and its help neither', async ({ name }) => {
    const at = (args: readonly string[]) => callCreditbench(folder, args, { COLUMNS: String(width) });
    const help = await at([name, '--help']);
    expect(help.stdout).toContain(`Usage: creditbench ${name}`);
    expect(tooLong(help.stdout, width)).toEqual([]);
    if (WITHOUT[name] !== undefined) return;
    expect(CASES[name], `${name} needs a case here, or a reason in WITHOUT`).toBeDefined();
    for (const args of CASES[name]!) {
      const { code, stdout, stderr } = await at(args);
      expect(code, stderr).not.toBe(2);
      expect(stdout.split('\n').length, stderr).toBeGreaterThan(3);
      expect(tooLong(stdout, width)).toEqual([]);
      // What is left out is said, with how to see it.
      const wide = await at([...args, '--wide']);
      if (wide.code === 2) continue;
      const count = (text: string): number =>
        Math.max(...text.split('\n').map((line) => line.split('|').length));
      if (count(stdout) < count(wide.stdout)) expect(stdout).toMatch(/Not shown: .*--wide/s);
    }
  });

  it('the help of all commands and of data inspect has no longer line', async () => {
    for (const args of [['--help'], ['data', 'inspect', '--help']]) {
      const { stdout } = await callCreditbench(folder, args, { COLUMNS: String(width) });
      expect(stdout).toContain('Usage: creditbench');
      expect(tooLong(stdout, width)).toEqual([]);
    }
  });
});

it.each([
  ['compare', 'results'],
  ['power', 'results', '--difference', '0.02'],
  ['power', '--difference', '0.02', '--deviation', '0.03'],
  ['bench', 'credit/carl-10000'],
])('%s %s prints JSON', async (...args) => {
  const { code, stdout } = await callCreditbench(folder, [...args, '--json']);
  expect(code).toBe(0);
  expect(Object.keys(JSON.parse(stdout)).length).toBeGreaterThan(3);
});

it.each([
  [
    ['compare', 'results', '--columns', 'algorithm,gian'],
    "--columns: 'gian' is no column; valid: environment,",
  ],
  [['run', 'tiny', '--columns', ''], "--columns: '' is no column; valid: environment,"],
  [['list', '--columns', 'id', '--wide'], "option '--wide' cannot be used with option '--columns <names>'"],
  [['bench', '--json', 'credit/carl-10000'], '--json: credit/carl-10000 is a case; valid: a file, or --json'],
])('refuses %j before it begins', async (args, message) => {
  const { code, stdout, stderr } = await callCreditbench(folder, args);
  expect(stderr).toContain(message);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
});
