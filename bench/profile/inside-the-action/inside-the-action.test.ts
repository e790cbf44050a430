import { describe, expect, it } from 'vitest';
import { findAlgorithm } from '../../../algorithms/registry.ts';
import { mean } from '../../../core/statistics.ts';
import { testExperiment } from '../experiment.test-helper.ts';
import { bestJointReturn } from '../joint.test-helper.ts';
import { learn } from '../learn.ts';
import type { DecisionProcess } from '../process.ts';
import { insideTheAction, STAKE, writtenAction } from './index.ts';

/** Three guesses, each right by chance. */
const GUESSES = 1.5 * STAKE;

/** The same with a turn for every token. */
const inTurns = ({ starts, states }: DecisionProcess): DecisionProcess => ({
  starts,
  states: Object.fromEntries(
    Object.entries(states).map(([name, { text, actions }]) => [name, { text, actions }]),
  ),
});

describe('inside-the-action', () => {
  testExperiment(insideTheAction, {
    start: () => 0.5 + GUESSES,
    best: () => 1 + GUESSES,
    apart: { level: 5, sound: 'carl', trails: 'grpo', by: 0.2 },
    without: {
      what: 'when guesses do not pay',
      level: 5,
      process: (place) => writtenAction(place, 0),
      optimum: () => 1,
    },
  });

  it.each(insideTheAction.knob.levels)('has the optimum of what can be seen at %d', (place) => {
    expect(bestJointReturn(insideTheAction.process(place))).toBeCloseTo(1 + GUESSES, 12);
  });

  it('is the boundary of the action that keeps forks at turns from the critical token', async () => {
    const scoreOf = async (process: (place: number) => DecisionProcess): Promise<number> => {
      const scores: number[] = [];
      for (let seed = 0; seed < 4; seed++) {
        const request = { level: 4, seed, rate: 0.2, purpose: 'score' } as const;
        const experiment = { ...insideTheAction, process };
        scores.push((await learn({ ...request, algorithm: findAlgorithm('carl'), experiment })).score);
      }
      return mean(scores);
    };
    const written = await scoreOf(insideTheAction.process);
    const turns = await scoreOf((place) => inTurns(insideTheAction.process(place)));
    expect(turns).toBeGreaterThan(written + 0.1);
    expect(turns).toBeGreaterThan(0.7);
  });
});
