import { describe } from 'vitest';
import { testExperiment } from '../experiment.test-helper.ts';
import { late } from './index.ts';

describe('late', () => {
  testExperiment(late, {
    start: () => 0.5,
    best: () => 1,
    apart: { level: 32, sound: 'gigpo', trails: 'grpo', by: 0.1 },
    without: { what: 'when little is paid before', level: 1 },
  });
});
