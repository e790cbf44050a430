import { z } from 'zod';
import { InputError } from '../core/errors.ts';

/**
 * Options that all policies behind a server have.
 * @param server what the address is of, with an example.
 * @param api what may stand behind the address, and is taken off: '/v1'.
 */
export const serverShape = (server: string, api: string) => ({
  server: z
    .url({ protocol: /^https?$/ })
    .superRefine((value, context) => {
      if (!URL.canParse(value)) return;
      const { username, password, search, hash } = new URL(value);
      if ([username, password, search, hash].every((part) => part === '')) return;
      const message =
        'the address is written into results and must not hold a user, password, query or fragment; a key goes into an environment variable (keyVariable)';
      context.addIssue({ code: 'custom', message });
    })
    .transform((value) => {
      const address = value.replace(/\/+$/, '');
      return address.endsWith(api) ? address.slice(0, -api.length) : address;
    })
    .describe(server),
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
  keyVariable: z
    .string()
    .regex(/^[A-Za-z_][A-Za-z0-9_]*$/)
    .optional()
    .describe('Environment variable that holds the key for the server. The key itself is kept nowhere.'),
});

/**
 * The key in an environment variable; undefined if none is named.
 * @throws InputError when it is not set.
 */
export function keyFrom(variable: string | undefined): string | undefined {
  if (variable === undefined) return undefined;
  const key = process.env[variable];
  if (key !== undefined && key !== '') return key;
  throw new InputError(
    `policy.options.keyVariable is ${variable}, and that environment variable is not set; valid: one that holds the key for the server`,
  );
}
