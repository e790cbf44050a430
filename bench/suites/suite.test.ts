import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { CATALOG as REGISTERED } from '../../catalog.ts';
import { InputError } from '../../core/errors.ts';
import { createCatalog } from '../catalog/catalog.ts';
import { readSuite, suiteNames } from './file.ts';
import { loadSuite } from './load.ts';
import type { SuiteOverrides } from './raw.ts';
import { resolveSuite, type Suite, suiteCells } from './suite.ts';

const flat = z.strictObject({
  groupSize: z.int().min(1).max(4096).default(16),
  std: z.enum(['sample', 'population']).default('sample'),
});
const CATALOG = createCatalog({
  environments: [
    { id: 'walk/v2', schema: z.strictObject({ turnLimit: z.int().min(1).default(8) }) },
    { id: 'other/v1', schema: z.strictObject({}) },
  ] as never,
  policies: [
    {
      id: 'small',
      restorable: true,
      schema: z.strictObject({ width: z.int().min(8).multipleOf(8).default(64) }),
    },
  ] as never,
  algorithms: [
    { id: 'grpo', schema: flat, budget: (rollouts: number) => ({ groupSize: rollouts }) },
    { id: 'rloo', schema: flat, budget: () => ({}) },
  ] as never,
});

const SUITE = `name: example
environments:
  - walk
  - { id: other }
policy: small
algorithms:
  - grpo
  - { id: grpo, name: wide, options: { groupSize: 32 }, learningRate: 0.5 }
seeds: 2
training:
  iterations: 4
  learningRate: 0.25
`;

const resolve = (text = SUITE, overrides: SuiteOverrides = {}) =>
  resolveSuite({ file: 'suites/example.yaml', text }, CATALOG, overrides);

function problems(text: string, overrides: SuiteOverrides = {}): readonly string[] {
  try {
    resolve(text, overrides);
  } catch (error) {
    expect(error).toBeInstanceOf(InputError);
    return (error as Error).message.split('\n');
  }
  throw new Error('no error');
}

describe('a valid suite', () => {
  it('resolves ids, fills in defaults and keeps what is given', () => {
    const suite = resolve();
    expect(suite.environments).toMatchObject([
      { id: 'walk/v2', options: { turnLimit: 8 } },
      { id: 'other/v1', options: {} },
    ]);
    expect(suite.policy).toEqual({ id: 'small', options: { width: 64 } });
    expect(suite.algorithms.map(({ name, options }) => [name, options])).toEqual([
      ['grpo', { groupSize: 16, std: 'sample' }],
      ['wide', { groupSize: 32, std: 'sample' }],
    ]);
    expect(suite.training).toMatchObject({ iterations: 4, questions: 24 });
    expect(suite.warmStart.steps).toBe(250);
    expect(suite.backend).toBe('wasm');
  });

  it('writes `all` out, spends the same rollouts everywhere, and lets options of an entry have the last word', () => {
    const text = SUITE.replace(
      '  - grpo\n',
      '  - all\n  - { id: grpo, name: again, noiseStream: mine }\n',
    ).replace('seeds: 2', 'seeds: 2\nrollouts: 8');
    const suite = resolve(text);
    expect(suite.algorithms.map(({ name, options }) => [name, options.groupSize])).toEqual([
      ['grpo', 8],
      ['rloo', 16],
      ['again', 8],
      ['wide', 32],
    ]);
    const cells = suiteCells(suite).filter(({ cell }) => cell.environment.id === 'walk/v2');
    expect(cells.map(({ cell }) => cell.noiseStream)).toEqual([
      ...[1, 2, 3, 4].map(() => undefined),
      'mine',
      'mine',
      undefined,
      undefined,
    ]);
    expect('luck' in cells[0]!.cell).toBe(false);
    expect(problems(SUITE.replace('seeds: 2', 'seeds: 2\nrollouts: 1'))[0]).toContain('rollouts');
  });

  it('takes `all` for the whole list of algorithms, in a file and in a setting', () => {
    const ids = (suite: Suite) => suite.algorithms.map(({ id }) => id);
    const inList = ids(resolve(SUITE, { set: ['algorithms=[all]'] }));
    expect(inList).toEqual(['grpo', 'rloo']);
    expect(ids(resolve(SUITE, { set: ['algorithms=all'] }))).toEqual(inList);
    expect(ids(resolve(SUITE.replace(/^algorithms:\n( .*\n)+/m, 'algorithms: all\n')))).toEqual(inList);
    // An entry of what was written out can be set.
    const set = ['algorithms=all', 'algorithms.rloo.options.groupSize=4'];
    expect(resolve(SUITE, { set }).algorithms[1]!.options).toMatchObject({ groupSize: 4 });
  });

  it('expands to cells by environment, algorithm, seed', () => {
    const cells = suiteCells(resolve());
    expect(cells.map(({ name, cell }) => `${cell.environment.id} ${name} ${cell.seed}`)).toEqual([
      'walk/v2 grpo 0',
      'walk/v2 grpo 1',
      'walk/v2 wide 0',
      'walk/v2 wide 1',
      'other/v1 grpo 0',
      'other/v1 grpo 1',
      'other/v1 wide 0',
      'other/v1 wide 1',
    ]);
  });

  it("uses an entry's own learning rate only with rates: own", () => {
    const rates = (text: string) =>
      suiteCells(resolve(text)).map(({ name, cell }) => [name, cell.training.learningRate]);
    expect(rates(SUITE)).toContainEqual(['wide', 0.25]);
    expect(rates(`${SUITE}rates: own\n`)).toContainEqual(['wide', 0.5]);
    expect(rates(`${SUITE}rates: own\n`)).toContainEqual(['grpo', 0.25]);
  });
});

describe("an environment's own settings", () => {
  const OWN = SUITE.replace(
    '- { id: other }',
    '- { id: other, policy: { id: small, options: { width: 8 } }, training: { iterations: 9 }, warmStart: { steps: 3 } }',
  );

  it("replace the suite's one by one, for its cells only", () => {
    const cells = suiteCells(resolve(OWN)).map(({ cell }) => cell);
    expect(cells[0]).toMatchObject({
      policy: { options: { width: 64 } },
      training: { iterations: 4, questions: 24 },
      warmStart: { steps: 250 },
    });
    expect(cells.at(-1)).toMatchObject({
      policy: { options: { width: 8 } },
      training: { iterations: 9, questions: 24 },
      warmStart: { steps: 3, episodes: 32 },
    });
    const set = resolve(OWN, {
      set: ['environments.other.training.iterations=7', 'environments.walk.policy=small'],
    });
    expect(set.environments.map(({ training }) => training.iterations)).toEqual([4, 7]);
  });

  it('are checked at their own place', () => {
    const wrong = OWN.replace('iterations: 9', 'iterations: 0').replace('steps: 3', 'step: 3');
    expect(problems(wrong)).toEqual([
      expect.stringMatching(
        /^suites\/example.yaml:\d+:\d+: environments.other.training.iterations: 0 is not valid; valid: /,
      ),
      expect.stringMatching(
        /^suites\/example.yaml:\d+:\d+: environments.other.warmStart.step: unknown key; valid keys: /,
      ),
    ]);
  });
});

describe('overrides', () => {
  it('reach options of named entries, sections that the file leaves out, and lists', () => {
    const suite = resolve(SUITE, {
      set: [
        'algorithms.wide.options.groupSize=8',
        'algorithms.grpo.options.std=population',
        'environments.walk.options.turnLimit=3',
        'policy.options.width=16',
        'warmStart.steps=0',
        'training.iterations=5',
      ],
      seeds: 1,
      backend: 'other',
    });
    expect(suite.algorithms.map(({ options }) => options)).toEqual([
      { groupSize: 16, std: 'population' },
      { groupSize: 8, std: 'sample' },
    ]);
    expect(suite.environments[0]?.options).toEqual({ turnLimit: 3 });
    expect(suite.policy.options).toEqual({ width: 16 });
    expect(suite).toMatchObject({
      warmStart: { steps: 0 },
      training: { iterations: 5 },
      seeds: 1,
      backend: 'other',
    });
    expect(resolve(SUITE, { set: ['algorithms=[rloo]'] }).algorithms.map(({ id }) => id)).toEqual(['rloo']);
  });

  it.each([
    [
      'training.learningRat=1',
      '--set training.learningRat=1: training.learningRat: unknown key; valid keys: iterations,',
    ],
    [
      'training.iterations=0',
      '--set training.iterations=0: training.iterations: 0 is not valid; valid: whole number from 1 to 100000',
    ],
    [
      'algorithms.wide.options.groupSize=-3',
      'algorithms.wide.options.groupSize: -3 is not valid; valid: whole number from 1 to 4096',
    ],
    ['algorithms.ppo.options.x=1', "'ppo' is not in algorithms; valid: grpo, wide"],
    ['training.iterations.x=1', 'training.iterations is a single value'],
    ['nonsense', '--set nonsense: not valid; valid: key=value'],
    ['=3', 'not valid; valid: key=value'],
    ['__proto__.x=1', 'the key is not valid'],
    ['training.iterations=[', 'the value is not valid YAML'],
    ['algorithms.wide.id=nope', "algorithms.wide.id: unknown algorithm 'nope'; valid: grpo, rloo"],
  ])('%s is refused', (setting, message) => {
    expect(problems(SUITE, { set: [setting] }).join('\n')).toContain(message);
  });

  it('names --seeds', () => {
    expect(problems(SUITE, { seeds: 0 })).toEqual([
      '--seeds 0: seeds: 0 is not valid; valid: whole number from 1 to 10000',
    ]);
  });
});

describe('problems', () => {
  it('have line, column, value and valid range, and come all at once, in the order of the file', () => {
    const text = `name: example
environments: [walk, wlak]
policy: { id: small, options: { width: 12 } }
algorithms:
  - grpo
  - id: rloo
    options:
      groupSize: -1
      std: none
seeds: 1.5
rates: shared
training:
  learningRat: 0.1
  temperature: 0
`;
    expect(problems(text)).toEqual([
      "suites/example.yaml:2:22: environments.wlak.id: unknown environment 'wlak'; valid: walk/v2, other/v1, or your own: ./file.ts, package#name",
      'suites/example.yaml:3:33: policy.options.width: 12 is not valid; valid: whole number >= 8, a multiple of 8',
      'suites/example.yaml:8:7: algorithms.rloo.options.groupSize: -1 is not valid; valid: whole number from 1 to 4096',
      'suites/example.yaml:9:7: algorithms.rloo.options.std: "none" is not valid; valid: one of sample, population',
      'suites/example.yaml:10:1: seeds: 1.5 is not valid; valid: whole number from 1 to 10000',
      'suites/example.yaml:11:1: rates: "shared" is not valid; valid: one of common, own',
      expect.stringMatching(
        /^suites\/example\.yaml:13:3: training\.learningRat: unknown key; valid keys: iterations, questions, learningRate,/,
      ),
      'suites/example.yaml:14:3: training.temperature: 0 is not valid; valid: number > 0 and <= 10',
    ]);
  });

  it('tell what is missing', () => {
    expect(problems('name: x\nenvironments: [walk]\npolicy: small\n')).toEqual([
      'suites/example.yaml:1:1: algorithms: missing; expected a list of at least 1',
    ]);
  });

  it.each([
    [
      'two entries of one name',
      SUITE.replace('name: wide', 'name: grpo'),
      "8:17: algorithms.grpo.name: 'grpo' is there twice",
    ],
    [
      'an environment listed twice',
      SUITE.replace('id: other', 'id: walk/v2'),
      "4:7: environments.walk/v2.id: 'walk/v2' is there twice",
    ],
    ['broken YAML', 'name: [x\nseeds: 1\n', 'suites/example.yaml:2:1'],
    ['a key given twice', `${SUITE}seeds: 3\n`, '13:1: the key "seeds" is there twice'],
    ['a list', '- a\n', 'suites/example.yaml:1:1: not a suite'],
    ['nothing', '', 'suites/example.yaml:1:1: not a suite'],
  ])('%s', (_, text, message) => {
    expect(problems(text).join('\n')).toContain(message);
  });
});

describe('suite files', () => {
  it('finds built-in suites by name and names them when there is no such suite', async () => {
    expect(await suiteNames()).toEqual([
      'all',
      'backends',
      'forking',
      'language-model',
      'own',
      'paper',
      'quick',
      'search',
      'tiny',
    ]);
    expect((await readSuite('tiny')).file).toBe('suites/tiny.yaml');
    await expect(readSuite('quik')).rejects.toThrow(
      "suite 'quik' is not known; valid: all, backends, forking, language-model, own, paper, quick, search, tiny, or the path",
    );
  });
});

describe('what would fail in every cell', () => {
  const text = (policy: string, rest: string, environments = '[key-door]') =>
    `name: s\nenvironments: ${environments}\npolicy: ${policy}\nalgorithms: [grpo]\nseeds: 1\n${rest}\n`;
  const refuse = (suite: string) => () => resolveSuite({ file: 's.yaml', text: suite }, REGISTERED);

  it.each([
    [
      'a warm start of a table',
      text('tabular', 'warmStart: { steps: 1 }'),
      's.yaml:6:14: warmStart.steps: 1 is not valid: policy tabular starts untrained; valid: 0',
    ],
    [
      'a checkpoint of a table',
      text('tabular', 'warmStart: { checkpoint: search-facts }'),
      'warmStart.checkpoint: search-facts is not valid: policy tabular has no weights to load',
    ],
    [
      'a nucleus on listed actions',
      text('transformer', 'training: { topP: 0.9 }\nwarmStart: { steps: 0 }'),
      's.yaml:6:13: training.topP: 0.9 is not valid: policy transformer chooses from lists of actions; valid: 1',
    ],
    [
      'a checkpoint made otherwise',
      text('text-transformer', 'warmStart: { checkpoint: search-facts, noise: 0.5 }', '[search]'),
      's.yaml:6:40: warmStart.noise: 0.5 is not valid with checkpoint search-facts, which was made with 0.1; valid: 0.1, or leave it out',
    ],
    [
      'a policy that writes where actions are listed',
      text('text-transformer', ''),
      's.yaml:3:1: policy.id: policy text-transformer writes free text, and key-door/v1 lists its actions',
    ],
    [
      'a policy that chooses where actions are written',
      text('transformer', '', '[search]'),
      'chooses from lists, and search/v1 takes free text; valid: a policy that writes',
    ],
  ])('%s is refused before the start, with its line', (_, suite, message) => {
    expect(refuse(suite)).toThrow(InputError);
    expect(refuse(suite)).toThrow(message);
  });

  it('a checkpoint brings its recipe, whatever the suite says of other starting weights', () => {
    const environment = '[{ id: search, warmStart: { checkpoint: search-facts } }]';
    const suite = text('text-transformer', 'warmStart: { steps: 7, noise: 0.3 }', environment);
    const { warmStart } = resolveSuite({ file: 's.yaml', text: suite }, REGISTERED).environments[0]!;
    const recipe = { steps: 800, episodes: 64, noise: 0.1, learningRate: 0.005, seed: 0 };
    expect(warmStart).toEqual({ checkpoint: 'search-facts', ...recipe });
  });

  it("the suite's warm start is not about an environment with a table of its own", () => {
    const suite = text(
      'transformer',
      'warmStart: { steps: 7 }',
      '[multihop, { id: key-door, policy: tabular }]',
    );
    const { environments } = resolveSuite({ file: 's.yaml', text: suite }, REGISTERED);
    expect(environments.map(({ warmStart }) => warmStart.steps)).toEqual([7, 0]);
    const own = '[{ id: key-door, policy: tabular, warmStart: { steps: 7 } }]';
    expect(refuse(text('transformer', '', own))).toThrow('policy tabular starts untrained; valid: 0');
  });

  it('a table needs no word on its warm start', () => {
    const { environments } = resolveSuite({ file: 's.yaml', text: text('tabular', '') }, REGISTERED);
    expect(environments[0]!.warmStart.steps).toBe(0);
  });
});

it('a setting of one method reaches it in a suite that says all', async () => {
  const { suite } = await loadSuite('all', REGISTERED, { set: ['algorithms.carl.options.forks=4'] });
  expect(suite.algorithms.find(({ id }) => id === 'carl')!.options.forks).toBe(4);
});

it('takes what a suite names from beside it, and what overrides add from the working folder', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'creditbench-'));
  try {
    const method =
      "import { CATALOG } from 'creditbench';\nexport default { ...CATALOG.algorithm('grpo'), id: 'mine' };\n";
    await writeFile(join(folder, 'mine.ts'), method);
    const file = join(folder, 's.yaml');
    await writeFile(
      file,
      'name: s\nenvironments: [key-door]\npolicy: tabular\nalgorithms: [./mine.ts]\nseeds: 1\n',
    );
    const { catalog } = await loadSuite(file, REGISTERED);
    expect(catalog.own.map((one) => one.file)).toEqual([join(folder, 'mine.ts')]);
    // Not the working folder's: what the command line names is not looked for beside the suite.
    await writeFile(join(folder, 'other.ts'), method);
    await expect(loadSuite(file, REGISTERED, { algorithms: ['./other.ts'] })).rejects.toThrow(
      `there is no file ${join(process.cwd(), 'other.ts')}`,
    );
  } finally {
    await rm(folder, { recursive: true });
  }
});
