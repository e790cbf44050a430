import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packageInfo } from '../core/package.ts';
import { createRandom } from '../core/random.ts';
import { closeServers, send, serve } from '../policies/remote/fake.test-helper.ts';
import { trainTokenizer } from '../policies/tokenizer/train.ts';
import { spawnCreditbench } from './spawn.test-helper.ts';

const HOTPOT = join(packageInfo().root, 'envs/data/fixtures/hotpotqa.json');
const TEXTS = ['<think> I know it </think> <search> Paris </search> <answer> Paris </answer>'];
const SPECIAL = ['<think>', '</think>', '<search>', '</search>', '<answer>', '</answer>', '<information>'];
const SHORT = ['maxTurns=1', 'maxActionTokens=6'].flatMap((one) => [
  '--set',
  `environments.search.options.${one}`,
]);

let folder: string;
let url: string;
let keys: Set<string | undefined>;
/** Answers completions with this status, if it is not 0. */
let failing = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'creditbench-server-'));
  const tokenizer = trainTokenizer(TEXTS, { vocabularySize: 300, specialTokens: SPECIAL });
  await writeFile(join(folder, 'tokenizer.json'), JSON.stringify(tokenizer));
  const size = 300;
  keys = new Set();
  // A model that finds all ids equally likely, behind what llama.cpp answers.
  url = await serve(async (request, response) => {
    keys.add(request.headers.authorization);
    const given = await text(request);
    const model = { id: 'even', meta: { n_vocab: size } };
    if (request.url === '/props') {
      return send(response, { default_generation_settings: { n_ctx: 4096 }, total_slots: 2 });
    }
    if (request.url === '/v1/models') return send(response, { data: [model] });
    if (request.url !== '/completion') return send(response, { error: 'File Not Found' }, 404);
    if (failing !== 0) return send(response, { error: { message: 'it broke' } }, failing);
    const body = JSON.parse(given) as { n_predict: number; seed: number; n_probs: number };
    const random = createRandom(body.seed);
    // Of the ids of the tokenizer, so that what comes is text.
    const tokens = Array.from({ length: body.n_predict }, () => random.integer(265));
    const even = (id: number) => ({ id, logprob: -Math.log(size) });
    send(response, {
      tokens,
      stop_type: 'limit',
      completion_probabilities: tokens.map((id) => ({
        ...even(id),
        top_logprobs: Array.from({ length: body.n_probs }, (_, rank) => even(rank)),
      })),
    });
  });
});
afterAll(async () => {
  closeServers();
  await rm(folder, { recursive: true });
});

const server = (): readonly string[] => ['--server', url, '--tokenizer', folder];
const creditbench = (args: readonly string[], variables: Record<string, string> = {}) =>
  spawnCreditbench(folder, args, undefined, variables);

describe('a language model behind a server', () => {
  it('is examined by doctor', async () => {
    const { code, stdout } = await creditbench(['doctor', ...server(), '--json']);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ kind: 'llama.cpp', model: 'even', context: 4096, slots: 2 });
    const alone = await creditbench(['doctor', '--server', url]);
    expect(alone.code).toBe(0);
    expect(alone.stdout).toMatch(/same seed, same tokens +\| yes/);
  });

  it('plays an episode', async () => {
    const { code, stdout, stderr } = await creditbench([
      'rollout',
      'search',
      ...server(),
      ...SHORT,
      '--json',
    ]);
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: expect.stringContaining('note: llama.cpp, model even'),
    });
    const { turns } = JSON.parse(stdout) as {
      turns: { logProb: number; tokens: object[]; entropy: number }[];
    };
    for (const { logProb, tokens, entropy } of turns) {
      expect(logProb).toBeCloseTo(-tokens.length * Math.log(300), 9);
      expect(entropy).toBeCloseTo(tokens.length * Math.log(300), 9);
    }
  });

  it('is evaluated on a question file, with one row per episode', async () => {
    const args = ['evaluate', 'search', ...server(), ...SHORT, '--data', HOTPOT, '--episodes', '2'];
    const { code, stdout } = await creditbench([...args, '--json', '--out', 'episodes.csv']);
    expect(code).toBe(0);
    const { scores, policy } = JSON.parse(stdout) as {
      scores: { name: string; n: number }[];
      policy: object;
    };
    expect(scores.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['f1', 'em', 'return', 'tool_calls']),
    );
    expect(JSON.stringify(policy)).toContain('"entropy":"middle"');
    const rows = (await readFile(join(folder, 'episodes.csv'), 'utf8')).trim().split('\n');
    expect(rows.length).toBe(1 + 2 * scores[0]!.n);
    expect(rows[0]).toMatch(/^question,question_kind,hops,episode,answer,f1,em,return,.*entropy_is,end,/);
    expect(rows[1]).toContain('middle');
  });

  it.each([
    ['2wikimultihopqa.json'],
    ['musique.jsonl'],
    ['bamboogle.jsonl', '--set', 'environments.search.options.corpus=CORPUS'],
  ])('is evaluated on %s', async (file, ...set) => {
    const fixtures = join(packageInfo().root, 'envs/data/fixtures');
    const { code, stdout, stderr } = await creditbench([
      ...['evaluate', 'search', ...server(), ...SHORT, '--data', join(fixtures, file), '--json'],
      ...set.map((one) => one.replace('CORPUS', join(fixtures, 'corpus.jsonl'))),
    ]);
    expect({ code, stderr }).toMatchObject({ code: 0 });
    const { scores } = JSON.parse(stdout) as { scores: { name: string; value: number }[] };
    expect(scores.slice(0, 2).map(({ name }) => name)).toEqual(['f1', 'em']);
  });

  it('has its criticality sampled', async () => {
    const args = [
      'criticality',
      ...server(),
      ...SHORT,
      '--questions',
      '3',
      '--samples',
      '2',
      '--out',
      'crit',
    ];
    const { code, stdout } = await creditbench(args);
    expect(code).toBe(0);
    expect(stdout).toContain('Criticality of states');
    const rows = (await readFile(join(folder, 'crit', 'states.csv'), 'utf8')).trim().split('\n');
    expect(rows.length).toBeGreaterThan(3);
    for (const wrong of [['--samples', '0'], ['--training']]) {
      const refused = await creditbench([...args, ...wrong]);
      expect(refused.code).toBe(2);
      expect(refused.stderr).toContain(wrong[0]);
    }
  });

  it('is not trained: refused before the start', async () => {
    const options = [`policy.options.server=${url}`, `policy.options.tokenizer=${folder}`];
    const { code, stderr } = await creditbench([
      ...['run', 'search', '--policy', 'remote'],
      ...options.flatMap((one) => ['--set', one]),
    ]);
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: expect.stringMatching(/remote acts and does not learn/),
    });
  });

  it('gets a key from the environment, which is shown nowhere', async () => {
    const args = [
      'evaluate',
      'search',
      ...server(),
      ...SHORT,
      '--data',
      HOTPOT,
      '--questions',
      '1',
      '--json',
    ];
    const set = ['--set', 'policy.options.keyVariable=MY_KEY'];
    const { code, stdout, stderr } = await creditbench([...args, ...set], { MY_KEY: 'very-secret' });
    expect(code).toBe(0);
    expect(keys).toContain('Bearer very-secret');
    expect(stdout + stderr).not.toContain('very-secret');
    const without = await creditbench([...args, ...set]);
    expect(without).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(
        'policy.options.keyVariable is MY_KEY, and that environment variable is not set',
      ),
    });
  });

  it.each([
    [['--server', 'http://me:pw@a:1', '--tokenizer', '.'], /must not hold a user, password/],
    [['--server', 'http://127.0.0.1:1', '--tokenizer', 'nowhere'], /nowhere/],
    [['--tokenizer', '.'], /--tokenizer: not valid without --server/],
    [['--server', 'http://127.0.0.1:1', '--policy', 'tabular'], /--server: not valid with --policy tabular/],
  ])('%s: exit code 2', async (args, message) => {
    const { code, stderr } = await creditbench(['rollout', 'search', ...args]);
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringMatching(message) });
    expect(stderr).not.toContain('pw@');
  });

  it('that fails is named, without a stack: exit code 1', async () => {
    const gone = await creditbench([
      'rollout',
      'search',
      '--server',
      'http://127.0.0.1:59999',
      '--tokenizer',
      folder,
    ]);
    expect(gone).toMatchObject({ code: 1, stderr: expect.stringContaining('cannot be reached') });
    expect(gone.stderr).not.toContain('    at ');
    failing = 500;
    const set = ['--set', 'policy.options.retries=0'];
    const broken = await creditbench(['rollout', 'search', ...server(), ...set]);
    failing = 0;
    expect(broken).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/POST \/completion: HTTP 500: it broke/),
    });
  });
});
