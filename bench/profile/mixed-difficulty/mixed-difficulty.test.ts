import { describe } from 'vitest';
import { testExperiment } from '../experiment.test-helper.ts';
import { mixedDifficulty } from './index.ts';

describe('mixed-difficulty', () => {
  testExperiment(mixedDifficulty, {
    // Half way between 0.75 - e / 2 and 0.75.
    start: (easy) => 0.75 - (1 - easy) / 4,
    best: () => 0.75,
    apart: { level: 0.95, sound: 'dr-grpo', trails: 'grpo', by: 0.15 },
    without: { what: 'when no question is easy', level: 0.5 },
  });
});
