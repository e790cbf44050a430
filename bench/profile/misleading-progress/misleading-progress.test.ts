import { describe, expect, it } from 'vitest';
import { findAlgorithm } from '../../../algorithms/registry.ts';
import { testExperiment } from '../experiment.test-helper.ts';
import { learn } from '../learn.ts';
import { misleadingProgress } from './index.ts';

describe('misleading-progress', () => {
  testExperiment(misleadingProgress, {
    start: () => 0.05,
    best: () => 1,
    apart: { level: 0.95, sound: 'grpo', trails: 'igpo', by: 0.3 },
    // IGPO pays for what it measures with half as many rollouts more.
    without: { what: 'when the hint does not make the answer likely', level: 0.05, within: 0.1 },
  });

  it('misleads by more the more likely the hint makes the gold answer', async () => {
    const scoreAt = async (level: number): Promise<number> => {
      const request = { level, seed: 1, rate: 0.2, purpose: 'score' } as const;
      return (await learn({ ...request, algorithm: findAlgorithm('igpo'), experiment: misleadingProgress }))
        .score;
    };
    expect(await scoreAt(0.05)).toBeGreaterThan((await scoreAt(0.95)) + 0.3);
  });
});
