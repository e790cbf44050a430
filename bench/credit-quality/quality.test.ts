import { describe, expect, it } from 'vitest';
import { InputError } from '../../core/errors.ts';
import { keyDoor } from '../../envs/diagnostic/key-door.ts';
import { createTabularPolicy } from '../../policies/tabular/index.ts';
import { abPolicy, counting } from '../text.test-helper.ts';
import { ADVANTAGES, alike, named, saying, stopping, valuesOf } from './made-up.test-helper.ts';
import { creditQuality } from './quality.ts';
import { qualityFiles } from './tables.ts';

describe('the measures, on advantages known by hand', () => {
  const measure = async (...credits: ((action: string) => number)[]) => measureOn(12, ...credits);
  const measureOn = async (questions: number, ...credits: ((action: string) => number)[]) => {
    const methods = credits.map((credit, index) => ({ name: `told ${index}`, algorithm: saying(credit) }));
    const { methods: found } = await creditQuality({
      ...stopping(questions),
      methods,
      budget: 240 / questions,
    });
    return found.map(valuesOf);
  };

  it('credit that is the advantage is perfect, at any scale', async () => {
    const [same, doubled] = await measure(
      (action) => ADVANTAGES[action]!,
      (action) => 2 * ADVANTAGES[action]!,
    );
    for (const values of [same!, doubled!]) {
      for (const name of ['pearson', 'pearson_within', 'spearman', 'explained', 'coverage'] as const) {
        expect(values[name], name).toBeCloseTo(1, 10);
      }
      for (const name of ['sign_errors', 'mse', 'bias_first', 'bias_middle', 'bias_last'] as const) {
        // All actions of stop-or-search are first or last.
        if (name === 'bias_middle') expect(values[name]).toBeNaN();
        else expect(values[name], name).toBeCloseTo(0, 10);
      }
    }
    expect(same!.scale).toBeCloseTo(1, 10);
    expect(doubled!.scale).toBeCloseTo(0.5, 10);
  });

  it('credit of the opposite sign is always wrong and explains nothing', async () => {
    const [opposite] = await measure((action) => -ADVANTAGES[action]!);
    expect(opposite!.pearson).toBeCloseTo(-1, 10);
    expect(opposite!.spearman).toBeCloseTo(-1, 10);
    expect(opposite).toMatchObject({ sign_errors: 1, explained: 0, explained_per_1000: 0, scale: 0 });
    expect(opposite!.mse).toBe(opposite!.mse_of_zero);
  });

  it('no credit counts half as a wrong sign, and covers and explains nothing', async () => {
    const [nothing] = await measure(() => 0);
    expect(nothing).toMatchObject({ sign_errors: 0.5, coverage: 0, explained: 0, scale: 0 });
    expect(nothing!.pearson).toBeNaN();
  });

  it('credit for the last actions alone covers their squares and is paid for them alone', async () => {
    const [last, whole] = await measure(
      (action) => (action === 'A' || action === 'B' ? ADVANTAGES[action]! : 0),
      (action) => ADVANTAGES[action]!,
    );
    expect(last!.coverage).toBeGreaterThan(0.9);
    expect(last!.coverage).toBeLessThan(1);
    expect(last!.explained).toBeCloseTo(last!.coverage, 10);
    expect(last!.explained_per_1000).toBeCloseTo(whole!.explained_per_1000 * last!.coverage, 10);
    expect(last!.bias_first).not.toBeCloseTo(0, 4);
  });

  it('a constant beside the advantage is bias, of both positions alike', async () => {
    const [shifted] = await measure((action) => ADVANTAGES[action]! + 0.2);
    expect(shifted!.pearson).toBeCloseTo(1, 10);
    expect(shifted!.explained).toBeLessThan(0.9);
    expect(shifted!.bias_first).toBeGreaterThan(0.05);
    expect(shifted!.bias_last).toBeGreaterThan(0);
  });

  it('the gradient that credit makes in a table is set against the exact one', async () => {
    const [one, opposite, all, last] = await measureOn(
      1,
      // Credit for one action of the start alone: its gradient and the exact one point along the same line there.
      (action) => (action === 'search' ? 1 : 0),
      (action) => (action === 'search' ? -1 : 0),
      (action) => ADVANTAGES[action]!,
      (action) => (action === 'A' ? 1 : 0),
    );
    // By hand: (visits of the state) * (probability) * (advantage) of either action, equal and opposite.
    const [search, a] = [0.4, -0.6].map((logit) => 1 / (1 + Math.exp(-logit))) as [number, number];
    const [first, second] = [search * ADVANTAGES.search!, search * a * ADVANTAGES.A!];
    const share = first / Math.hypot(first, second);
    expect(one!.gradient_cosine).toBeCloseTo(share, 10);
    expect(opposite!.gradient_cosine).toBeCloseTo(-share, 10);
    expect(last!.gradient_cosine).toBeCloseTo(Math.sqrt(1 - share ** 2), 10);
    // All of it: only how often each action was sampled is left to chance.
    expect(all!.gradient_cosine).toBeGreaterThan(0.98);
    const { methods } = await creditQuality({ ...stopping(4), truths: [4] });
    expect(valuesOf(methods[0]!).gradient_cosine).toBeNaN();
  });

  it('negative controls are held by their intervals: no correlation, half of the signs', async () => {
    const request = { ...stopping(120), methods: named('grpo', 'random-credit', 'shuffled-credit') };
    const { methods } = await creditQuality(request);
    for (const { measures, differences } of methods.slice(1)) {
      expect(measures.pearson.low).toBeLessThan(0);
      expect(measures.pearson.high).toBeGreaterThan(0);
      expect(measures.sign_errors.low).toBeLessThan(0.5);
      expect(measures.sign_errors.high).toBeGreaterThan(0.5);
      expect(measures.explained.value).toBeLessThan(0.01);
      expect(differences!.explained.interval.high).toBeLessThan(0);
      expect(differences!.explained.pHolm).toBeLessThan(0.001);
    }
    expect(methods[0]!.differences).toBeNull();
    expect(methods[0]!.measures.pearson.low).toBeGreaterThan(0.3);
  });
});

describe('equal budgets', () => {
  it('every method draws the budget, and at most one round more', async () => {
    const methods = named('grpo', 'carl', 'vineppo', 'dapo', 'ppo');
    const { methods: found } = await creditQuality({ ...stopping(10), methods, budget: 100 });
    for (const { name, questions } of found) {
      const tokens = questions.reduce((sum, one) => sum + one.sampledTokens, 0) / 10;
      expect(tokens, name).toBeGreaterThanOrEqual(100);
      // A tree has 8 rollouts of at most 2 actions.
      expect(tokens, name).toBeLessThan(116);
    }
  });

  it('a method with a critic is fitted on half of it, which counts; without features it is left out and named', async () => {
    const request = { ...stopping(10), methods: named('grpo', 'ppo'), budget: 200 };
    const { methods } = await creditQuality(request);
    const [outcome, critic] = methods.map(({ questions }) => questions[0]!);
    expect(critic!.actions / outcome!.actions).toBeGreaterThan(0.3);
    expect(critic!.actions / outcome!.actions).toBeLessThan(0.7);
    expect(critic!.sampledTokens).toBe(outcome!.sampledTokens);
    const { features: _, ...policy } = request.policy as typeof request.policy & { features: unknown };
    const without = await creditQuality({ ...request, policy });
    expect(without.methods.map(({ name }) => name)).toEqual(['grpo']);
    expect(without.skipped).toEqual([
      { name: 'ppo', reason: 'it trains a model on features of the policy, and tabular gives none' },
    ]);
    await expect(creditQuality({ ...request, policy, methods: named('ppo') })).rejects.toThrow(
      'no method can be measured: ppo: it trains',
    );
  });
});

describe('what decides the numbers', () => {
  it('the seed: the same bytes for the same, whatever else is measured', async () => {
    const files = async (change: object) =>
      qualityFiles(await creditQuality({ ...stopping(6), truths: [4, 'exact'], ...change }));
    const once = await files({});
    expect(await files({})).toEqual(once);
    expect(await files({ seed: 1 })).not.toEqual(once);
    const rowsOf = (all: typeof once, name: string) =>
      all['credit-quality-questions.csv']!.split('\n').filter((line) => line.startsWith(`${name},`));
    const more = await files({ methods: named('carl', 'grpo') });
    expect(rowsOf(more, 'grpo')).toEqual(rowsOf(once, 'grpo'));
    expect(rowsOf(more, 'carl')).toHaveLength(12);
  });

  it('with fewer actions looked at, those that are stand for all', async () => {
    const all = await creditQuality({ ...stopping(200), budget: 60 });
    const some = await creditQuality({ ...stopping(200), budget: 60, actions: 8 });
    const [whole, sampled] = [all, some].map(({ methods }) => methods[0]!);
    for (const [index, { actions }] of sampled!.questions.entries()) {
      expect(actions).toBeCloseTo(whole!.questions[index]!.actions, 9);
    }
    for (const name of ['pearson', 'explained', 'sign_errors', 'mse_of_zero'] as const) {
      const { low, high } = sampled!.measures[name];
      expect(whole!.measures[name].value, name).toBeGreaterThan(low!);
      expect(whole!.measures[name].value, name).toBeLessThan(high!);
    }
  });

  it.each([
    ['questions: 7', { questions: 7 }, '--questions: 7 is not valid; valid: whole number from 1 to 6'],
    [
      'truth: exact',
      { loaded: alike(counting(1), 6), policy: abPolicy, truths: ['exact'] as const },
      "--truth: 'exact' is not valid for counting",
    ],
  ])('refuses %s', async (_, change, message) => {
    const asked = creditQuality({ ...stopping(6), ...change });
    await expect(asked).rejects.toThrow(message);
    await expect(asked).rejects.toThrow(InputError);
  });

  it('stops when the signal says so', async () => {
    const controller = new AbortController();
    const onProgress = () => controller.abort(new Error('enough'));
    const asked = creditQuality({ ...stopping(6), signal: controller.signal, onProgress });
    await expect(asked).rejects.toThrow('enough');
  });
});

describe('a sampled truth', () => {
  it('gives the measures of the exact one, its noise taken off', async () => {
    const { methods, agreements } = await creditQuality({ ...stopping(400), truths: ['exact', 4] });
    const [exact, sampled] = methods.map(({ measures }) => measures);
    for (const name of ['pearson', 'pearson_within', 'explained', 'mse', 'mse_of_zero', 'scale'] as const) {
      expect(exact![name].value, name).toBeGreaterThan(sampled![name].low!);
      expect(exact![name].value, name).toBeLessThan(sampled![name].high!);
    }
    // Four rollouts are so few that without the correction all of this would be far off.
    expect(sampled!.pearson_observed.high!).toBeLessThan(exact!.pearson.value - 0.05);
    const [{ squaredError, statedSquaredError, bias, biasError }] = agreements as never as [
      (typeof agreements)[number],
    ];
    expect(Math.abs(bias)).toBeLessThan(4 * biasError!);
    expect(statedSquaredError / squaredError).toBeGreaterThan(0.9);
    expect(statedSquaredError / squaredError).toBeLessThan(1.1);
  });

  it('is right where the environment draws', async () => {
    const request = {
      ...stopping(60),
      loaded: alike(keyDoor({ length: 2, distractor: 0.5 }), 60),
      policy: createTabularPolicy(),
    };
    const { agreements } = await creditQuality({ ...request, truths: [32, 'exact'] });
    const { bias, biasError, correlation } = agreements[0]!;
    expect(Math.abs(bias)).toBeLessThan(4 * biasError!);
    expect(correlation).toBeGreaterThan(0.9);
  });

  it('is right in free text, from contexts as they were sampled', async () => {
    // An action is as many letters as it takes to a b, six at most, and pays its length; 'b' alone ends the episode.
    const length = (1 - 0.75 ** 6) / 0.25;
    const [second, first] = [length, length + 0.75 * length];
    const truth = (action: string, text: string): number =>
      text === 'prompt:' ? action.length + (action === 'b' ? 0 : second) - first : action.length - second;
    const { methods, settings } = await creditQuality({
      loaded: alike(counting(2), 120),
      policy: abPolicy,
      methods: [{ name: 'told', algorithm: saying(truth) }],
      budget: 40,
      rollouts: 4,
      questions: 120,
      truths: [64],
      actions: 6,
    });
    expect(settings.actions).toBe(6);
    const { pearson, explained, scale } = methods[0]!.measures;
    for (const one of [pearson, explained, scale]) {
      expect(one.low!).toBeLessThan(1.001);
      expect(one.high!).toBeGreaterThan(0.999);
      expect(one.value).toBeGreaterThan(0.95);
    }
  });
});
