import { describe, expect, it } from 'vitest';
import { findAlgorithm } from '../../../algorithms/registry.ts';
import { mean } from '../../../core/statistics.ts';
import { irrelevantUncertainty } from '../irrelevant-uncertainty/index.ts';
import { late } from '../late/index.ts';
import {
  expectApart,
  expectEqual,
  expected,
  METHODS,
  SEEDS,
  scoresOf,
  withOptions,
} from './golden.test-helper.ts';

describe('all of it: scores are those of the simulation in NumPy', () => {
  const experiments = [late, irrelevantUncertainty];

  it.each(Object.keys(METHODS))('%s', async (id) => {
    expect(Object.keys(METHODS[id]!)).toEqual(experiments.map((one) => one.id));
    for (const experiment of experiments) {
      const whole = METHODS[id]![experiment.id]!;
      const levels = Object.keys(whole.levels).map(Number);
      expect(experiment.knob.levels).toEqual(expect.arrayContaining(levels));
      const byLevel: (readonly number[])[] = [];
      for (const level of levels) byLevel.push(await scoresOf(findAlgorithm(id), experiment, level));
      for (const [index, scores] of byLevel.entries()) {
        expectEqual(expected(id, experiment, levels[index]!), scores, `${experiment.id} ${levels[index]}`);
      }
      const means = Array.from({ length: SEEDS }, (_, seed) => mean(byLevel.map((scores) => scores[seed]!)));
      expectEqual(whole, means, experiment.id);
    }
  });

  it('and gigpo with less weight on its anchors is not taken for it', async () => {
    const episodes = withOptions(findAlgorithm('gigpo'), { omega: 0.1 });
    expectApart(expected('gigpo', late, 8), await scoresOf(episodes, late, 8));
  });
});
