import { describe } from 'vitest';
import { testExperiment } from '../experiment.test-helper.ts';
import { scattered } from './index.ts';

describe('scattered', () => {
  testExperiment(scattered, {
    start: (critical) => 0.75 ** critical,
    best: () => 1,
    apart: { level: 16, sound: 'grpo', trails: 'carl', by: 0.15 },
    without: { what: 'when one turn is critical', level: 1 },
  });
});
