import { describe } from 'vitest';
import { testExperiment } from '../experiment.test-helper.ts';
import { capability } from './index.ts';

describe('capability', () => {
  testExperiment(capability, {
    start: (chance) => chance,
    best: () => 1,
    apart: { level: 1 / 128, sound: 'grpo', trails: 'carl', by: 0.15 },
    without: { what: 'when half of the episodes succeed', level: 1 / 2 },
  });
});
