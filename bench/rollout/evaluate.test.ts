import { describe, expect, it } from 'vitest';
import { createRandom } from '../../core/random.ts';
import type { Environment, LoadedEnvironment, Task } from '../../envs/environment.ts';
import { ANSWER_METRICS } from '../../envs/scoring/answer.ts';
import { createSearch } from '../../envs/search/environment.ts';
import { answerWith, searchFor, settings, TASK } from '../../envs/search/fake.test-helper.ts';
import { createTabularPolicy } from '../../policies/tabular/index.ts';
import { evaluate, scoreEpisode } from './evaluate.ts';

const task: Task = { id: 'q', question: 'Which way?', answers: ['A'], kind: 'test', hops: 1 };

/** One turn: the action is the answer, or 'leave', which gives none. Taking '+' pays 3, all else costs 1. */
const choice: Environment<string> = {
  id: 'choice/v1',
  markov: true,
  rewardRange: [-1, 3],
  reset: () => '',
  observe: () => ({ text: 'here' }),
  actions: () => ['A', '+', 'leave'],
  step: (_, action) => ({
    state: action,
    reward: action === '+' ? 3 : -1,
    terminated: true,
    truncated: false,
  }),
  answer: (state) => (state === 'leave' || state === '' ? undefined : state),
  answerKind: 'labels',
  metrics: [
    { name: 'letters', unit: 'letters', description: 'letters taken', of: (state) => state.length },
    { name: 'nothing', unit: '0..1', description: 'never defined', of: () => null },
  ],
};
const loadedAs = (changes: Partial<Environment<string>>, answers = ['A']): LoadedEnvironment<string> => {
  const tasks = [0, 1].map((number) => ({ ...task, id: `q${number}`, answers }));
  return {
    environment: { ...choice, ...changes },
    tasks: { train: tasks, dev: tasks, test: tasks },
    fingerprint: '',
  };
};

/** Scores of a policy that always takes one action. */
function scores(action: string, loaded = loadedAs({})) {
  const policy = createTabularPolicy({
    initial: (_, index) => (choice.actions!('')[index] === action ? 0 : -99),
  });
  return evaluate({
    loaded: loaded as LoadedEnvironment,
    policy,
    tasks: loaded.tasks.dev,
    episodes: 3,
    decoding: 'sample',
    sampling: { temperature: 1 },
    random: createRandom(1),
  });
}

describe('labels', () => {
  it('are right if they are the same, though prose would leave nothing of them', async () => {
    expect(await scores('A')).toMatchObject({ f1: 1, em: 1, return: -1 });
    expect(await scores('+')).toMatchObject({ f1: 0, em: 0 });
    expect(await scores('+', loadedAs({}, ['...', '+']))).toMatchObject({ f1: 1, em: 1 });
    // As text 'A' and '+' are the same nothing: exact match for the wrong one, and F1 0 for the right one.
    const prose = loadedAs({ answerKind: 'text' });
    expect(await scores('+', prose)).toMatchObject({ f1: 0, em: 1 });
  });
});

describe('no answer', () => {
  it('scores 0, whatever is accepted', async () => {
    expect(await scores('leave')).toMatchObject({ f1: 0, em: 0 });
    expect(await scores('leave', loadedAs({ answerKind: 'text' }, ['The The']))).toMatchObject({
      f1: 0,
      em: 0,
    });
  });

  const environment = createSearch(settings());
  const state = (...actions: readonly string[]) =>
    actions.reduce(
      (before, action) => environment.step(before, action, createRandom(0)).state,
      environment.reset({ ...TASK, answers: ['The The'] }),
    );
  const score = (metric: (typeof ANSWER_METRICS)[number], ended: ReturnType<typeof state>) =>
    scoreEpisode(
      { environment, metric, tasks: { train: [], dev: [], test: [] }, fingerprint: '' } as never,
      { state: ended, return: 0 },
      ended.task.answers,
    );

  it.each(ANSWER_METRICS)('is not the empty answer of a search, by the rules of %s', (metric) => {
    for (const ended of [state(), state(searchFor('x'), searchFor('y'), searchFor('z')), state('what?')]) {
      expect(score(metric, ended)).toMatchObject({ f1: 0, em: 0, metrics: { answered: 0 } });
    }
    // What was answered is scored by the rules, by which both are nothing.
    expect(score(metric, state(answerWith('the'))).em).toBe(1);
  });
});

describe('the score', () => {
  it('is the return where nothing else is declared, and there is none of answers without answers', async () => {
    const { answer: _, ...silent } = choice;
    const loaded = { ...loadedAs({}), environment: silent };
    expect(await scores('+', loaded)).toMatchObject({ score: 3, return: 3, f1: null, em: null });
  });

  it('is the one that is declared, with the error over questions of that one', async () => {
    const byName = async (name: string) =>
      (await scores('+', loadedAs({ score: { name, range: [-9, 9] } }))).score;
    expect(await byName('f1')).toBe(0);
    expect(await byName('em')).toBe(0);
    expect(await byName('return')).toBe(3);
    expect(await byName('letters')).toBe(1);
    expect(await byName('nothing')).toBeNull();
    const mixed = loadedAs({ score: { name: 'return', range: [-1, 3] } });
    const even = await evaluate({
      loaded: mixed as LoadedEnvironment,
      policy: createTabularPolicy({}),
      tasks: mixed.tasks.dev,
      episodes: 40,
      decoding: 'sample',
      sampling: { temperature: 1 },
      random: createRandom(1),
    });
    expect(even.questionError).toBeGreaterThan(0);
    // Of two questions the error is half their distance: no smaller than that of F1 times the range.
    expect((await scores('+')).questionError).toBe(0);
  });

  it('comes with the metrics that are declared', async () => {
    expect((await scores('leave')).metrics).toEqual({ letters: 5, nothing: null });
  });
});
