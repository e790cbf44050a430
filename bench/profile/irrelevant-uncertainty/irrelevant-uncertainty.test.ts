import { describe } from 'vitest';
import { testExperiment } from '../experiment.test-helper.ts';
import { irrelevantUncertainty } from './index.ts';

describe('irrelevant-uncertainty', () => {
  testExperiment(irrelevantUncertainty, {
    start: () => 0.1,
    best: () => 1,
    apart: { level: 0.5, sound: 'grpo', trails: 'carl', by: 0.5 },
    without: { what: 'when nothing else is uncertain', level: 0 },
  });
});
