import type { ChildProcess } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRandom } from '../../core/random.ts';
import type { OwnedPolicy } from '../policy.ts';
import { freePort, installed, missing, script, startServer } from '../servers.test-helper.ts';
import { connectRemote, probeConnection } from './connect.ts';
import { remoteOptionsSchema } from './options.ts';
import { distance, sample } from './servers-agree.test-helper.ts';

const reason = missing('llama/ready', 'gguf/smollm2.gguf', 'models/ready', 'skyrl/ready');

describe.skipIf(reason !== undefined)(
  `llama.cpp with SmolLM2${reason === undefined ? '' : ` (${reason})`}`,
  () => {
    const tokenizer = installed('models', 'smollm2');
    let server: ChildProcess;
    let url: string;
    let policy: OwnedPolicy;
    const connect = (options: object = {}) =>
      connectRemote(remoteOptionsSchema.parse({ server: url, tokenizer, ...options }));

    beforeAll(async () => {
      const port = await freePort();
      url = `http://127.0.0.1:${port}`;
      const args = [script('llama_server.py'), installed('gguf', 'smollm2.gguf'), String(port), '2', '1'];
      server = await startServer(installed('llama', 'bin', 'python'), args, `${url}/health`);
      policy = await connect();
    });
    afterAll(() => {
      server?.kill('SIGKILL');
    });

    it('is probed', async () => {
      expect(await probeConnection({ server: url, tokenizer })).toMatchObject({
        kind: 'llama.cpp',
        context: 2048,
        vocabulary: 49152,
        slots: 2,
        temperature: 'sampling',
        nucleus: 'sampling',
        deterministic: true,
        scores: false,
      });
    });

    it('200 tokens have the log-probabilities of transformers, but for its quantisation to 4 bits', async () => {
      const sampled = await sample(policy, 240);
      const { tokens, most, mean, bias } = await distance(tokenizer, sampled);
      process.stderr.write(
        `llama.cpp: ${tokens} tokens, at most ${most}, on average ${mean}, with signs ${bias} nats from transformers\n`,
      );
      expect(tokens).toBeGreaterThanOrEqual(200);
      // It multiplies weights of 4 bits with activations of 8: 0.05 to 0.07 nats from token to token, in both directions.
      expect(mean).toBeLessThan(0.1);
      expect(Math.abs(bias)).toBeLessThan(0.04);
      expect(most).toBeLessThan(1.5);
    });

    it('gives at temperature and nucleus what renormalising gives', async () => {
      const prompt = { text: '', tokens: Int32Array.from(policy.codec!.opening!('Name a city.')) };
      const one = (seed: number) => ({
        prompt,
        random: createRandom(seed),
        generation: { stops: [], maxTokens: 1 },
      });
      const asked = Array.from({ length: 6 }, (_, seed) => one(seed));
      // Every id, so that the distribution is known: the entropies are exact then.
      const whole = await connect({ topLogProbs: 1000, entropy: 'lower' });
      const plain = await whole.act(asked, { temperature: 1 });
      const known = new Map(plain.map(({ tokens, logProbs }) => [tokens[0]!, logProbs[0]!]));
      const cold = await whole.act(asked, { temperature: 0.5 });
      const again = new Map(cold.map(({ tokens, logProbs }) => [tokens[0]!, logProbs[0]!]));
      const both = [...known.keys()].filter((id) => again.has(id));
      // Distances between tokens double at half the temperature.
      for (const id of both) {
        const [base] = both;
        expect(again.get(id)! - again.get(base!)!).toBeCloseTo(2 * (known.get(id)! - known.get(base!)!), 2);
      }
      const nucleus = await whole.act(asked, { temperature: 1, topP: 0.5 });
      for (const { tokens, logProbs } of nucleus) {
        if (known.has(tokens[0]!)) expect(logProbs[0]! - known.get(tokens[0]!)!).toBeGreaterThan(0.1);
      }
    });

    it('repeats with the seed, goes on from a prefix, and gives parts of characters a log-probability', async () => {
      const prompt = {
        text: '',
        tokens: Int32Array.from(policy.codec!.opening!('Write only: 日本語 🎈 日本語 🎈')),
      };
      const one = (prefix?: object) => ({
        prompt,
        random: createRandom(5),
        generation: {
          stops: [],
          maxTokens: 24,
          ...(prefix === undefined ? {} : { prefix: prefix as never }),
        },
      });
      const [first] = await policy.act([one()], { temperature: 1, greedy: true });
      const [second] = await policy.act([one()], { temperature: 1, greedy: true });
      expect(second!.tokens).toEqual(first!.tokens);
      for (const value of first!.logProbs) expect(Number.isFinite(value) && value <= 0).toBe(true);
      const part = <T>(list: readonly T[]): readonly T[] => list.slice(0, 5);
      const prefix = {
        tokens: part(first!.tokens),
        logProbs: part(first!.logProbs),
        entropies: part(first!.entropies),
      };
      const [third] = await policy.act([one(prefix)], { temperature: 1, greedy: true });
      expect(third!.tokens).toEqual(first!.tokens);
      for (const [index, value] of third!.logProbs.entries())
        expect(value).toBeCloseTo(first!.logProbs[index]!, 2);
    });
  },
);
