import { describe, expect, it } from 'vitest';
import type { ForkPoint } from '../../algorithms/algorithm.ts';
import { createRandom } from '../../core/random.ts';
import {
  STOP_OR_SEARCH_LOGITS,
  STOP_OR_SEARCH_TASK,
  stopOrSearch,
} from '../../envs/diagnostic/stop-or-search.ts';
import { lookAhead } from '../../envs/look-ahead.ts';
import { createTabularPolicy } from '../../policies/tabular/index.ts';
import { enumerate } from '../audit/enumerate.ts';
import { abPolicy, counting, textTask } from '../text.test-helper.ts';
import { type RolloutRequest, rollout } from './engine.ts';

const random = createRandom(3);
const listed = stopOrSearch(0.2);
const policy = createTabularPolicy(STOP_OR_SEARCH_LOGITS);
const grow = async (points: readonly ForkPoint[], change: Partial<RolloutRequest> = {}) => {
  const [tree] = await rollout({
    environment: listed,
    policy,
    plan: (soFar) => (soFar.edges.length === 0 ? points : []),
    tasks: [STOP_OR_SEARCH_TASK],
    random,
    sampling: { temperature: 1 },
    expert: lookAhead(listed),
    ...change,
  });
  return tree!;
};

describe('consulted actions', () => {
  // equation (*): expertActions
  it("are the agent's, once, with the policy's log-probabilities and no entropy", async () => {
    const tree = await grow([{ node: 0, begin: 'expert' }]);
    const [first, second] = tree.edges;
    expect(first).toMatchObject({ action: 'search', begin: 'expert', forced: 1, entropies: [0], tool: true });
    expect(first!.logProbs[0]).toBeCloseTo(Math.log(1 / (1 + Math.exp(-0.4))), 12);
    expect(second!.begin).toBeUndefined();
    expect(second!.forced).toBeUndefined();
    expect(second!.entropies[0]).toBeGreaterThan(0);
  });

  it('need an agent', async () => {
    const points: ForkPoint[] = [{ node: 0, begin: 'expert' }];
    await expect(
      rollout({
        environment: listed,
        policy,
        plan: (soFar) => (soFar.edges.length === 0 ? points : []),
        tasks: [STOP_OR_SEARCH_TASK],
        random,
        sampling: { temperature: 1 },
      }),
    ).rejects.toThrow('stop-or-search/v1 has no expert to ask');
  });
});

describe('answering at once', () => {
  it('chooses among the actions that end the episode, in the policy’s proportions', async () => {
    const found = new Map<string, number>();
    await enumerate(
      async (draws) => grow([{ node: 0, begin: 'answer' }], { random: draws }),
      (tree, probability) => {
        expect(tree.edges).toHaveLength(1);
        const { action, begin, forced, logProbs } = tree.edges[0]!;
        expect([begin, forced]).toEqual(['answer', undefined]);
        // The policy's own, not that of the choice: that would be 0.
        expect(logProbs[0]).toBeCloseTo(Math.log(1 / (1 + Math.exp(0.4))), 12);
        found.set(action, (found.get(action) ?? 0) + probability);
      },
    );
    expect([...found]).toEqual([['stop', 1]]);
  });

  it('begins as the protocol says in free text; the rest is the policy’s', async () => {
    const environment = counting(3);
    const tree = await grow([{ node: 0, begin: 'answer' }, { node: 0 }], {
      environment: { ...environment, text: { ...environment.text!, answering: 'aa' } },
      policy: abPolicy,
      tasks: [textTask('t')],
    });
    const forced = tree.edges.filter(({ begin }) => begin === 'answer');
    expect(forced.length).toBeGreaterThan(0);
    for (const edge of forced) {
      expect(edge.action.startsWith('aa')).toBe(true);
      expect(edge.forced).toBe(2);
      expect(edge.entropies.slice(0, 2)).toEqual([0, 0]);
      expect(edge.logProbs.slice(0, 2)).toEqual([Math.log(0.75), Math.log(0.75)]);
      expect(edge.entropies.slice(2).every((value) => value > 0)).toBe(true);
    }
    expect(tree.edges.some(({ begin, forced }) => begin === undefined && forced === undefined)).toBe(true);
  });

  it('needs a protocol that says so', async () => {
    await expect(
      grow([{ node: 0, begin: 'answer' }], {
        environment: counting(2),
        policy: abPolicy,
        tasks: [textTask('t')],
      }),
    ).rejects.toThrow('counting/v1 does not say how an answer begins');
  });
});
