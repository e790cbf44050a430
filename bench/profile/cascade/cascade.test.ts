import { describe } from 'vitest';
import { testExperiment } from '../experiment.test-helper.ts';
import { cascade } from './index.ts';

describe('cascade', () => {
  testExperiment(cascade, {
    start: () => 0.1 * 0.5 + 0.9 * 0.25,
    best: () => 1,
    apart: { level: 8, sound: 'grpo', trails: 'carl', by: 0.1 },
    without: { what: 'when one choice follows', level: 1 },
  });
});
