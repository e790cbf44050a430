import { describe, it } from 'vitest';
import { findAlgorithm } from '../../../algorithms/registry.ts';
import { irrelevantUncertainty } from '../irrelevant-uncertainty/index.ts';
import { late } from '../late/index.ts';
import { expectApart, expectEqual, expected, scoresOf, withOptions } from './golden.test-helper.ts';
import golden from './scores.json' with { type: 'json' };

describe('two short levels: scores are those of the simulation in NumPy', () => {
  it.each(['grpo', 'gigpo', 'carl'])('%s', async (id) => {
    const [algorithm, unlikely] = [findAlgorithm(id), irrelevantUncertainty];
    expectEqual(expected(id, late, 1), await scoresOf(algorithm, late, 1), 'late 1');
    const scores = await scoresOf(algorithm, unlikely, 0.05);
    expectEqual(expected(id, unlikely, 0.05), scores, 'irrelevant-uncertainty 0.05');
  });

  it('and another method is not taken for it', async () => {
    expectApart(expected('carl', late, 1), await scoresOf(findAlgorithm('grpo'), late, 1));
  });

  it('nor is a method with another option, or another learning rate', async () => {
    const exact = withOptions(findAlgorithm('carl'), { entropy: 'exact' });
    const scores = await scoresOf(exact, irrelevantUncertainty, 0.05);
    expectApart(expected('carl', irrelevantUncertainty, 0.05), scores);
    const faster = await scoresOf(findAlgorithm('gigpo'), late, 1, 1.5 * golden.rate);
    expectApart(expected('gigpo', late, 1), faster);
  });
});
