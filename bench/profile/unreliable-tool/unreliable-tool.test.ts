import { describe } from 'vitest';
import { testExperiment } from '../experiment.test-helper.ts';
import { unreliableTool } from './index.ts';

describe('unreliable-tool', () => {
  testExperiment(unreliableTool, {
    // Up to four calls, each made with 0.5; a result is used with 0.5.
    start: (failure) => {
      const stays = 0.5 * failure;
      const ended = 0.5 * 0.25 + 0.5 * (1 - failure) * 0.5;
      return (ended * (1 - stays ** 4)) / (1 - stays) + stays ** 4 * 0.25;
    },
    best: (failure) => 1 - 0.75 * failure ** 4,
    apart: { level: 0.9, sound: 'grpo', trails: 'vineppo', by: 0.08 },
    without: { what: 'when the tool is reliable', level: 0, within: 0.1 },
  });
});
