import { z } from 'zod';

const address = z
  .url({ protocol: /^https?$/ })
  .superRefine((value, context) => {
    if (!URL.canParse(value)) return;
    const { username, password, search, hash } = new URL(value);
    if (username !== '' || password !== '' || search !== '' || hash !== '') {
      context.addIssue({
        code: 'custom',
        message:
          'the address is written into results and must not hold a user, password, query or fragment; a key goes into an environment variable (keyVariable)',
      });
    }
  })
  .transform((value) => value.replace(/\/+$/, '').replace(/\/v1$/, ''));

/** Options of the policy `remote`. */
export const remoteOptionsSchema = z.strictObject({
  server: address.describe('Address of the server: http://127.0.0.1:8080.'),
  kind: z
    .enum(['auto', 'llama.cpp', 'sglang', 'vllm'])
    .default('auto')
    .describe("What kind of server it is. Default 'auto': found out."),
  model: z.string().min(1).optional().describe("The model's name on the server. Default: its first."),
  tokenizer: z
    .string()
    .min(1)
    .describe(
      "The model's Hugging Face folder, or its tokenizer.json: texts become ids here, not on the server.",
    ),
  chat: z
    .boolean()
    .optional()
    .describe('Whether the first prompt is put into the chat template. Default: if the folder has one.'),
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
  keyVariable: z
    .string()
    .regex(/^[A-Za-z_][A-Za-z0-9_]*$/)
    .optional()
    .describe('Environment variable that holds the key for the server. The key itself is kept nowhere.'),
});

/** Options of the policy `remote`. */
export type RemoteOptions = z.output<typeof remoteOptionsSchema>;
