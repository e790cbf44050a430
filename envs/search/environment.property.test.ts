import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRandom } from '../../core/random.ts';
import type { Transition } from '../environment.ts';
import { createSearch } from './environment.ts';
import { answerWith, metricsOf, searchFor, settings, TASK } from './fake.test-helper.ts';
import type { SearchState } from './task.ts';

const random = createRandom(0);
const actions = fc.array(
  fc.oneof(
    fc.constantFrom(
      searchFor('Ilve'),
      searchFor('mill drained'),
      searchFor('zzz'),
      '<search>Mard</search> more',
      answerWith('Mard'),
      answerWith('Ilve'),
      '<answer>the town of Mard</answer>',
      '<search> </search>',
    ),
    fc.string(),
  ),
  { minLength: 1, maxLength: 8 },
);
const changes = fc.record({
  maxTurns: fc.integer({ min: 1, max: 5 }),
  topK: fc.integer({ min: 1, max: 3 }),
  malformed: fc.constantFrom('message' as const, 'end' as const),
  atLimit: fc.constantFrom('answer' as const, 'truncate' as const),
  reward: fc.constantFrom('f1' as const, 'em' as const, 'em-format' as const),
});

function deepFreeze<Value>(value: Value): Value {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    Object.values(value).forEach(deepFreeze);
  }
  return value;
}

describe('search/v1', () => {
  it('gives the same from the same state, in any environment and order, and changes no state', () => {
    fc.assert(
      fc.property(actions, changes, (texts, options) => {
        const environment = createSearch(settings(options));
        const steps: { before: SearchState; action: string; result: Transition<SearchState> }[] = [];
        let state = deepFreeze(environment.reset(TASK));
        for (const action of texts) {
          const result = deepFreeze(environment.step(state, action, random));
          steps.push({ before: state, action, result });
          state = result.state;
          if (result.terminated || result.truncated) break;
        }
        const fresh = createSearch(settings(options));
        for (const { before, action, result } of steps.reverse()) {
          expect(environment.step(before, action, random)).toEqual(result);
          const copied = structuredClone(before);
          expect(fresh.step(copied, action, random)).toEqual(result);
          expect(fresh.observe(copied)).toEqual(environment.observe(before));
        }
      }),
      { numRuns: 400 },
    );
  });

  it('ends within its turns: by an answer or a fault, or cut short, never both, with rewards in range', () => {
    fc.assert(
      fc.property(actions, changes, (texts, options) => {
        const environment = createSearch(settings(options));
        const limit = options.maxTurns + (options.atLimit === 'answer' ? 1 : 0);
        let state = environment.reset(TASK);
        for (let turn = 1; turn <= limit; turn++) {
          const result = environment.step(state, texts[(turn - 1) % texts.length]!, random);
          state = result.state;
          const last = state.turns.at(-1)!;
          expect(state.turns).toHaveLength(turn);
          const isAnswered = last.kind === 'answer';
          const isFault = last.kind === 'malformed' && options.malformed === 'end';
          expect(result.terminated).toBe(isAnswered || isFault);
          expect(result.truncated).toBe(!result.terminated && turn === limit);
          expect(result.reward).toBeGreaterThanOrEqual(0);
          expect(result.reward).toBeLessThanOrEqual(1);
          const hasEnded = result.terminated || result.truncated;
          if (!isAnswered) expect(result.reward).toBe(0);
          const metrics = metricsOf(environment, state);
          expect(Object.keys(metrics)).toEqual([
            'tool_calls',
            'malformed_actions',
            'gold_recall',
            'answered',
            'valid_format',
          ]);
          expect(metrics.answered).toBe(isAnswered ? 1 : 0);
          expect(metrics.tool_calls! + metrics.malformed_actions!).toBeLessThanOrEqual(limit);
          expect(metrics.tool_calls).toBeLessThanOrEqual(options.maxTurns);
          if (hasEnded) return;
        }
        throw new Error('the episode did not end');
      }),
      { numRuns: 400 },
    );
  });
});
