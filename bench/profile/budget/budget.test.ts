import { describe } from 'vitest';
import { testExperiment, withoutIdleChoices } from '../experiment.test-helper.ts';
import { budget } from './index.ts';

describe('budget', () => {
  testExperiment(budget, {
    start: () => 0.25,
    best: () => 1,
    apart: { level: 64, sound: 'grpo', trails: 'carl', by: 0.5 },
    without: {
      what: 'when idle turns leave nothing to decide',
      level: 16,
      process: (rollouts) => withoutIdleChoices(budget.process(rollouts)),
    },
  });
});
