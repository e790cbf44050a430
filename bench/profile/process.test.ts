import { expect, it } from 'vitest';
import { createRandom } from '../../core/random.ts';
import { checkEnvironment } from '../../envs/check.ts';
import { EXPERIMENTS } from './experiments.ts';
import { startingProbabilities } from './learn.ts';
import { choice, compile, copies, ends, leads, loadProcess } from './process.ts';
import { isWritten, loadWritten, STOP } from './written.ts';

it.each(EXPERIMENTS)('$id: its environment keeps the rules of environments', ({ id, knob, process }) => {
  const small = process(knob.levels[1]!);
  const loaded = isWritten(small) ? loadWritten(id, small).loaded : loadProcess(id, small);
  // One question serves all splits, as in diagnostic environments.
  for (const task of loaded.tasks.train) {
    const one = { ...loaded, tasks: { train: [task], dev: [task], test: [task] } };
    expect(checkEnvironment(one, { random: createRandom(0) })).toEqual([]);
  }
});

it.each(EXPERIMENTS)('$id: probabilities add up to 1', ({ knob, process }) => {
  for (const level of knob.levels) {
    for (const { actions } of Object.values(process(level).states)) {
      for (const { outcomes } of actions) {
        expect(outcomes.reduce((sum, { probability }) => sum + probability, 0)).toBeCloseTo(1, 12);
      }
    }
  }
});

it.each(EXPERIMENTS)(
  '$id: four copies of it share no state and are worth what one is',
  ({ knob, process }) => {
    for (const level of knob.levels.slice(0, 2)) {
      const one = process(level);
      const four = copies(one, 4);
      expect(Object.keys(four.states)).toHaveLength(4 * Object.keys(one.states).length);
      expect(four.starts).toHaveLength(4 * one.starts.length);
      const texts = (states: typeof one.states) =>
        new Set(Object.values(states).map(({ text }) => text)).size;
      expect(texts(four.states)).toBe(4 * texts(one.states));
      expect(isWritten(four)).toBe(isWritten(one));
      const value = (of: typeof one) => compile(of).values(startingProbabilities(of)).value;
      expect(value(four)).toBeCloseTo(value(one), 12);
      expect(compile(four).optimum()).toBeCloseTo(compile(one).optimum(), 12);
    }
  },
);

it('refuses states that come back to themselves', () => {
  const states = { a: { text: 'a', actions: choice(0.5, ['stay', leads('a')], ['go', ends(true)]) } };
  expect(() => compile({ states, starts: ['a'] })).toThrow("state 'a' comes back to itself");
});

it.each<[string, Parameters<typeof choice>[1], string]>([
  ['tokens of two characters', ['ab', leads('inside')], "token 'ab'"],
  ['rewards inside an action', ['a', [{ probability: 1, reward: 1, next: 'inside' }]], "token 'a'"],
  ['an end of an action without the stop', ['a', ends(true)], "token 'a'"],
  ['a stop that goes on inside', [STOP, leads('inside')], `token '${STOP}'`],
])('refuses %s where actions are written', (_, first, message) => {
  const inside = {
    text: 'inside',
    inside: true,
    actions: [{ name: STOP, logit: 0, outcomes: ends(true) }],
  } as const;
  const states = { start: { text: 'start', actions: choice(0.5, first, ['b', leads('inside')]) }, inside };
  expect(() => loadWritten('wrong', { states, starts: ['start'] })).toThrow(message);
});
