import { describe } from 'vitest';
import { testExperiment, withoutIdleChoices } from '../experiment.test-helper.ts';
import { noise } from './index.ts';

describe('noise', () => {
  testExperiment(noise, {
    start: () => 0.5,
    best: () => 1,
    apart: { level: 4, sound: 'grpo', trails: 'carl', by: 0.4 },
    without: {
      what: 'without noise, when idle turns leave nothing to decide',
      level: 0,
      process: (size) => withoutIdleChoices(noise.process(size)),
    },
  });
});
