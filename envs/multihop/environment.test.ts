import { describe, expect, it } from 'vitest';
import { InputError } from '../../core/errors.ts';
import { createRandom } from '../../core/random.ts';
import { createMultihop, type MultihopState } from './environment.ts';
import type { Fact, NodeType } from './facts.ts';
import { createGraph } from './graph.ts';
import type { MultihopTask } from './task.ts';

const types = new Map<string, NodeType>([
  ['Peru', 'country'],
  ['Chile', 'country'],
  ['Lima', 'city'],
  ['Santiago', 'city'],
  ['Peruvian Sol', 'currency'],
]);
const facts: Fact[] = [
  ['Peru', 'capital', 'Lima'],
  ['Chile', 'capital', 'Santiago'],
  ['Peru', 'borders', 'Chile'],
  ['Chile', 'borders', 'Peru'],
  ['Peru', 'currency', 'Peruvian Sol'],
];
const graph = createGraph({ types, facts });
const exact = (prediction: string, golds: readonly string[]): number => (golds.includes(prediction) ? 1 : 0);
const environment = createMultihop({ graph, maxTurns: 4, score: exact });
const random = createRandom(1);

const task: MultihopTask = {
  id: 'capital-of>currency:Lima',
  question: 'What is the currency of the country whose capital is Lima?',
  answers: ['Peruvian Sol'],
  kind: 'compositional',
  hops: 2,
  template: 'capital-of>currency',
  start: 'Lima',
  options: [],
  moves: 2,
  facts: [
    ['Peru', 'capital', 'Lima'],
    ['Peru', 'currency', 'Peruvian Sol'],
  ],
};
const comparison: MultihopTask = {
  ...task,
  id: 'compare',
  question: 'Which country uses the Peruvian Sol, Chile or Peru?',
  answers: ['Peru'],
  kind: 'comparison',
  start: 'start',
  options: ['Chile', 'Peru'],
  moves: 1,
};

function walk(first: MultihopTask, ...actions: readonly string[]): MultihopState {
  let state = environment.reset(first);
  for (const action of actions) state = environment.step(state, action, random).state;
  return state;
}

describe('multihop/v1', () => {
  it('walks to the answer and is rewarded there', () => {
    const there = walk(task, 'capital-of Peru', 'currency Peruvian Sol');
    const last = environment.step(there, 'answer', random);
    expect(last).toMatchObject({ reward: 1, terminated: true, truncated: false });
    expect(environment.answer!(last.state)).toBe('Peruvian Sol');
    expect(environment.answer!(there)).toBeUndefined();
  });

  it('shows the question, the place, the way here and the turns left', () => {
    expect(environment.observe(walk(task)).text).toBe(
      'What is the currency of the country whose capital is Lima? | at Lima via start | 4 turns left',
    );
    expect(environment.observe(walk(task, 'capital-of Peru')).text).toMatch(
      /\| at Peru via capital-of from Lima \| 3 turns left$/,
    );
  });

  it('lists moves, back and answer', () => {
    expect(environment.actions!(walk(task))).toEqual(['capital-of Peru', 'answer']);
    expect(environment.actions!(walk(task, 'capital-of Peru'))).toEqual([
      'capital Lima',
      'currency Peruvian Sol',
      'borders Chile',
      'back to Lima',
      'answer',
    ]);
  });

  it('goes back one node, then to the start, and pays a turn each time', () => {
    const chile = walk(task, 'capital-of Peru', 'borders Chile');
    const back = environment.step(chile, 'back to Peru', random);
    expect(back).toMatchObject({ reward: 0, terminated: false, truncated: false });
    expect(back.state).toMatchObject({ node: 'Peru', via: 'back', from: 'Chile', turnsLeft: 1 });
    expect(environment.actions!(back.state)).toContain('back to Lima');
    expect(environment.actions!(back.state)).not.toContain('back to Chile');
    const home = walk(task, 'capital-of Peru', 'back to Lima');
    expect(environment.actions!(home)).toEqual(['capital-of Peru', 'answer']);
  });

  it('truncates without reward when the last turn does not answer, and terminates when it does', () => {
    const tight = walk(task, 'capital-of Peru', 'borders Chile', 'back to Peru');
    const cut = environment.step(tight, 'currency Peruvian Sol', random);
    expect(cut).toMatchObject({ reward: 0, terminated: false, truncated: true });
    expect(environment.answer!(cut.state)).toBeUndefined();
    expect(environment.actions!(cut.state)).toEqual([]);
    expect(environment.step(tight, 'answer', random)).toMatchObject({ terminated: true, truncated: false });
  });

  it('starts comparisons at a place that is no answer, and remembers which candidate was tried', () => {
    const first = walk(comparison);
    expect(environment.actions!(first)).toEqual(['option Chile', 'option Peru']);
    expect(() => environment.step(first, 'answer', random)).toThrow(InputError);
    const again = walk(comparison, 'option Chile', 'back to start');
    expect(environment.observe(again).text).toMatch(/\| at start via back from Chile \| 2 turns left$/);
    expect(environment.actions!(again)).toEqual(['option Chile', 'option Peru']);
  });

  it('never changes a state', () => {
    const state = Object.freeze(walk(Object.freeze(task), 'capital-of Peru'));
    const copy = structuredClone(state);
    for (const action of environment.actions!(state)) environment.step(state, action, random);
    expect(state).toEqual(copy);
  });

  it('gives different keys to states that look different', () => {
    const direct = walk(task, 'capital-of Peru');
    const returned = walk(task, 'capital-of Peru', 'borders Chile', 'back to Peru');
    expect(environment.key!(direct)).not.toBe(environment.key!(returned));
    expect(environment.key!(direct)).toBe(environment.key!(walk(task, 'capital-of Peru')));
  });

  it('refuses illegal actions and steps after the end', () => {
    expect(() => environment.step(walk(task), 'capital Paris', random)).toThrow(
      /'capital Paris'.*capital-of Peru/,
    );
    expect(() => environment.step(walk(task, 'answer'), 'answer', random)).toThrow(InputError);
  });
});
