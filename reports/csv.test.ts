import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { cellHash } from '../bench/identity.ts';
import { type CellOutcome, writeResultFiles } from '../bench/runs/result-files.ts';
import { type Suite, suiteCells } from '../bench/suites/suite.ts';
import { trainingSchema, warmStartSchema } from '../bench/training/options.ts';
import { analyzeOutcomes, writeAnalysisFiles, writeEventFiles } from './csv.ts';

const SUITE: Suite = {
  name: 'fake',
  description: '',
  environments: [
    {
      id: 'walk/v1',
      options: {},
      policy: { id: 'small', options: {} },
      training: trainingSchema.parse({}),
      warmStart: warmStartSchema.parse({}),
    },
  ],
  policy: { id: 'small', options: {} },
  algorithms: ['one', 'two', 'three'].map((name) => ({
    name,
    id: 'grpo',
    options: { name },
    ownRate: undefined,
  })),
  seeds: 1,
  rates: 'common',
  training: trainingSchema.parse({}),
  warmStart: warmStartSchema.parse({}),
  backend: 'wasm',
};

it('merges what is finished in suite order, counts the rest, and leaves whole files only', async () => {
  const [one, two, three] = suiteCells(SUITE).map((named) => ({ ...named, hash: cellHash(named.cell) }));
  const outcomes: CellOutcome[] = [
    { ...one!, status: 'failed', error: { message: 'no' } },
    {
      ...two!,
      status: 'finished',
      result: {
        metrics: [
          { iteration: 0, dev_f1: 0.25 },
          { iteration: 1, dev_f1: 1 / 3, dev_em: 0, questions: 2, update_actions: 6, token_entropy: 0.5 },
        ],
        timings: [{ iteration: 1, rollout_seconds: 0.5 }],
        fingerprint: 'f',
        declaration: { score: { name: 'f1', range: [0, 1] }, metrics: [] },
      },
    },
    { ...three!, status: 'missing' },
  ];
  const out = await mkdtemp(join(tmpdir(), 'creditbench-'));
  try {
    await mkdir(join(out, 'cells'));
    await writeResultFiles(out, SUITE, outcomes);
    await writeAnalysisFiles(out, analyzeOutcomes(outcomes));
    const read = (name: string) => readFile(join(out, name), 'utf8');
    expect((await readdir(out)).sort()).toEqual([
      'cells',
      'comparison.csv',
      'comparison.md',
      'comparison.tex',
      'entropy.csv',
      'metrics.csv',
      'pairwise.csv',
      'profiles.csv',
      'results.json',
      'suite.json',
      'timings.csv',
    ]);
    const hash = two!.hash.slice(0, 16);
    const metrics = (await read('metrics.csv')).split('\n');
    expect(metrics).toHaveLength(1 + 2 + 1);
    expect(metrics[0]).toMatch(/^environment,policy,algorithm,seed,cell,iteration,train_f1,/);
    expect(metrics[2]).toMatch(new RegExp(`^walk/v1,small,two,0,${hash},1,,,,0.3333333333333333,,0,`));
    expect((await read('timings.csv')).split('\n')[1]).toBe(`walk/v1,small,two,0,${hash},1,0.5,,,`);
    const comparison = (await read('comparison.csv')).split('\n');
    expect(comparison[1]).toMatch(/^walk\/v1,one,f1,0,1,0,,,/);
    expect(comparison[2]).toMatch(
      /^walk\/v1,two,f1,1,0,0,1,0\.3333333333333333,,,none,,,0\.3333333333333333,,,none,0\.25,0\.0833333333333333/,
    );
    expect(comparison[3]).toMatch(/^walk\/v1,three,f1,0,0,1,,,/);
    expect((await read('pairwise.csv')).split('\n')[2]).toBe(
      'walk/v1,three,one,f1,0,0,,,,,,,,0,,,,,no seed that both finished',
    );
    expect((await read('entropy.csv')).split('\n').slice(1)).toEqual([
      `walk/v1,small,two,0,${hash},1,token,0.5`,
      '',
    ]);
    expect(await writeEventFiles(out, outcomes)).toBe(join(out, 'tensorboard'));
    expect((await readdir(join(out, 'tensorboard'), { recursive: true })).sort()).toEqual([
      'walk',
      'walk/v1',
      'walk/v1/two',
      'walk/v1/two/seed-0',
      'walk/v1/two/seed-0/events.out.tfevents.0.creditbench',
    ]);
    const { cells, declarations, suite } = JSON.parse(await read('suite.json'));
    expect(cells.map(({ status }: { status: string }) => status)).toEqual(['failed', 'finished', 'missing']);
    expect(declarations).toEqual({ 'walk/v1': { score: { name: 'f1', range: [0, 1] }, metrics: [] } });
    expect(suite).toEqual(JSON.parse(JSON.stringify(SUITE)));
  } finally {
    await rm(out, { recursive: true });
  }
});
