import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CATALOG } from '../../catalog.ts';
import { packageInfo } from '../../core/package.ts';
import { loadSuite } from './load.ts';
import type { SuiteOverrides } from './raw.ts';

let folder: string;
let file: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'creditbench-'));
  file = join(folder, 'suite.yaml');
  await cp(join(packageInfo().root, 'examples'), folder, { recursive: true });
  await writeFile(
    file,
    'name: s\nenvironments:\n  - ./world.ts\npolicy: tabular\nalgorithms:\n  - ./mine.ts\n  - id: grpo\n    options: { groupSize: 3 }\nseeds: 1\nwarmStart: { steps: 0 }\n',
  );
});
afterAll(() => rm(folder, { recursive: true }));

const load = (overrides: SuiteOverrides = {}) => loadSuite(file, CATALOG, overrides);

describe('a suite with code of a user’s own', () => {
  it('has settings addressed by the ids of that code', async () => {
    const { suite } = await load({
      set: [
        'algorithms.median-baseline.options.groupSize=5',
        'environments.corridor.options.length=7',
        'environments.corridor/v1.training.questions=3',
      ],
    });
    expect(suite.algorithms[0]).toMatchObject({ name: 'median-baseline', options: { groupSize: 5 } });
    expect(suite.environments[0]).toMatchObject({ options: { length: 7 }, training: { questions: 3 } });
    await expect(load({ set: ['algorithms.carl.options.forks=5'] })).rejects.toThrow(
      "--set algorithms.carl.options.forks=5: 'carl' is not in algorithms; valid: median-baseline, grpo",
    );
    await expect(load({ set: ['algorithms.median-baseline.options.groupSize=1'] })).rejects.toThrow(
      /^--set algorithms\.median-baseline\.options\.groupSize=1: .*1 is not valid; valid: whole number from 2/,
    );
  });

  it('may get code by a setting that goes by such an id', async () => {
    const other = join(folder, 'other.ts');
    await writeFile(other, "import world from './world.ts';\nexport default { ...world, id: 'other/v1' };\n");
    const { suite } = await load({ set: [`environments.corridor=${other}`] });
    expect(suite.environments.map(({ id }) => id)).toEqual(['other/v1']);
  });

  it('is narrowed to it by id, and does not load it for what is registered', async () => {
    const { suite } = await load({ algorithms: ['median-baseline'], environments: ['corridor'] });
    expect(suite.algorithms.map(({ name }) => name)).toEqual(['median-baseline']);
    expect(suite.environments).toMatchObject([{ code: { source: './world.ts' } }]);
    const { catalog } = await load({ algorithms: ['carl'] });
    expect(catalog.own.map(({ kind }) => kind)).toEqual(['environment']);
    await expect(load({ algorithms: ['nope'] })).rejects.toThrow(
      /^--algorithm nope: .*unknown algorithm 'nope'/,
    );
  });

  it('takes all algorithms by one word, and keeps the options of its entries', async () => {
    const { suite } = await load({ algorithms: ['./mine.ts', 'all', 'carl'] });
    const all = CATALOG.algorithms.map(({ id }) => id);
    expect(suite.algorithms.map(({ id }) => id)).toEqual(['median-baseline', ...all]);
    expect(suite.algorithms.find(({ id }) => id === 'grpo')!.options).toMatchObject({ groupSize: 3 });
  });

  it('says where code is named that is not there: line and column, or the option', async () => {
    const broken = join(folder, 'broken.yaml');
    await writeFile(
      broken,
      'name: s\nenvironments:\n  - ./absent.ts\npolicy: tabular\nalgorithms: [grpo]\nseeds: 1\n',
    );
    await expect(loadSuite(broken, CATALOG)).rejects.toThrow(
      `${broken}:3:5: environment ./absent.ts: there is no file ${join(folder, 'absent.ts')}`,
    );
    await expect(load({ algorithms: ['./absent.ts'] })).rejects.toThrow(
      /^--algorithm \.\/absent\.ts: there is no file/,
    );
    await expect(load({ policy: 'no-such#x' })).rejects.toThrow(
      /^--policy no-such#x: package no-such is not/,
    );
    await expect(load({ set: ['algorithms.0=./absent.ts'] })).rejects.toThrow(
      /^--set algorithms\.0=\.\/absent\.ts: there is no file/,
    );
  });

  it('says whose fault it is when that code throws while options are completed', async () => {
    const faulty = join(folder, 'faulty.ts');
    await writeFile(
      faulty,
      "import mine from './mine.ts';\nexport default { ...mine, budget() {\n  throw new Error('no');\n} };\n",
    );
    await expect(load({ algorithms: [faulty], set: ['rollouts=4'] })).rejects.toThrow(
      /faulty\.ts is your own code, and it threw at \S+faulty\.ts:3:\d+: no$/,
    );
  });
});
