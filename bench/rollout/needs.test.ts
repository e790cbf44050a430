import { describe, expect, it } from 'vitest';
import type { ForkPoint } from '../../algorithms/algorithm.ts';
import type { RolloutTree } from '../../algorithms/tree.ts';
import { createRandom } from '../../core/random.ts';
import {
  STOP_OR_SEARCH_LOGITS,
  STOP_OR_SEARCH_TASK,
  stopOrSearch,
} from '../../envs/diagnostic/stop-or-search.ts';
import type { Environment } from '../../envs/environment.ts';
import { createTabularPolicy } from '../../policies/tabular/index.ts';
import { choice, ends, loadProcess } from '../profile/process.ts';
import { abPolicy, counting, textTask } from '../text.test-helper.ts';
import { rolloutCost } from './cost.ts';
import { rollout } from './engine.ts';
import { GOLD_FLOOR, logProbsUnder, type Measuring } from './needs.ts';

const policy = createTabularPolicy(STOP_OR_SEARCH_LOGITS);
const grow = async (measuring: Measuring, seen: RolloutTree[] = []): Promise<RolloutTree> => {
  const [tree] = await rollout({
    environment: stopOrSearch(0),
    policy,
    plan: (soFar) => {
      if (soFar.edges.length > 0) seen.push(structuredClone({ ...soFar }));
      return soFar.edges.length < 6 ? [{ node: 0 }, { node: 0 }] : [];
    },
    tasks: [STOP_OR_SEARCH_TASK],
    random: createRandom(5),
    sampling: { temperature: 1 },
    measuring,
  });
  return tree!;
};

describe('measure', () => {
  // equation (*): annotateTrees
  it('gives the probability of the accepted answer where it can be given, and the floor elsewhere', async () => {
    const tree = await grow({ needs: ['gold'] });
    const q = 1 / (1 + Math.exp(0.6));
    for (const node of tree.nodes) {
      const expected = node.prompt.text === 'found' ? Math.log(q) : Math.log(GOLD_FLOOR);
      if (node.end === 'open') expect(node.gold).toBeCloseTo(expected, 12);
      else expect(node.gold).toBeUndefined();
    }
    expect(tree.nodes.some(({ prompt }) => prompt.text === 'found')).toBe(true);
  });

  it('reads log-probabilities under other weights and puts the policy back as it was', async () => {
    const before = policy.parameters();
    const other = before.map((value) => value + (value > 0 ? 1 : 0));
    const tree = await grow({ needs: ['previous', 'reference'], weights: policy, previous: other });
    expect(policy.parameters()).toEqual(before);
    for (const edge of tree.edges) {
      // No other starting weights were given: the policy's own.
      expect(edge.reference).toEqual(edge.logProbs);
      if (edge.action === 'search') {
        expect(edge.previous![0]).toBeCloseTo(Math.log(1 / (1 + Math.exp(-1.4))), 12);
      }
    }
    expect(tree.edges.some(({ action }) => action === 'search')).toBe(true);
  });

  it('is there before the plan is asked again, and counted once', async () => {
    const seen: RolloutTree[] = [];
    const other = policy.parameters().map(() => 0);
    const tree = await grow({ needs: ['pieces', 'previous'], weights: policy, previous: other }, seen);
    expect(seen.length).toBeGreaterThan(1);
    for (const { edges } of seen) {
      expect(edges.every(({ pieces, previous }) => pieces !== undefined && previous !== undefined)).toBe(
        true,
      );
    }
    // A table reads one symbol, and one token is scored.
    expect(tree.measuredTokens).toBe(2 * tree.edges.length);
    const plain = await grow({ needs: [] });
    expect(plain.measuredTokens).toBeUndefined();
    expect(rolloutCost([plain], policy)).toEqual(rolloutCost([tree], policy));
  });

  // equation (*): annotateTrees
  it('asks for the answer in free text, after the beginning of an answer', async () => {
    const asked: string[] = [];
    const environment = counting(2);
    const [tree] = await rollout({
      environment: { ...environment, text: { ...environment.text!, answering: 'ab' } },
      policy: {
        ...abPolicy,
        logProbs: async (records) => {
          for (const { prompt, tokens } of records) {
            asked.push(`${abPolicy.codec!.decode(prompt.tokens!)}|${abPolicy.codec!.decode(tokens)}`);
          }
          return records.map(() => Float64Array.of(-1, -3));
        },
      },
      plan: (soFar) => (soFar.edges.length === 0 ? [{ node: 0 }] : []),
      tasks: [textTask('t')],
      random: createRandom(1),
      sampling: { temperature: 1, topP: 0.5 },
      measuring: { needs: ['gold', 'pieces'] },
    });
    const open = tree!.nodes.filter(({ end }) => end === 'open');
    expect(asked).toEqual(open.map(({ prompt }) => `${abPolicy.codec!.decode(prompt.tokens!)}ab| x`));
    expect(open.map(({ gold }) => gold)).toEqual(open.map(() => -2));
    for (const { pieces, action } of tree!.edges) expect(pieces!.join('')).toBe(action);
  });
});

/** One turn in which 'say' answers what normalises to nothing, and 'leave' ends without an answer. */
const leaving: Environment<string> = {
  ...(stopOrSearch(0) as Environment<never>),
  reset: () => 'start',
  observe: (text) => ({ text }),
  actions: () => ['leave', 'say', 'wait'],
  step: (_, action) => ({
    state: action,
    reward: 0,
    terminated: action !== 'wait',
    truncated: action === 'wait',
  }),
  answer: (state) => (state === 'say' ? 'the' : undefined),
  answerKind: 'text',
  key: (state) => state,
};

describe('an end without an answer', () => {
  const ended = (
    environment: Environment<string>,
    needs: Measuring['needs'],
    plan = [{ node: 0 }] as ForkPoint[],
  ) =>
    rollout({
      environment,
      policy: createTabularPolicy({}),
      plan: ({ edges }) => (edges.length === 0 ? plan : []),
      tasks: [{ ...STOP_OR_SEARCH_TASK, answers: ['The The'] }],
      random: createRandom(2),
      sampling: { temperature: 1 },
      measuring: { needs },
    });

  it('is not the accepted answer, though that normalises to nothing', async () => {
    const [tree] = await ended(leaving, ['gold']);
    expect(tree!.nodes[0]!.gold).toBeCloseTo(Math.log(1 / 3), 12);
  });

  it('is not what answers at once', async () => {
    const [tree] = await ended(
      leaving,
      [],
      Array.from({ length: 20 }, () => ({ node: 0, begin: 'answer' as const })),
    );
    expect(new Set(tree!.edges.map(({ action }) => action))).toEqual(new Set(['say']));
    const { answer: _, ...silent } = leaving;
    const [other] = await ended(
      silent,
      [],
      Array.from({ length: 20 }, () => ({ node: 0, begin: 'answer' as const })),
    );
    expect(new Set(other!.edges.map(({ action }) => action))).toEqual(new Set(['leave', 'say']));
  });

  it('is all that an environment without answers has: nothing to measure', async () => {
    const { answer: _, ...silent } = leaving;
    await expect(ended(silent, ['gold'])).rejects.toThrow(
      'stop-or-search/v1 has no answers (Environment.answer), and the algorithm measures how likely',
    );
  });
});

it('sets the weights of a policy again, also when reading under others fails', async () => {
  const own = [...policy.parameters()];
  const other = own.map((value) => value + 1);
  const failing = { ...policy, logProbs: () => Promise.reject(new Error('lost')) };
  await expect(logProbsUnder(failing, other, [], { temperature: 1 })).rejects.toThrow('lost');
  expect([...policy.parameters()]).toEqual(own);
});

it('weighs an answer that comes by chance with its probability', async () => {
  const states = {
    start: {
      text: 'start',
      actions: choice(
        0.75,
        ['guess', [0.2, 0.8].map((probability) => ({ probability, reward: 0, right: probability === 0.2 }))],
        ['know', ends(true)],
      ),
    },
  };
  const { environment, tasks } = loadProcess('chance', { states, starts: ['start'] });
  const [tree] = await rollout({
    ...{ environment, tasks: tasks.train, random: createRandom(1), sampling: { temperature: 1 } },
    policy: createTabularPolicy({ initial: (_, action) => states.start.actions[action]!.logit }),
    plan: (soFar) => (soFar.edges.length === 0 ? [{ node: 0 }] : []),
    measuring: { needs: ['gold'] },
  });
  expect(tree!.nodes[0]!.gold).toBeCloseTo(Math.log(0.75 * 0.2 + 0.25), 12);
});
