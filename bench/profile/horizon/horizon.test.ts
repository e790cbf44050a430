import { describe } from 'vitest';
import { testExperiment, withoutIdleChoices } from '../experiment.test-helper.ts';
import { horizon } from './index.ts';

describe('horizon', () => {
  testExperiment(horizon, {
    start: () => 0.5,
    best: () => 1,
    apart: { level: 8, sound: 'grpo', trails: 'carl', by: 0.5 },
    without: {
      what: 'when idle turns leave nothing to decide',
      level: 8,
      process: (turns) => withoutIdleChoices(horizon.process(turns)),
    },
  });
});
