import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { CATALOG } from '../../catalog.ts';
import { STOP_OR_SEARCH_TASK, stopOrSearch } from '../../envs/diagnostic/stop-or-search.ts';
import { loadEnvironment } from './load-environment.ts';

const whole = {
  environment: stopOrSearch(),
  tasks: { train: [STOP_OR_SEARCH_TASK], dev: [STOP_OR_SEARCH_TASK], test: [] },
  fingerprint: 'x',
};
const load = (loaded: unknown) =>
  loadEnvironment(
    { id: 'mine/v1', title: '', schema: z.object({}), load: async () => loaded as never },
    {},
    { cacheDirectory: '' },
  );
const withEnvironment = (change: object) => ({ ...whole, environment: { ...whole.environment, ...change } });
const withTask = (change: object) => ({
  ...whole,
  tasks: { ...whole.tasks, dev: [{ ...STOP_OR_SEARCH_TASK, ...change }] },
});

describe('what an environment loads', () => {
  it('is taken where it is whole', async () => {
    expect(await load(whole)).toBe(whole);
    for (const spec of CATALOG.environments.filter(({ tags }) => tags?.includes('diagnostic'))) {
      await loadEnvironment(spec, spec.schema.parse({}), { cacheDirectory: '' });
    }
  });

  it.each<[string, unknown, string]>([
    ['nothing', undefined, 'missing; valid: { environment, tasks, fingerprint }'],
    ['no environment', { ...whole, environment: undefined }, 'environment is missing'],
    ['no range', withEnvironment({ rewardRange: undefined }), 'environment.rewardRange is missing'],
    ['an inverted range', withEnvironment({ rewardRange: [1, 0] }), 'environment.rewardRange is [1,0]'],
    ['a range of NaN', withEnvironment({ rewardRange: [0, Number.NaN] }), 'environment.rewardRange is'],
    ['no reset', withEnvironment({ reset: undefined }), 'environment.reset is missing; valid: a function'],
    ['no step', withEnvironment({ step: 1 }), 'environment.step is 1; valid: a function'],
    ['a key that is none', withEnvironment({ key: 'k' }), 'environment.key is "k"; valid: a function, or'],
    ['neither kind', withEnvironment({ actions: undefined }), 'environment has neither actions nor text'],
    ['both kinds', withEnvironment({ text: { stops: ['x'] } }), 'environment has both actions and text'],
    ['a protocol without stops', withEnvironment({ text: {} }), 'environment.text.stops is missing'],
    ['metrics that count nothing', withEnvironment({ metrics: [{ name: 'm' }] }), 'environment.metrics is'],
    ['no tasks', { ...whole, tasks: undefined }, 'tasks is missing; valid: { train, dev, test }'],
    ['a split too few', { ...whole, tasks: { train: [], dev: [] } }, 'tasks.test is missing'],
    ['a task without answers', withTask({ answers: undefined }), 'tasks.dev[0].answers is missing; valid: a'],
    ['a task without id', withTask({ id: 3 }), 'tasks.dev[0].id is 3; valid: a text'],
    ['no fingerprint', { ...whole, fingerprint: '' }, 'fingerprint is ""; valid: a text'],
  ])('is refused where it has %s', async (_, loaded, message) => {
    const work = load(loaded);
    await expect(work).rejects.toMatchObject({ name: 'InputError' });
    await expect(work).rejects.toThrow('mine/v1: what load gives is no environment: ');
    await expect(work).rejects.toThrow(message);
  });
});
