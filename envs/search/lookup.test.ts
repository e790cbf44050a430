import { describe, expect, it } from 'vitest';
import { InputError } from '../../core/errors.ts';
import { createRandom } from '../../core/random.ts';
import { createSearch } from './environment.ts';
import { answerWith, PASSAGES, searchFor, settings, TASK, wordRetriever } from './fake.test-helper.ts';
import { createLookup } from './lookup.ts';
import type { Retriever } from './retrieval/retriever.ts';

const random = createRandom(0);

/** A retriever that answers later, and the batches it was asked. */
function later(): { retriever: Retriever; batches: (readonly string[])[]; signals: unknown[] } {
  const local = wordRetriever(PASSAGES);
  const batches: (readonly string[])[] = [];
  const signals: unknown[] = [];
  return {
    batches,
    signals,
    retriever: {
      fingerprint: 'later',
      description: 'later',
      search: async (queries, topK, signal) => {
        batches.push(queries);
        signals.push(signal);
        return local.search(queries, topK);
      },
    },
  };
}

describe('prepare', () => {
  it('asks for all new queries in one batch, each once, and for what step needs only', async () => {
    const { retriever, batches, signals } = later();
    const environment = createSearch(settings({ retriever }));
    const start = environment.reset(TASK);
    const { signal } = new AbortController();
    const actions = ['Ilve', 'Mard', 'Ilve'].map(searchFor);
    await environment.prepare!(
      [...actions, answerWith('Mard'), 'what?'].map((action) => ({ state: start, action })),
      signal,
    );
    expect(batches).toEqual([['Ilve', 'Mard']]);
    expect(signals).toEqual([signal]);
    const { state } = environment.step(start, searchFor('Mard'), random);
    expect(state.turns).toMatchObject([{ query: 'Mard', passages: [{ id: 'p1' }, { id: 'p2' }] }]);
    await environment.prepare!([{ state, action: searchFor('Ilve') }]);
    expect(batches).toHaveLength(1);
    const { state: last } = environment.step(state, searchFor('Ilve'), random);
    await environment.prepare!([{ state: last, action: searchFor('too late') }]);
    const ended = environment.step(last, answerWith('Mard'), random).state;
    await environment.prepare!([{ state: ended, action: searchFor('after the end') }]);
    expect(batches).toHaveLength(1);
  });

  it('gives what a local retriever gives without it', async () => {
    const { retriever } = later();
    const remote = createSearch(settings({ retriever }));
    const local = createSearch(settings());
    const start = local.reset(TASK);
    await remote.prepare!([{ state: start, action: searchFor('Mard') }]);
    await local.prepare!([{ state: start, action: searchFor('Mard') }]);
    expect(remote.step(start, searchFor('Mard'), random)).toEqual(
      local.step(start, searchFor('Mard'), random),
    );
  });

  it('is missed where it is needed', () => {
    const environment = createSearch(settings({ retriever: later().retriever }));
    const step = () => environment.step(environment.reset(TASK), searchFor('Mard'), random);
    expect(step).toThrow(InputError);
    expect(step).toThrow(/retriever later .*'Mard'.*prepare/);
  });

  it('passes on what the retriever throws', async () => {
    const retriever: Retriever = {
      ...later().retriever,
      search: () => Promise.reject(new InputError('no server')),
    };
    const environment = createSearch(settings({ retriever }));
    const call = { state: environment.reset(TASK), action: searchFor('Mard') };
    await expect(environment.prepare!([call])).rejects.toThrow('no server');
  });
});

describe('createLookup', () => {
  it('forgets the oldest beyond its bound, but nothing of the newest batch', async () => {
    const { retriever, batches } = later();
    const lookup = createLookup(retriever, 1, 2);
    await lookup.fetch(['a', 'b']);
    await lookup.fetch(['a', 'c']);
    for (const query of ['a', 'c']) lookup.find(query);
    expect(() => lookup.find('b')).toThrow(InputError);
    await lookup.fetch(['c', 'd', 'e', 'f']);
    for (const query of ['c', 'd', 'e', 'f']) lookup.find(query);
    expect(batches).toEqual([['a', 'b'], ['c'], ['b'], ['d', 'e', 'f']]);
  });

  it('asks a local retriever once per query that it remembers', () => {
    let calls = 0;
    const local = wordRetriever(PASSAGES);
    const lookup = createLookup(
      {
        ...local,
        search: (queries, topK) => {
          calls += 1;
          return local.search(queries, topK);
        },
      },
      1,
      2,
    );
    for (const query of ['a', 'b', 'a', 'b']) lookup.find(query);
    expect(calls).toBe(2);
    for (const query of ['c', 'b', 'a']) lookup.find(query);
    expect(calls).toBe(4);
  });

  it('refuses a wrong number of lists', async () => {
    const retriever: Retriever = { ...wordRetriever(PASSAGES), search: () => [] };
    expect(() => createLookup(retriever, 1).find('a')).toThrow('0 lists of hits for 1 queries');
    await expect(createLookup(retriever, 1).fetch(['a', 'b'])).rejects.toThrow('0 lists of hits for 2');
  });
});
