import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRandom } from '../../core/random.ts';
import { createMultihop, type MultihopState } from './environment.ts';
import type { Fact, NodeType } from './facts.ts';
import { createGraph } from './graph.ts';
import type { MultihopTask } from './task.ts';
import { createTeacher } from './teacher.ts';

const NODES = 7;
const unused = createRandom(0);

/** Random graphs (one-way moves, dead ends and all), a start, a goal and a walk to begin from. */
const worlds = fc.record({
  edges: fc.array(fc.tuple(fc.nat(NODES - 1), fc.nat(NODES - 1)), { minLength: 4, maxLength: 16 }),
  start: fc.nat(NODES - 1),
  goal: fc.nat(NODES - 1),
  isComparison: fc.boolean(),
  seed: fc.nat(),
});

function build({
  edges,
  start,
  goal,
  isComparison,
}: typeof worlds extends fc.Arbitrary<infer T> ? T : never) {
  const types = new Map<string, NodeType>(
    Array.from({ length: NODES }, (_, index) => [`n${index}`, 'country']),
  );
  const unique = new Map(
    edges.filter(([from, to]) => from !== to).map(([from, to]) => [`${from} ${to}`, [from, to]]),
  );
  const facts = [...unique.values()].map(([from, to]): Fact => [`n${from}`, 'borders', `n${to}`]);
  const graph = createGraph({ types, facts });
  const task: MultihopTask = {
    id: 'task',
    question: 'Where?',
    answers: [`n${goal}`],
    kind: isComparison ? 'comparison' : 'compositional',
    hops: 2,
    template: 't',
    start: isComparison ? 'start' : `n${start}`,
    options: isComparison ? [...new Set([`n${goal}`, `n${start}`])] : [],
    moves: 1,
    facts: [],
  };
  const score = (prediction: string, golds: readonly string[]): number =>
    golds.includes(prediction) ? 1 : 0;
  return { graph, task, environment: createMultihop({ graph, maxTurns: 20, score }) };
}

describe('createTeacher', () => {
  it('takes as many turns as a breadth-first search over the states, or is as lost as that', () => {
    fc.assert(
      fc.property(worlds, (world) => {
        const { graph, task, environment } = build(world);
        const teacher = createTeacher(graph);
        const search = (from: MultihopState): number => {
          let frontier = [from];
          const seen = new Set<string>();
          for (let turns = 1; frontier.length > 0; turns++) {
            const next: MultihopState[] = [];
            for (const state of frontier) {
              for (const action of environment.actions!(state)) {
                const taken = environment.step(state, action, unused);
                if (taken.reward === 1) return turns;
                const key = `${taken.state.node} ${taken.state.via} ${taken.state.from}`;
                if (taken.terminated || taken.truncated || seen.has(key)) continue;
                seen.add(key);
                next.push(taken.state);
              }
            }
            frontier = next;
          }
          return Number.POSITIVE_INFINITY;
        };
        const random = createRandom(world.seed);
        let state = environment.reset(task);
        for (let turn = 0; turn < 4; turn++) {
          const needed = search(state);
          expect(teacher.turnsNeeded(state)).toBe(needed);
          if (needed < Number.POSITIVE_INFINITY) {
            const taken = environment.step(state, teacher.act(state, 0, unused), unused);
            expect(taken.terminated ? 1 : 1 + search(taken.state)).toBe(needed);
          }
          const moves = environment.actions!(state).filter((action) => action !== 'answer');
          if (moves.length === 0) break;
          state = environment.step(state, moves[random.integer(moves.length)]!, unused).state;
        }
      }),
      { numRuns: 200 },
    );
  });

  it('makes mistakes as often as it is told, each legal action being as likely', () => {
    const { graph, task } = build({
      edges: [
        [0, 1],
        [0, 2],
        [1, 3],
      ],
      start: 0,
      goal: 3,
      isComparison: false,
      seed: 0,
    });
    const teacher = createTeacher(graph);
    const state: MultihopState = { task, node: 'n0', via: 'start', from: '', turnsLeft: 6 };
    const random = createRandom(5);
    const counts = new Map<string, number>();
    const draws = 6000;
    for (let draw = 0; draw < draws; draw++) {
      const action = teacher.act(state, 0.3, random);
      counts.set(action, (counts.get(action) ?? 0) + 1);
    }
    // Five standard errors of the share of a mistake: sqrt(0.1 * 0.9 / 6000) = 0.0039.
    expect(Math.abs((counts.get('borders n2') ?? 0) / draws - 0.1)).toBeLessThan(0.02);
    expect(Math.abs((counts.get('answer') ?? 0) / draws - 0.1)).toBeLessThan(0.02);
    expect(Math.abs((counts.get('borders n1') ?? 0) / draws - 0.8)).toBeLessThan(0.026);
  });
});
