import { describe, expect, it } from 'vitest';
import { createRandom } from '../../core/random.ts';
import type { ActionRecord, TrainablePolicy } from '../policy.ts';
import { createTabularPolicy } from './index.ts';

const sampling = { temperature: 0.7 };
const prompts = ['a', 'b', 'c'].map((text) => ({ text, actions: ['x', 'y', 'z'] }));
const records: readonly ActionRecord[] = [
  { prompt: prompts[0]!, tokens: [0] },
  { prompt: prompts[1]!, tokens: [2] },
  { prompt: prompts[0]!, tokens: [1] },
];
const WEIGHTS = [0.3, -1.2, 0.8];

async function table(seed = 1): Promise<TrainablePolicy> {
  const policy = createTabularPolicy({
    initial: (_, action) => action / 2,
    shared: { size: 5, random: createRandom(seed) },
  });
  await policy.distributions(prompts, sampling);
  return policy;
}

const loss = async (policy: TrainablePolicy): Promise<number> => {
  const logProbs = await policy.logProbs(records, sampling);
  return logProbs.reduce((sum, values, index) => sum + WEIGHTS[index]! * values[0]!, 0);
};

describe('shared parameters of a table', () => {
  it('start with no effect, come first, and have the gradient of finite differences', async () => {
    const policy = await table();
    const start = policy.parameters();
    expect(start).toHaveLength(5 + 9);
    expect([...start.subarray(0, 5)]).toEqual([0, 0, 0, 0, 0]);
    const at = start.map((value, index) => value + Math.sin(index));
    policy.setParameters(at);
    const gradient = await policy.gradient(
      records,
      () => WEIGHTS.map((weight) => Float64Array.of(weight)),
      sampling,
    );
    for (let index = 0; index < at.length; index++) {
      const moved = async (shift: number): Promise<number> => {
        policy.setParameters(at.map((value, place) => value + (place === index ? shift : 0)));
        return loss(policy);
      };
      const difference = ((await moved(1e-5)) - (await moved(-1e-5))) / 2e-5;
      expect(gradient[index]).toBeCloseTo(difference, 8);
    }
  });

  it('move states that were not trained, and by phi that are drawn by state and action', async () => {
    const [one, other, again] = [await table(1), await table(2), await table(1)];
    const moved = async (policy: TrainablePolicy) => {
      const before = await policy.distributions([prompts[2]!], sampling);
      const parameters = policy.parameters();
      parameters[0] = 1;
      policy.setParameters(parameters);
      const after = await policy.distributions([prompts[2]!], sampling);
      return [...after[0]!].map((value, action) => value - before[0]![action]!);
    };
    const first = await moved(one);
    expect(first.some((value) => Math.abs(value) > 0.01)).toBe(true);
    expect(await moved(again)).toEqual(first);
    expect(await moved(other)).not.toEqual(first);
  });
});
