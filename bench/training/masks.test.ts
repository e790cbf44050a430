import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AnyAlgorithm, CreditedAction } from '../../algorithms/algorithm.ts';
import type { LossRow } from '../../algorithms/loss-row.ts';
import { evaluateLoss } from '../../algorithms/objective.ts';
import { ALGORITHMS } from '../../algorithms/registry.ts';
import type { RolloutTree } from '../../algorithms/tree.ts';
import { createRandom } from '../../core/random.ts';
import type { Environment } from '../../envs/environment.ts';
import type { TrainablePolicy } from '../../policies/policy.ts';
import { createPolicy } from '../../policies/text-transformer/letters.test-helper.ts';
import { rollout } from '../rollout/engine.ts';
import { textTask } from '../text.test-helper.ts';
import { headStates, readHeads } from './heads.ts';
import { type TrainingRow, trainingRows } from './update.ts';

/** Actions of one to five letters, observations of four tokens that an action could contain too, up to three turns. */
const letters: Environment<readonly string[]> = {
  id: 'letters/v1',
  markov: false,
  rewardRange: [0, 1],
  text: { stops: ['b'], maxActionTokens: 5, maxObservationTokens: 3, answering: 'a' },
  reset: () => [],
  observe: (state) => (state.length === 0 ? { text: 'q' } : { text: 'abc', closing: 'd' }),
  step: (state, action) => {
    const sum = [...action].reduce((total, letter) => total + letter.codePointAt(0)!, 0);
    const terminated = sum % 3 === 0;
    const truncated = !terminated && state.length === 2;
    const reward = terminated || truncated ? (sum % 5) / 4 : 0;
    return { state: [...state, action], reward, terminated, truncated };
  },
  answer: (state) => state.at(-1) ?? '',
};
const sampling = { temperature: 1 };

let policy: TrainablePolicy;
beforeAll(async () => {
  policy = await createPolicy();
});
afterAll(() => {
  policy.dispose();
});

interface Case {
  readonly trees: readonly RolloutTree[];
  readonly actions: readonly CreditedAction[];
  readonly rows: readonly (TrainingRow & LossRow)[];
  /** Of the algorithm's own loss; the gradients at every token are put into `gradients`. */
  gradient(rows: readonly TrainingRow[], gradients?: Float64Array[]): Promise<Float32Array | Float64Array>;
}

async function credited(algorithm: AnyAlgorithm): Promise<Case> {
  const options = algorithm.schema.parse(algorithm.budget(6));
  const grown = await rollout({
    environment: letters,
    policy,
    plan: (tree, random) => algorithm.next(tree, options, random),
    tasks: ['r', 's', 't'].map(textTask),
    random: createRandom(7),
    sampling,
    measuring: { needs: algorithm.needs?.(options) ?? [] },
    expert: () => 'cab',
  });
  const heads = headStates(algorithm.heads?.(options) ?? []);
  const { trees } = await readHeads(grown, heads, policy, sampling);
  const { actions } = algorithm.credit(trees, options, createRandom(8));
  const rows = trainingRows(trees, { actions }).map((row) => ({
    ...row,
    referenceLogProbs: row.oldLogProbs,
  }));
  const objective = algorithm.objective(options);
  return {
    trees,
    actions,
    rows,
    gradient: (chosen, gradients = []) =>
      policy.gradient(
        chosen.map(({ record }) => record),
        (logProbs) => {
          gradients.push(...evaluateLoss(objective, chosen, logProbs).gradient);
          return gradients;
        },
        sampling,
      ),
  };
}

const norm = (values: Float32Array | Float64Array): number => Math.hypot(...values);

describe.each(ALGORITHMS.map((algorithm) => [algorithm.id, algorithm as AnyAlgorithm] as const))(
  'the gradient of %s',
  (_, algorithm) => {
    it('is of tokens that were written, never of prompts or observations', async () => {
      const { trees, rows } = await credited(algorithm);
      expect(rows.length).toBeGreaterThan(0);
      for (const { tree, edge, record } of rows) {
        // The context is taken apart by what the environment says, not by what the engine stored.
        const written: boolean[] = [];
        let node = trees[tree]!.nodes[trees[tree]!.edges[edge]!.to]!;
        while (node.parent !== undefined) {
          const { from, tokens } = trees[tree]!.edges[node.parent]!;
          written.unshift(...tokens.map(() => true));
          node = trees[tree]!.nodes[from]!;
          // The question is one token, an observation four.
          written.unshift(...Array.from({ length: node.parent === undefined ? 1 : 4 }, () => false));
        }
        const start = record.prompt.tokens!.length;
        expect(written).toHaveLength(start + record.tokens.length);
        expect(written.slice(start).every(Boolean)).toBe(true);
        expect(written[start - 1]).toBe(false);
      }
    });

    it('is the same in one batch with padding and one row at a time', async () => {
      const { rows, gradient } = await credited(algorithm);
      const gradients: Float64Array[] = [];
      const whole = await gradient(rows, gradients);
      expect(whole.every(Number.isFinite)).toBe(true);
      expect(norm(whole)).toBeGreaterThan(0);
      const sum = new Float64Array(whole.length);
      for (const [index, { record }] of rows.entries()) {
        const alone = await policy.gradient([record], () => [gradients[index]!], sampling);
        for (const [at, value] of alone.entries()) sum[at]! += value;
      }
      expect(norm(sum.map((value, index) => value - whole[index]!))).toBeLessThan(1e-5 * (1 + norm(whole)));
    });

    it('does not change with what is dropped, nor with tokens of weight 0', async () => {
      const { trees, actions, rows, gradient } = await credited(algorithm);
      const before = await gradient(rows);
      const trained = new Set(rows.map(({ tree, edge }) => `${tree}/${edge}`));
      // What is not trained is overwritten; contexts of what is trained stay.
      const changed = trees.map((tree, index) => ({
        ...tree,
        edges: tree.edges.map((edge) =>
          trained.has(`${index}/${edge.id}`)
            ? edge
            : { ...edge, tokens: edge.tokens.map(() => 0), logProbs: edge.tokens.map(() => -9) },
        ),
      }));
      const again = trainingRows(changed, { actions }).map((row) => ({
        ...row,
        referenceLogProbs: row.oldLogProbs,
      }));
      expect(await gradient(again)).toEqual(before);
      for (const row of rows) {
        if (row.weights === undefined) continue;
        expect(row.weights.some((weight) => weight > 0)).toBe(true);
      }
      const objective = algorithm.objective(algorithm.schema.parse(algorithm.budget(6)));
      const { gradient: gradients } = evaluateLoss(
        objective,
        rows,
        rows.map(({ oldLogProbs }) => oldLogProbs),
      );
      for (const [index, { weights }] of rows.entries()) {
        for (const [t, weight] of (weights ?? []).entries()) {
          if (weight === 0) expect(Math.abs(gradients[index]![t]!)).toBe(0);
        }
      }
    });
  },
);

describe('these checks', () => {
  it('would notice a trained observation', async () => {
    const { trees, rows } = await credited(ALGORITHMS.find(({ id }) => id === 'grpo')!);
    const row = rows.find(({ tree, edge }) => trees[tree]!.nodes[trees[tree]!.edges[edge]!.from]!.depth > 0)!;
    const tokens = [...row.record.prompt.tokens!];
    // The last observation token taken for the first of the action.
    const shifted = {
      prompt: { text: '', tokens: Int32Array.from(tokens.slice(0, -1)) },
      tokens: [tokens.at(-1)!],
    };
    const whole = await policy.gradient(
      [row.record],
      (logProbs) => logProbs.map((l) => l.map(() => 1)),
      sampling,
    );
    const wrong = await policy.gradient(
      [row.record, shifted],
      (logProbs) => logProbs.map((l) => l.map(() => 1)),
      sampling,
    );
    expect(norm(whole.map((value, index) => value - wrong[index]!))).toBeGreaterThan(1e-2 * norm(whole));
  });
});
