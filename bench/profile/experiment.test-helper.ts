import { expect, it } from 'vitest';
import { findAlgorithm } from '../../algorithms/registry.ts';
import { mean } from '../../core/statistics.ts';
import { createTabularPolicy } from '../../policies/tabular/index.ts';
import { createWritingTable } from '../../policies/tabular/writing.ts';
import { enumerate } from '../audit/enumerate.ts';
import { solve } from '../audit/oracle.ts';
import type { Experiment } from './experiment.ts';
import { learn, startingProbabilities } from './learn.ts';
import { compile, type DecisionProcess, loadProcess } from './process.ts';
import { isWritten, loadWritten } from './written.ts';

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
  /** What is left of that difference without the experiment's point, at most 0.06 either way. */
  readonly without: {
    readonly what: string;
    readonly level: number;
    readonly process?: Experiment['process'];
    /** The optimum of that process, if it needs one. */
    readonly optimum?: Experiment['optimum'];
    /** In place of 0.06, where one of the two pays for something else per rollout. */
    readonly within?: number;
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
    if (isWritten(experiment.process(levels[1]!))) {
      for (const level of [levels[1]!, levels.at(-1)!]) await checkWritten(experiment.process(level));
      return;
    }
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
    const { process = experiment.process, optimum = experiment.optimum, within = 0.06 } = without;
    const easy = { ...experiment, process, ...(optimum === undefined ? {} : { optimum }) };
    const [first, second] = [
      await scoreOf(easy, sound, without.level),
      await scoreOf(easy, trails, without.level),
    ];
    expect(first).toBeGreaterThan(0.5);
    expect(Math.abs(first - second)).toBeLessThan(within);
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

/** What is written from each state on, all of it enumerated, is worth what the process says. */
async function checkWritten(process: DecisionProcess): Promise<void> {
  const written = loadWritten('checked', process);
  const policy = createWritingTable(written);
  const { environment, tasks } = written.loaded;
  const { stops, maxActionTokens: maxTokens } = environment.text!;
  const values = compile(process).values(startingProbabilities(process));
  const known = new Map<string, number>();
  const worthOf = async (state: ReturnType<typeof environment.reset>): Promise<number> => {
    const key = environment.key!(state);
    if (known.has(key)) return known.get(key)!;
    const tokens = Int32Array.from(written.codec.encode(environment.observe(state).text));
    const ends: { probability: number; next: ReturnType<typeof environment.step> }[] = [];
    await enumerate(
      async (random) => {
        const [action] = await policy.act(
          [{ prompt: { text: '', tokens }, random, generation: { stops, maxTokens } }],
          { temperature: 1 },
        );
        return environment.step(state, action!.text, random);
      },
      (next, probability) => ends.push({ probability, next }),
    );
    let value = 0;
    for (const { probability, next } of ends) {
      value += probability * (next.reward + (next.terminated ? 0 : await worthOf(next.state)));
    }
    expect(value).toBeCloseTo(values.states.get(key)!, 12);
    known.set(key, value);
    return value;
  };
  for (const task of tasks.train) await worthOf(environment.reset(task));
  expect(known.size).toBeGreaterThan(0);
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
  mapStates(process, ({ actions, ...state }) => ({
    ...state,
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
