import { describe, expect, it } from 'vitest';
import { findAlgorithm } from '../../../algorithms/registry.ts';
import { mean } from '../../../core/statistics.ts';
import { testExperiment } from '../experiment.test-helper.ts';
import { bestJointReturn } from '../joint.test-helper.ts';
import { learn } from '../learn.ts';
import type { DecisionProcess } from '../process.ts';
import { insideTheAction, writtenAction } from './index.ts';

/** The same with a turn for every token. */
const inTurns = ({ starts, states }: DecisionProcess): DecisionProcess => ({
  starts,
  states: Object.fromEntries(
    Object.entries(states).map(([name, { text, actions }]) => [name, { text, actions }]),
  ),
});

describe('inside-the-action', () => {
  testExperiment(insideTheAction, {
    // Four guesses at a stake of 4, each right by chance.
    start: () => 0.5 + 8,
    best: () => 1 + 8,
    apart: { level: 0, sound: 'carl', trails: 'grpo', by: 0.05 },
    without: {
      what: 'when guesses do not pay',
      level: 0,
      process: (together) => writtenAction(together, 0),
      optimum: () => 1,
    },
  });

  it.each(insideTheAction.knob.levels)('has the optimum of what can be seen at %d', (together) => {
    expect(bestJointReturn(insideTheAction.process(together))).toBeCloseTo(9, 12);
  });

  it('is the bounds of the action that keep forks at turns from the critical token', async () => {
    const scoreOf = async (change: (process: DecisionProcess) => DecisionProcess): Promise<number> => {
      const scores: number[] = [];
      for (let seed = 0; seed < 4; seed++) {
        const request = { level: 4, seed, rate: 0.2, purpose: 'score' } as const;
        const experiment = {
          ...insideTheAction,
          // Many times the usual stake: what is not held fixed drowns the rest.
          process: (together: number) => change(writtenAction(together, 24)),
          optimum: () => 1 + 2 * 24,
        };
        scores.push((await learn({ ...request, algorithm: findAlgorithm('carl'), experiment })).score);
      }
      return mean(scores);
    };
    const turns = await scoreOf(inTurns);
    expect(turns).toBeGreaterThan((await scoreOf((process) => process)) + 0.2);
    expect(turns).toBeGreaterThan(0.7);
  });
});
