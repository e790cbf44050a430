import { describe, expect, it } from 'vitest';
import { packageInfo } from '../../core/package.ts';
import { createRandom } from '../../core/random.ts';
import { STOP_OR_SEARCH_LOGITS, stopOrSearchExact } from '../../envs/diagnostic/stop-or-search.ts';
import { ENVIRONMENTS, findEnvironment } from '../../envs/registry.ts';
import { type Policy, type TrainablePolicy, trainable } from '../../policies/policy.ts';
import { findPolicy } from '../../policies/registry.ts';
import { createTabularPolicy } from '../../policies/tabular/index.ts';
import { evaluate } from '../rollout/evaluate.ts';
import { exactGradient, solve } from './oracle.ts';
import { auditPolicy } from './policies.ts';

const sampling = { temperature: 1 };
const cacheDirectory = `${packageInfo().root}/.creditbench`;

/** The slope of the exact value along a random direction, by central differences. */
async function slopeAlong(
  policy: TrainablePolicy,
  direction: Float64Array,
  step: number,
  value: () => Promise<number>,
): Promise<number> {
  const start = Float64Array.from(policy.parameters());
  const at = async (delta: number) => {
    policy.setParameters(start.map((parameter, index) => parameter + delta * direction[index]!));
    return value();
  };
  const slope = ((await at(step)) - (await at(-step))) / (2 * step);
  policy.setParameters(start);
  return slope;
}

describe('solve', () => {
  it('has the closed form of stop-or-search', async () => {
    const { environment, tasks } = await findEnvironment('stop-or-search').load(
      { searchReward: 0 },
      { cacheDirectory },
    );
    const policy = createTabularPolicy(STOP_OR_SEARCH_LOGITS);
    const oracle = await solve({ environment, task: tasks.train[0]!, policy, sampling });
    const exact = stopOrSearchExact();
    expect(oracle.value).toBeCloseTo(exact.expectedReturn, 14);
    const gradient = await exactGradient(oracle, policy, sampling);
    expect(gradient[1]).toBeCloseTo(exact.gradient.search, 14);
    expect(gradient[2]).toBeCloseTo(exact.gradient.A, 14);
  });

  it.each(
    ENVIRONMENTS.filter(({ tags }) => tags?.includes('diagnostic')).map((spec) => [spec.id, spec] as const),
  )('has the gradient of its own value on %s, stochastic transitions included', async (id, spec) => {
    const { environment, tasks } = await spec.load(spec.schema.parse({}) as never, { cacheDirectory });
    const policy = auditPolicy('random:3', id);
    const value = async () => (await solve({ environment, task: tasks.train[0]!, policy, sampling })).value;
    const oracle = await solve({ environment, task: tasks.train[0]!, policy, sampling });
    const gradient = await exactGradient(oracle, policy, sampling);
    const random = createRandom(1);
    const direction = gradient.map(() => 2 * random.uniform() - 1);
    const slope = await slopeAlong(policy, direction, 1e-5, value);
    expect(gradient.reduce((sum, g, index) => sum + g * direction[index]!, 0)).toBeCloseTo(slope, 8);
    expect(Math.abs(slope)).toBeGreaterThan(1e-4);
  });

  it('is exact for the transformer on multihop/v1, too', async () => {
    const loaded = await findEnvironment('multihop').load({ maxTurns: 4 }, { cacheDirectory });
    const spec = findPolicy('transformer');
    const options = spec.schema.parse({
      modelSize: 16,
      headSize: 8,
      heads: 2,
      kvHeads: 1,
      ffnSize: 32,
      layers: 1,
    });
    const task = loaded.tasks.dev.find(({ hops }) => hops === 2)!;
    const policy = trainable(
      await spec.create({
        options,
        assets: await spec.assets([task.question], options),
        backend: 'wasm',
        random: createRandom(0),
      }),
    );
    // Weights large enough for the policy to be far from uniform.
    policy.setParameters(policy.parameters().map((weight) => 4 * weight));
    const request = { environment: loaded.environment, task, policy: policy as Policy, sampling };
    const oracle = await solve(request);
    expect(oracle.states.size).toBeGreaterThan(20);

    const episodes = 4000;
    const { return: reward } = await evaluate({
      ...{ loaded, policy, tasks: [task], episodes, decoding: 'sample' as const, sampling },
      random: createRandom(2),
    });
    // Returns lie in [0, 1] with mean v: their variance is at most v (1 - v).
    const error = Math.sqrt((oracle.value * (1 - oracle.value)) / episodes);
    expect(Math.abs(reward - oracle.value)).toBeLessThan(4 * error);

    const gradient = await exactGradient(oracle, policy, sampling);
    const norm = Math.hypot(...gradient);
    // Along the gradient itself, where float32 noise is smallest beside the slope.
    const direction = gradient.map((g) => g / norm);
    const slope = await slopeAlong(policy, direction, 1e-3, async () => (await solve(request)).value);
    expect(slope / norm).toBeCloseTo(1, 2);
    policy.dispose();
  });

  it('refuses environments that it would get wrong', async () => {
    const { environment, tasks } = await findEnvironment('stop-or-search').load(
      { searchReward: 0 },
      { cacheDirectory },
    );
    const policy = createTabularPolicy();
    const on = (change: object) =>
      solve({ environment: { ...environment, ...change }, task: tasks.train[0]!, policy, sampling });
    await expect(on({ markov: false })).rejects.toThrow('Markov');
    await expect(on({ key: undefined })).rejects.toThrow('key()');
    await expect(on({ key: () => 'same' })).rejects.toThrow('cycle');
  });
});
