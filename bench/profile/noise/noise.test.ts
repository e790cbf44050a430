import { describe } from 'vitest';
import { testExperiment } from '../experiment.test-helper.ts';
import { noise } from './index.ts';

describe('noise', () => {
  testExperiment(noise, {
    start: () => 0.5,
    best: () => 1,
    apart: { level: 8, sound: 'gigpo', trails: 'grpo', by: 0.15 },
    without: { what: 'without noise', level: 0 },
  });
});
