import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ALGORITHMS } from '../../algorithms/registry.ts';
import { CATALOG } from '../../catalog.ts';
import { packageInfo } from '../../core/package.ts';
import { EXPERIMENTS } from './experiments.ts';
import { madeUpUnits } from './made-up.test-helper.ts';
import { profile } from './profile.ts';
import { formatReference, parseReference, REFERENCE_FILE, referenceUnits } from './reference-file.ts';

const FIX = 'npm run reference computes them anew';

describe('the reference scores', () => {
  it('have every registered method, experiment and level', async () => {
    const units = await referenceUnits();
    const found = units.flatMap(({ algorithm, experiment, runs }) =>
      [...new Set(runs.map(({ level }) => level))].map((level) => `${algorithm} ${experiment} ${level}`),
    );
    const wanted = ALGORITHMS.flatMap(({ id }) =>
      EXPERIMENTS.flatMap((experiment) =>
        experiment.knob.levels.map((level) => `${id} ${experiment.id} ${level}`),
      ),
    );
    expect(found.toSorted(), FIX).toEqual(wanted.toSorted());
    for (const { runs } of units) for (const { score } of runs) expect(score).toBeLessThanOrEqual(1);
  });

  const recomputed: readonly (readonly [string, string])[] = [
    ['gigpo', 'revisits'],
    ['carl', 'confident-mistake'],
  ];
  const slow: readonly (readonly [string, string])[] = [
    ['dr-grpo', 'length'],
    ['carl-lite', 'irrelevant-uncertainty'],
    ['treerl', 'inside-the-action'],
    ['ppo', 'noise'],
  ];
  it.each([...recomputed, ...(process.env.CI === undefined ? [] : slow)])(
    'of %s in %s are what comes out today',
    async (algorithm, experiment) => {
      const units = await profile(
        { algorithms: [algorithm], experiments: [experiment], seeds: 10, quick: false },
        CATALOG,
      );
      const own = units.filter((unit) => unit.algorithm === algorithm);
      const text = await readFile(join(packageInfo().root, ...REFERENCE_FILE), 'utf8');
      const kept = parseReference(text).filter(
        (unit) => unit.algorithm === algorithm && unit.experiment === experiment,
      );
      expect(own.length).toBe(1);
      for (const [index, { score }] of kept[0]!.runs.entries()) {
        const { level, seed } = kept[0]!.runs[index]!;
        const run = own[0]!.runs.find((one) => one.level === level && one.seed === seed)!;
        // Processors may round the last places differently; training blows that up, but not in most runs.
        expect(run.score, `level ${level}, seed ${seed}; ${FIX}`).toBeCloseTo(score, 5);
      }
    },
  );

  it('read back as they were written, rounded to a millionth', () => {
    const request = { methods: { grpo: [0, 0.1], blind: [0.2, 0.1] }, experiments: ['one', 'two'] } as const;
    expect(() => formatReference(madeUpUnits(request))).toThrow('grpo in one: there is no seed 5');
    const units = madeUpUnits({ ...request, seeds: 10 });
    const again = parseReference(formatReference(units));
    expect(again.length).toBe(4);
    for (const [index, unit] of units.entries()) {
      const { algorithm, experiment, rate, rates, runs } = again[index]!;
      expect({ algorithm, experiment, rate, rates }).toEqual({
        ...{ algorithm: unit.algorithm, experiment: unit.experiment },
        ...{ rate: unit.rate, rates: unit.rates },
      });
      expect(runs.length).toBe(unit.runs.length);
      for (const [place, run] of runs.entries()) {
        expect(run).toMatchObject({ level: unit.runs[place]!.level, seed: unit.runs[place]!.seed });
        expect(run.score).toBeCloseTo(unit.runs[place]!.score, 6);
      }
    }
    // Credit that is not defined stays so.
    expect(again.at(-1)!.runs[0]!.rankCorrelation).toBeNull();
    expect(() => parseReference(formatReference(units).replace('leakage', 'lakage'))).toThrow('columns');
  });
});
