import type { ChildProcess } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { installed, missing, startVllm, stopServer } from '../servers.test-helper.ts';
import { connectRemote, probeConnection } from './connect.ts';
import { remoteOptionsSchema } from './options.ts';
import { distance, sample } from './servers-agree.test-helper.ts';

const reason = missing('vllm/ready', 'models/ready', 'skyrl/ready');

describe.skipIf(reason !== undefined)(
  `vLLM with SmolLM2${reason === undefined ? '' : ` (${reason})`}`,
  () => {
    const model = installed('models', 'smollm2');
    let server: ChildProcess;
    let url: string;

    beforeAll(async () => {
      ({ server, url } = await startVllm(model, 1024));
    }, 600_000);
    afterAll(() => stopServer(server));

    it('is probed', async () => {
      const report = await probeConnection({ server: url, tokenizer: model });
      expect(report).toMatchObject({
        kind: 'vllm',
        context: 1024,
        temperature: 'softmax',
        nucleus: 'softmax',
        deterministic: true,
        scores: true,
      });
      expect(report.scoreDistance).toBeLessThan(1e-4);
    });

    it('200 tokens, sampled and scored, have the log-probabilities of transformers', async () => {
      const policy = await connectRemote(remoteOptionsSchema.parse({ server: url, tokenizer: model }));
      const sampled = await sample(policy, 240);
      const { tokens, most, mean } = await distance(model, sampled);
      process.stderr.write(
        `vLLM: ${tokens} tokens, at most ${most} and on average ${mean} nats from transformers\n`,
      );
      expect(tokens).toBeGreaterThanOrEqual(200);
      expect(most).toBeLessThan(1e-4);
      const scores = await policy.logProbs(sampled.records, { temperature: 1 });
      for (const [index, { logProbs }] of sampled.actions.entries()) {
        for (const [t, value] of logProbs.entries()) {
          expect(Math.abs(scores[index]![t]! - value)).toBeLessThan(1e-4);
        }
      }
      await expect(policy.act([], { temperature: 0.7 })).rejects.toThrow(
        /--logprobs-mode processed_logprobs/,
      );
    });
  },
);
