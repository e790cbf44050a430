import { z } from 'zod';
import type { ServedPolicy } from '../policy.ts';
import { keyFrom, serverShape } from '../server-options.ts';
import { ofOption, type PolicySpec } from '../spec.ts';
import { openingCodec, readTokenizerFolder, tokenizerFiles } from '../tokenizer/folder.ts';

const schema = z.strictObject({
  ...serverShape('Address of a server of the Tinker API: http://127.0.0.1:8000.', '/api/v1'),
  baseModel: z
    .string()
    .min(1)
    .optional()
    .describe("Name of the model to train, as the server offers it. Default: the server's only one."),
  loraRank: z.int().min(1).max(512).default(16).describe('Rank of the LoRA adapter; 1 to 512, default 16.'),
  entropy: z
    .literal('surprisal')
    .default('surprisal')
    .describe(
      "What methods and columns take for a token's entropy, which the API does not tell: 'surprisal', -log p of the token that was drawn. Its mean over draws is the entropy.",
    ),
  batch: z
    .int()
    .min(1)
    .max(4096)
    .default(32)
    .describe('Sequences of one request that scores or trains, at most; 1 to 4096, default 32.'),
  concurrency: z
    .int()
    .min(1)
    .max(1024)
    .default(64)
    .describe('Requests for samples at the same time; 1 to 1024, default 64.'),
  timeoutSeconds: z
    .number()
    .min(0.1)
    .max(86_400)
    .default(60)
    .describe('Seconds that one HTTP request may take; 0.1 to 86400, default 60.'),
  resultSeconds: z
    .number()
    .min(0.1)
    .max(864_000)
    .default(3600)
    .describe('Seconds that the server may work on one request; 0.1 to 864000, default 3600.'),
  retries: z
    .int()
    .min(0)
    .max(20)
    .default(5)
    .describe('Attempts after the first that failed in passing; 0 to 20, default 5.'),
});

/** Options of the policy `tinker`. */
export type TinkerPolicyOptions = z.output<typeof schema>;

/** A language model that a server of the Tinker API trains. */
export const tinkerSpec: PolicySpec<TinkerPolicyOptions, null, ServedPolicy> = {
  id: 'tinker',
  title: 'a language model that a server of the Tinker API trains by LoRA (SkyRL, Thinking Machines)',
  schema,
  training: 'server',
  actions: 'text',
  // Its weights are the server's.
  restorable: false,
  assets: () => null,
  files: ({ tokenizer }) => ofOption('tokenizer', () => tokenizerFiles(tokenizer)),
  create: async ({ options, random, signal }) => {
    const { tokenizer, chat, keyVariable, timeoutSeconds, entropy: _, baseModel, ...rest } = options;
    const key = keyFrom(keyVariable);
    const read = await readTokenizerFolder(tokenizer);
    const { createTinkerPolicy } = await import('./index.ts');
    return createTinkerPolicy({
      ...rest,
      ...(baseModel === undefined ? {} : { baseModel }),
      ...(key === undefined ? {} : { key }),
      requestSeconds: timeoutSeconds,
      codec: openingCodec(read, tokenizer, chat),
      vocabularySize: Math.max(read.codec.size, read.modelIds ?? 0),
      endIds: read.endIds,
      random,
      ...(signal === undefined ? {} : { signal }),
    });
  },
};
