import { describe, expect, it } from 'vitest';
import { ALGORITHMS } from '../../algorithms/registry.ts';
import { EXPERIMENTS } from './experiments.ts';
import { madeUpUnits } from './made-up.test-helper.ts';
import { FIX, testRecomputed } from './reference-file.test-helper.ts';
import { formatReference, parseReference, referenceUnits } from './reference-file.ts';

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

  testRecomputed([['carl', 'confident-mistake']]);

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
