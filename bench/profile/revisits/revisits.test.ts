import { describe } from 'vitest';
import { testExperiment } from '../experiment.test-helper.ts';
import { revisits } from './index.ts';

describe('revisits', () => {
  testExperiment(revisits, {
    start: () => 0.5,
    best: () => 1,
    apart: { level: 16, sound: 'gigpo', trails: 'grpo', by: 0.04 },
    without: { what: 'when all rollouts meet in every state', level: 1 },
  });
});
