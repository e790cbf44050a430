import { describe, expect, it } from 'vitest';
import { testExperiment } from '../experiment.test-helper.ts';
import { bestJointReturn } from '../joint.test-helper.ts';
import { team } from './index.ts';

describe('team', () => {
  testExperiment(team, {
    start: (stake) => 0.5 + stake / 2,
    best: (stake) => 1 + stake / 2,
    apart: { level: 32, sound: 'carl', trails: 'grpo', by: 0.2 },
    without: { what: 'when only the second is paid', level: 0 },
  });

  it.each(team.knob.levels)('has the optimum of the best pair of agents at %d', (stake) => {
    expect(bestJointReturn(team.process(stake))).toBeCloseTo(team.optimum!(stake), 12);
  });
});
