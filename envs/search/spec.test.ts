import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { createRandom } from '../../core/random.ts';
import { checkEnvironment } from '../check.ts';
import { loadMultihop } from '../multihop/multihop.ts';
import { factsPassages } from './facts.ts';
import { metricsOf, searchFor } from './fake.test-helper.ts';
import { createBm25 } from './retrieval/bm25.ts';
import { searchSpec } from './spec.ts';

const directory = mkdtempSync(join(tmpdir(), 'creditbench-search-'));
afterAll(() => rmSync(directory, { recursive: true }));

const random = createRandom(5);
const load = (options: unknown) =>
  searchSpec.load(searchSpec.schema.parse(options), { cacheDirectory: directory });

function messages(options: unknown): string {
  const { error } = searchSpec.schema.safeParse(options);
  return (error?.issues ?? []).map(({ path, message }) => `${path.join('.')}: ${message}`).join('\n');
}

const QUESTION = {
  _id: 'q',
  question: 'Where does the Ilve end?',
  answer: 'Mard',
  supporting_facts: [['Ilve', 0]],
  context: [
    ['Ilve', ['The Ilve ends in Mard.']],
    ['Mard', ['Mard has a mill.']],
  ],
  type: 'bridge',
  level: 'easy',
};

function questions(name: string, changes: object = {}): string {
  const path = join(directory, name);
  writeFileSync(path, JSON.stringify([{ ...QUESTION, ...changes }]));
  return path;
}

describe('options', () => {
  it('have defaults', () => {
    expect(searchSpec.schema.parse(undefined)).toEqual({
      questions: 'facts',
      corpus: 'questions',
      retriever: 'bm25',
      k1: 0.9,
      b: 0.4,
      analyzer: { foldAccents: true, stopWords: 'english' },
      timeoutMs: 10_000,
      retries: 3,
      topK: 3,
      maxTurns: 4,
      maxActionTokens: 64,
      maxObservationTokens: 500,
      malformed: 'message',
      atLimit: 'answer',
      reward: 'f1',
      prompt: 'short',
    });
    const parsed = searchSpec.schema.parse({ reward: { kind: 'em-format' } });
    expect(searchSpec.schema.parse(parsed)).toEqual(parsed);
  });

  it.each([
    [{ questions: 'files' }, 'files: required'],
    [{ retriever: 'http://me:secret@host/', retrieverName: 'x' }, 'must not hold a user, password or query'],
    [{ retriever: 'http://host/?key=secret', retrieverName: 'x' }, 'must not hold a user, password or query'],
    [{ files: { dev: 'a.json' } }, 'files: only with'],
    [{ format: 'musique' }, 'format: only with'],
    [{ corpus: 'a.json' }, 'corpus: only with'],
    [{ questions: 'files', files: { train: 'a.json' } }, 'files.dev'],
    [{ retriever: 'http://localhost:8000' }, 'retrieverName: required'],
    [{ retrieverName: 'wiki' }, 'retrieverName: only with'],
    [{ retriever: 'ftp://localhost', retrieverName: 'wiki' }, 'retriever: '],
    [
      {
        questions: 'files',
        files: { dev: 'a.json' },
        corpus: 'c.json',
        retriever: 'http://localhost',
        retrieverName: 'x',
      },
      "corpus: only with retriever 'bm25'",
    ],
    [{ maxTurns: 0 }, 'maxTurns'],
    [{ maxTurns: 21 }, 'maxTurns'],
    [{ reward: { kind: 'em-format', structure: 1, retrieval: 0.1 } }, 'structure + retrieval'],
    [{ turns: 3 }, 'turns'],
  ])('refuse %j', (options, message) => {
    expect(messages(options)).toContain(message);
  });

  it('name the files whose content matters', () => {
    const files = (options: unknown) => searchSpec.files!(searchSpec.schema.parse(options));
    expect(files({})).toEqual([]);
    const all = { train: 'a', dev: 'b', test: 'c' };
    expect(files({ questions: 'files', files: all, corpus: 'd' })).toEqual(['a', 'b', 'c', 'd']);
    expect(files({ questions: 'files', files: { dev: 'b' } })).toEqual(['b']);
  });
});

describe('the facts world', () => {
  it('keeps the contract of environments, with demonstrations', async () => {
    const loaded = await load({});
    expect(checkEnvironment(loaded, { random: random.split('check') })).toEqual([]);
    expect(loaded.tasks.train).toHaveLength(3375);
    expect(loaded.metric).toBe('hotpotqa');
  });

  it('has another fingerprint with every option that changes numbers', async () => {
    const options = [
      {},
      { topK: 2 },
      { maxTurns: 5 },
      { maxActionTokens: 32 },
      { maxObservationTokens: 80 },
      { b: 0.5 },
      { reward: 'em' },
      { reward: { kind: 'em-format' } },
      { malformed: 'end' },
      { atLimit: 'truncate' },
      { prompt: 'search-r1' },
    ];
    const prints = await Promise.all(options.map(async (one) => (await load(one)).fingerprint));
    expect(new Set(prints).size).toBe(options.length);
    expect((await load({})).fingerprint).toBe(prints[0]);
  });

  it('lets demonstrations answer in time under either limit', async () => {
    for (const atLimit of ['answer', 'truncate'] as const) {
      const { environment, tasks, demonstrate } = await load({ atLimit, maxTurns: 2 });
      for (const task of tasks.dev.slice(0, 40)) {
        let state = environment.reset(task);
        for (;;) {
          const next = environment.step(state, demonstrate!(state, 0, random), random);
          expect(next.truncated).toBe(false);
          state = next.state;
          if (next.terminated) break;
        }
      }
    }
  });

  it('is the same behind a server that numbers its passages as it likes', async () => {
    const { world } = await loadMultihop({ cacheDirectory: directory, score: () => 0 });
    const bm25 = createBm25({ passages: factsPassages(world.facts.facts) });
    const server = createServer((request, response) => {
      let body = '';
      request.on('data', (part) => {
        body += part;
      });
      request.on('end', () => {
        const { queries, topk } = JSON.parse(body) as { queries: string[]; topk: number };
        const result = bm25.search(queries, topk).map((hits) =>
          hits.map(({ passage, score }, index) => ({
            document: { id: `${index}`, contents: `"${passage.title}"\n${passage.text}` },
            score,
          })),
        );
        response.setHeader('content-type', 'application/json').end(JSON.stringify({ result }));
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/retrieve`;
      const remote = await load({ retriever: url, retrieverName: 'facts' });
      const local = await load({});
      expect(remote.fingerprint).not.toBe(local.fingerprint);
      for (const task of local.tasks.dev.slice(0, 10)) {
        let [here, there] = [local.environment.reset(task), remote.environment.reset(task)];
        for (let ended = false; !ended; ) {
          const action = local.demonstrate!(here, 0, random);
          expect(remote.demonstrate!(there, 0, random)).toBe(action);
          await remote.environment.prepare!([{ state: there, action }]);
          const next = local.environment.step(here, action, random);
          const other = remote.environment.step(there, action, random);
          expect(metricsOf(remote.environment, other.state)).toEqual(
            metricsOf(local.environment, next.state),
          );
          expect(remote.environment.observe(other.state)).toEqual(local.environment.observe(next.state));
          [here, there] = [next.state, other.state];
          ended = next.terminated;
        }
      }
    } finally {
      server.close();
    }
  });
});

describe('question files', () => {
  it('are searched in their own passages, without demonstrations', async () => {
    const { environment, tasks, demonstrate, metric } = await load({
      questions: 'files',
      files: { dev: questions('dev.json') },
    });
    expect(demonstrate).toBeUndefined();
    expect(metric).toBe('hotpotqa');
    expect(tasks).toMatchObject({ train: [], test: [], dev: [{ id: 'q' }] });
    const { state } = environment.step(environment.reset(tasks.dev[0]!), searchFor('Ilve'), random);
    expect(environment.observe(state).text).toContain('Doc 1(Title: Ilve) The Ilve ends in Mard.');
    expect(metricsOf(environment, state)).toMatchObject({ gold_recall: 1 });
  });

  it('decide the fingerprint by what is in them, not by their names', async () => {
    const print = async (dev: string) => (await load({ questions: 'files', files: { dev } })).fingerprint;
    const first = await print(questions('dev.json'));
    expect(await print(questions('other-name.json'))).toBe(first);
    expect(await print(questions('answer.json', { answer: 'mill' }))).not.toBe(first);
    const context = [['Ilve', ['The Ilve ends in Mard.']]];
    expect(await print(questions('context.json', { context }))).not.toBe(first);
  });
});
