import { describe } from 'vitest';
import { testExperiment, withoutIdleChoices } from '../experiment.test-helper.ts';
import { confidentMistake } from './index.ts';

describe('confident-mistake', () => {
  testExperiment(confidentMistake, {
    start: (mistake) => 1 - mistake,
    best: () => 1,
    apart: { level: 0.9, sound: 'grpo', trails: 'carl', by: 0.5 },
    without: {
      what: 'when idle turns leave nothing to decide',
      level: 0.9,
      process: (mistake) => withoutIdleChoices(confidentMistake.process(mistake)),
    },
  });
});
