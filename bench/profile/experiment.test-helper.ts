import { expect, it } from 'vitest';
import { findAlgorithm } from '../../algorithms/registry.ts';
import { mean } from '../../core/statistics.ts';
import { createTabularPolicy } from '../../policies/tabular/index.ts';
import { solve } from '../audit/oracle.ts';
import type { Experiment } from './experiment.ts';
import { learn, startingProbabilities } from './learn.ts';
import { compile, type DecisionProcess, loadProcess } from './process.ts';

interface Expected {
  /** Return of the starting policy and of the best one, in closed form. */
  start(level: number): number;
  best(level: number): number;
  /** A level at which one method does well and another trails by at least so much. */
  readonly apart: {
    readonly level: number;
    readonly sound: string;
    readonly trails: string;
    readonly by: number;
  };
  /** What is left of that difference without the experiment's point, at most 0.06. */
  readonly without: {
    readonly what: string;
    readonly level: number;
    readonly process?: Experiment['process'];
  };
}

/** The tests that every experiment has to pass. */
export function testExperiment(experiment: Experiment, expected: Expected): void {
  const { levels } = experiment.knob;

  it('starts where its closed form says, and its optimum is that of its closed form', () => {
    for (const level of levels) {
      const process = experiment.process(level);
      const compiled = compile(process);
      expect(compiled.values(startingProbabilities(process)).value).toBeCloseTo(expected.start(level), 12);
      expect(experiment.optimum?.(level) ?? compiled.optimum()).toBeCloseTo(expected.best(level), 12);
    }
  });

  it('has the values that the audit finds by stepping through its environment', async () => {
    const process = experiment.process(levels[1]!);
    const byText = new Map(Object.values(process.states).map((state) => [state.text, state]));
    const policy = createTabularPolicy({
      initial: ({ text }, action) => byText.get(text)!.actions[action]!.logit,
    });
    const { environment, tasks } = loadProcess(experiment.id, process);
    const values = compile(process).values(startingProbabilities(process));
    for (const task of tasks.train) {
      const oracle = await solve({ environment, task, policy, sampling: { temperature: 1 } });
      for (const [key, state] of oracle.states) {
        expect(state.value).toBeCloseTo(values.states.get(key)!, 12);
        for (const [action, value] of state.actionValues.entries()) {
          expect(value).toBeCloseTo(values.actions.get(key)![action]!, 12);
        }
      }
    }
  });

  const { sound, trails, level, by } = expected.apart;
  it(`${trails} trails ${sound} at ${level}`, async () => {
    const [first, second] = [
      await scoreOf(experiment, sound, level),
      await scoreOf(experiment, trails, level),
    ];
    expect(first - second).toBeGreaterThan(by);
  });

  const { without } = expected;
  it(`and does not ${without.what}`, async () => {
    const easy = without.process === undefined ? experiment : { ...experiment, process: without.process };
    const [first, second] = [
      await scoreOf(easy, sound, without.level),
      await scoreOf(easy, trails, without.level),
    ];
    expect(first).toBeGreaterThan(0.5);
    expect(Math.abs(first - second)).toBeLessThan(0.06);
  });

  it('gives nobody a score when all ends pay the same', async () => {
    const flat = { ...experiment, process: () => flattened(experiment.process(level)), optimum: () => 0 };
    for (const id of [sound, trails]) {
      const { score } = await learn({
        ...RUN,
        algorithm: findAlgorithm(id),
        experiment: flat,
        level,
        seed: 0,
      });
      expect(score).toBe(0);
    }
  });
}

const RUN = { rate: 0.2, purpose: 'score' } as const;

async function scoreOf(experiment: Experiment, id: string, level: number): Promise<number> {
  const scores: number[] = [];
  for (let seed = 0; seed < 3; seed++) {
    scores.push((await learn({ ...RUN, algorithm: findAlgorithm(id), experiment, level, seed })).score);
  }
  return mean(scores);
}

const mapStates = (
  { states, starts }: DecisionProcess,
  change: (state: DecisionProcess['states'][string]) => DecisionProcess['states'][string],
): DecisionProcess => ({
  starts,
  states: Object.fromEntries(Object.entries(states).map(([name, state]) => [name, change(state)])),
});

const flattened = (process: DecisionProcess): DecisionProcess =>
  mapStates(process, ({ text, actions }) => ({
    text,
    actions: actions.map((action) => ({
      ...action,
      outcomes: action.outcomes.map((outcome) => ({ ...outcome, reward: 0 })),
    })),
  }));

/** The same with one action only where all lead to the same: idle turns leave nothing to decide. */
export const withoutIdleChoices = (process: DecisionProcess): DecisionProcess =>
  mapStates(process, ({ text, actions }) => {
    const [first] = actions.map(({ outcomes }) => JSON.stringify(outcomes));
    const isIdle = actions.every(({ outcomes }) => JSON.stringify(outcomes) === first);
    return { text, actions: isIdle ? actions.slice(0, 1) : actions };
  });
