import { describe } from 'vitest';
import { testExperiment } from '../experiment.test-helper.ts';
import { length } from './index.ts';

describe('length', () => {
  testExperiment(length, {
    start: () => 0.5,
    best: () => 0.6,
    apart: { level: 16, sound: 'dr-grpo', trails: 'grpo', by: 0.5 },
    without: { what: 'when all episodes are equally long', level: 1 },
  });
});
