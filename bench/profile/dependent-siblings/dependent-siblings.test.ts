import { describe, expect, it } from 'vitest';
import { testExperiment } from '../experiment.test-helper.ts';
import { bestJointReturn } from '../joint.test-helper.ts';
import { dependentSiblings } from './index.ts';

describe('dependent-siblings', () => {
  testExperiment(dependentSiblings, {
    start: () => 0.5,
    best: () => 0.65,
    apart: { level: 1, sound: 'grpo', trails: 'carl-lite', by: 0.1 },
    // CARL-Lite's forks leave out the first turn: more of them can be paid for.
    without: { what: 'when every rollout draws anew', level: 0, within: 0.1 },
  });

  it.each(dependentSiblings.knob.levels)('has the optimum of what can be seen at %d', (shared) => {
    expect(bestJointReturn(dependentSiblings.process(shared))).toBeCloseTo(0.65, 12);
  });
});
