import { z } from 'zod';
import { serverShape } from '../server-options.ts';

/** Options of the policy `remote`. */
export const remoteOptionsSchema = z.strictObject({
  ...serverShape('Address of the server: http://127.0.0.1:8080.', '/v1'),
  kind: z
    .enum(['auto', 'llama.cpp', 'sglang', 'vllm'])
    .default('auto')
    .describe("What kind of server it is. Default 'auto': found out."),
  model: z.string().min(1).optional().describe("The model's name on the server. Default: its first."),
  concurrency: z
    .int()
    .min(1)
    .max(1024)
    .default(8)
    .describe('Requests at the same time; 1 to 1024, default 8.'),
  timeoutSeconds: z
    .number()
    .min(0.1)
    .max(86_400)
    .default(300)
    .describe('Seconds that one request may take; 0.1 to 86400, default 300.'),
  retries: z
    .int()
    .min(0)
    .max(20)
    .default(3)
    .describe('Attempts after the first that failed in passing; 0 to 20, default 3.'),
  topLogProbs: z
    .int()
    .min(1)
    .max(1000)
    .default(20)
    .describe('Most likely tokens that come with every token, for its entropy; 1 to 1000, default 20.'),
  entropy: z
    .enum(['lower', 'middle', 'upper'])
    .default('middle')
    .describe(
      "The entropy that is recorded where only the most likely tokens are known: its 'lower' bound, 'upper' bound, or the 'middle'. Default 'middle'.",
    ),
  piece: z
    .int()
    .min(1)
    .max(4096)
    .default(16)
    .describe('Tokens per request to llama.cpp, which is not told the stops; 1 to 4096, default 16.'),
});

/** Options of the policy `remote`. */
export type RemoteOptions = z.output<typeof remoteOptionsSchema>;
