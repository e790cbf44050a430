import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ForkPoint } from '../../algorithms/algorithm.ts';
import { carl } from '../../algorithms/carl/index.ts';
import { grpo } from '../../algorithms/grpo/index.ts';
import { leaves, path, type RolloutTree } from '../../algorithms/tree.ts';
import { createRandom } from '../../core/random.ts';
import { createTabularPolicy } from '../../policies/tabular/index.ts';
import { abPolicy, characters, counting, textTask } from '../text.test-helper.ts';
import { trainingRows } from '../training/update.ts';
import { checkPrefixes } from './context.ts';
import { rolloutCost } from './cost.ts';
import { rollout } from './engine.ts';
import { score } from './evaluate.ts';

const environment = counting(4);

/** Two rollouts from the root, then `forks` at points that the seed chooses, inside actions where it can. */
function grow(seed: number, forks = 6): Promise<readonly RolloutTree[]> {
  return rollout({
    environment,
    policy: abPolicy,
    tasks: [textTask('p'), textTask('q')],
    random: createRandom(seed),
    sampling: { temperature: 1 },
    plan: (tree, random): readonly ForkPoint[] => {
      if (tree.edges.length === 0) return [{ node: 0 }, { node: 0 }];
      if (tree.edges.filter(({ start }) => start).length >= 2 + forks) return [];
      const long = tree.edges.filter(({ tokens }) => tokens.length > 1);
      if (long.length === 0) return [{ node: 0 }];
      const edge = long[random.integer(long.length)]!;
      return [{ edge: edge.id, tokens: 1 + random.integer(edge.tokens.length - 1) }];
    },
  });
}

describe('rollouts in free text', () => {
  it('begin as the codec opens them, and go on with what is appended', async () => {
    const opening = (text: string): readonly number[] => characters.encode(`<${text}>`);
    const [tree] = await rollout({
      environment,
      policy: { ...abPolicy, codec: { ...characters, opening } },
      tasks: [textTask('p')],
      random: createRandom(3),
      sampling: { temperature: 1 },
      plan: ({ edges }) => (edges.length === 0 ? [{ node: 0 }, { node: 0 }] : []),
    });
    expect(characters.decode(tree!.nodes[0]!.prompt.tokens!)).toBe('<prompt:>');
    for (const { from, to, tokens } of tree!.edges) {
      const { tokens: after } = tree!.nodes[to]!.prompt;
      if (after === undefined) continue;
      const before = [...tree!.nodes[from]!.prompt.tokens!, ...tokens];
      expect([...after].slice(0, before.length)).toEqual(before);
      expect(characters.decode([...after].slice(before.length))).toMatch(/^#{0,3}\|$/);
    }
  });

  it('give any fork what a replay of its tokens gives', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), async (seed) => {
        for (const tree of await grow(seed)) {
          for (const leaf of leaves(tree)) {
            let state = environment.reset(tree.task);
            const context = characters.encode('prompt:').slice();
            for (const edge of path(tree, leaf)) {
              expect([...tree.nodes[edge.from]!.prompt.tokens!]).toEqual(context);
              expect(edge.action).toBe(characters.decode(edge.tokens));
              const next = environment.step(state, characters.decode(edge.tokens), createRandom(0));
              expect(tree.nodes[edge.to]!.state).toEqual(next.state);
              expect(tree.nodes[edge.to]!.end).toBe(
                next.terminated ? 'terminated' : next.truncated ? 'truncated' : 'open',
              );
              // Three tokens of the observation at most, and its closing.
              const seen = `${'#'.repeat(Math.min(3, edge.action.length))}|`;
              context.push(...edge.tokens, ...characters.encode(seen));
              state = next.state;
            }
          }
        }
      }),
      { numRuns: 30, seed: 4 },
    );
  });

  it('share the leading tokens of the action that they fork, with their log-probabilities', async () => {
    const trees = await grow(1);
    const forked = trees.flatMap((tree) => tree.edges.map((edge) => ({ tree, edge })));
    const inside = forked.filter(({ edge }) => edge.shared !== undefined);
    expect(inside.length).toBeGreaterThan(4);
    for (const { tree, edge } of inside) {
      const origin = tree.edges[edge.shared!.edge]!;
      expect(edge.from).toBe(origin.from);
      for (const key of ['tokens', 'logProbs', 'entropies'] as const) {
        expect(edge[key].slice(0, edge.shared!.tokens)).toEqual(origin[key].slice(0, edge.shared!.tokens));
      }
    }
    // Only the first action of a rollout shares tokens.
    expect(inside.every(({ edge }) => edge.start)).toBe(true);
  });

  it('count tokens drawn, read and read again, and cut actions', async () => {
    const [tree] = await grow(1);
    const cost = rolloutCost([tree!], abPolicy);
    const drawn = tree!.edges.map(({ tokens, shared }) => tokens.length - (shared?.tokens ?? 0));
    expect(cost.generatedTokens).toBe(drawn.reduce((a, b) => a + b));
    const read = tree!.edges.map(
      ({ from, shared }) => tree!.nodes[from]!.prompt.tokens!.length + (shared?.tokens ?? 0),
    );
    expect(cost.prefillTokens).toBe(read.reduce((a, b) => a + b));
    // The prompt once, and of every other decision point the last token drawn before it and its observation: up
    // to three tokens and a closing.
    const inner = tree!.nodes.filter(({ children, parent }) => children.length > 0 && parent !== undefined);
    const observations = inner.map(({ parent }) => 1 + Math.min(3, tree!.edges[parent!]!.action.length) + 1);
    for (const { prompt, parent } of inner) {
      const { length } = tree!.edges[parent!]!.action;
      // What is shown is what was read.
      expect(prompt.text).toBe(`${'#'.repeat(Math.min(3, length))}|`);
      expect(prompt.cut ?? false).toBe(length > 3);
    }
    const open = tree!.nodes.filter(({ end, parent }) => end === 'open' && parent !== undefined);
    expect(cost.cutObservations).toBe(
      open.filter(({ parent }) => tree!.edges[parent!]!.action.length > 3).length,
    );
    expect(cost.cutObservations).toBeGreaterThan(0);
    expect(cost.prefillTokensShared).toBe('prompt:'.length + observations.reduce((a, b) => a + b, 0));
    expect(cost.cutActions).toBe(tree!.edges.filter(({ tokens }) => !tokens.includes(98)).length);
  });

  it('give credit and loss to sampled tokens only, never to what the environment wrote', async () => {
    for (const algorithm of [grpo, carl]) {
      const trees = await grow(2);
      const options = algorithm.schema.parse({});
      const rows = trainingRows(trees, algorithm.credit(trees, options as never, createRandom(0)));
      expect(rows.length).toBeGreaterThan(8);
      for (const { record, advantages, oldLogProbs } of rows) {
        // Observations are made of '#', '|' and the prompt; actions of a and b.
        expect(characters.decode(record.tokens)).toMatch(/^[ab]+$/);
        expect(advantages).toHaveLength(record.tokens.length);
        expect(oldLogProbs).toHaveLength(record.tokens.length);
        expect(characters.decode(record.prompt.tokens!)).toMatch(/[:|]$/);
      }
    }
  });

  it('refuse fork points that are not inside an action', async () => {
    const at = (point: ForkPoint) =>
      rollout({
        environment,
        policy: abPolicy,
        tasks: [textTask('p')],
        random: createRandom(0),
        sampling: { temperature: 1 },
        plan: (tree) => [tree.edges.length === 0 ? { node: 0 } : point],
      });
    await expect(at({ edge: 0, tokens: 0 })).rejects.toThrow(
      'edge 0 cannot be forked after 0 tokens: valid: 1 to',
    );
    await expect(at({ edge: 0, tokens: 99 })).rejects.toThrow('cannot be forked after 99 tokens');
    await expect(at({ edge: 70, tokens: 1 })).rejects.toThrow('no such edge');
  });

  it('average what the environment counts over the episodes where it is defined', async () => {
    const loaded = {
      environment: {
        ...environment,
        metrics: [
          {
            name: 'tool_calls',
            unit: 'calls',
            description: '',
            of: (state: readonly string[]) => state.length,
          },
          { name: 'gold_recall', unit: '0..1', description: '', of: () => null },
        ],
      },
      tasks: { train: [], dev: [], test: [] },
      fingerprint: '',
    };
    const trees = await grow(1, 0);
    const turns = trees.flatMap((tree) => leaves(tree).map(({ depth }) => depth));
    expect(score(trees, loaded as never).metrics).toEqual({
      tool_calls: turns.reduce((a, b) => a + b) / turns.length,
      gold_recall: null,
    });
  });

  it('need a policy that writes text, and text policies need them', async () => {
    const request = {
      tasks: [textTask('p')],
      random: createRandom(0),
      sampling: { temperature: 1 },
      plan: () => [],
    };
    await expect(rollout({ ...request, environment, policy: createTabularPolicy() })).rejects.toThrow(
      'policy tabular chooses from lists of actions, and in counting/v1 actions are free text',
    );
    const { text: _, ...listed } = { ...environment, actions: () => ['a'] };
    await expect(rollout({ ...request, environment: listed, policy: abPolicy })).rejects.toThrow(
      'policy ab writes free text, and counting/v1 lists its actions',
    );
  });

  it('wait for what an environment has to fetch, and ask once for all of a step', async () => {
    const calls: string[][] = [];
    const fetched = new Set<string>();
    await rollout({
      environment: {
        ...environment,
        prepare: async (steps) => {
          await Promise.resolve();
          calls.push(steps.map(({ action }) => action));
          for (const { action } of steps) fetched.add(action);
        },
        step: (state: readonly string[], action, random) => {
          expect(fetched).toContain(action);
          return environment.step(state, action, random);
        },
      },
      policy: abPolicy,
      tasks: [textTask('p')],
      random: createRandom(0),
      sampling: { temperature: 1 },
      plan: (tree) => (tree.edges.length === 0 ? [{ node: 0 }, { node: 0 }, { node: 0 }] : []),
    });
    expect(calls[0]).toHaveLength(3);
  });
});

describe('checkPrefixes', () => {
  it('finds a context, an action or a shared beginning that is not what was sampled', async () => {
    const trees = await grow(1);
    const tree = trees[0]!;
    expect(() => checkPrefixes(tree)).not.toThrow();
    const change = (tokens: ArrayLike<number>, at: number): number[] =>
      Array.from(tokens, (id, index) => (index === at ? id + 1 : id));
    const inner = tree.edges.find(({ to }) => tree.nodes[to]!.end === 'open')!;
    const context = tree.nodes[inner.to]!.prompt.tokens!;
    const before = tree.nodes[inner.from]!.prompt.tokens!.length;
    const broken = (at: number): RolloutTree => ({
      ...tree,
      nodes: tree.nodes.map((node) =>
        node.id === inner.to
          ? { ...node, prompt: { ...node.prompt, tokens: Int32Array.from(change(context, at)) } }
          : node,
      ),
    });
    expect(() => checkPrefixes(broken(0))).toThrow('the context before it is not what was sampled');
    expect(() => checkPrefixes(broken(before))).toThrow('the action in the context after it');
    const short = {
      ...tree,
      nodes: tree.nodes.map((node) =>
        node.id === inner.to
          ? { ...node, prompt: { ...node.prompt, tokens: context.slice(0, before) } }
          : node,
      ),
    };
    expect(() => checkPrefixes(short)).toThrow('the context after it');
    const fork = tree.edges.find(({ shared }) => shared !== undefined)!;
    const retokenised = {
      ...tree,
      edges: tree.edges.map((edge) => (edge === fork ? { ...edge, tokens: change(edge.tokens, 0) } : edge)),
    };
    expect(() => checkPrefixes(retokenised)).toThrow('the shared beginning of the action');
  });
});
