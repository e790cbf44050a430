import { describe } from 'vitest';
import { testExperiment, withoutIdleChoices } from '../experiment.test-helper.ts';
import { recovery } from './index.ts';

describe('recovery', () => {
  testExperiment(recovery, {
    start: (price) => 0.25 + 0.75 * 0.5 * (1 - price),
    best: () => 1,
    apart: { level: 0.9, sound: 'grpo', trails: 'carl', by: 0.5 },
    without: {
      what: 'when idle turns leave nothing to decide',
      level: 0.9,
      process: (price) => withoutIdleChoices(recovery.process(price)),
      // CARL pays for its initial rollouts, of which it trains nothing.
      within: 0.1,
    },
  });
});
