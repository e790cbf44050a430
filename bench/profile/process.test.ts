import { expect, it } from 'vitest';
import { createRandom } from '../../core/random.ts';
import { checkEnvironment } from '../../envs/check.ts';
import { EXPERIMENTS } from './experiments.ts';
import { choice, compile, ends, leads, loadProcess } from './process.ts';

it.each(EXPERIMENTS)('$id: its environment keeps the rules of environments', ({ id, knob, process }) => {
  const loaded = loadProcess(id, process(knob.levels[1]!));
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

it('refuses states that come back to themselves', () => {
  const states = { a: { text: 'a', actions: choice(0.5, ['stay', leads('a')], ['go', ends(true)]) } };
  expect(() => compile({ states, starts: ['a'] })).toThrow("state 'a' comes back to itself");
});
