import { InputError } from '../../core/errors.ts';
import type { OwnedPolicy } from '../policy.ts';
import { openingCodec, readTokenizerFolder } from '../tokenizer/folder.ts';
import type { Codec } from '../tokenizer/load.ts';
import { createClient } from './client.ts';
import { createRemotePolicy } from './index.ts';
import type { RemoteOptions } from './options.ts';
import { probeServer } from './probe.ts';

/** A text that most models continue in many ways: distributions that tell something. */
const PROBE_TEXT = 'The answer is';

/**
 * Reads the tokenizer, finds out what the server is and can do, and makes the policy.
 * @throws InputError when something is missing, naming it.
 */
export async function connectRemote(options: RemoteOptions, signal?: AbortSignal): Promise<OwnedPolicy> {
  const { tokenizer, chat, entropy, piece, kind, model, topLogProbs } = options;
  const codec: Codec = openingCodec(await readTokenizerFolder(tokenizer), tokenizer, chat);
  const client = createClient({
    url: options.server,
    key: keyFrom(options.keyVariable),
    concurrency: options.concurrency,
    timeoutMs: 1000 * options.timeoutSeconds,
    retries: options.retries,
    signal,
  });
  const found = await probeServer(client, {
    kind: kind === 'auto' ? undefined : kind,
    model,
    topLogProbs,
    ids: codec.encode(PROBE_TEXT),
    vocabulary: codec.size,
  });
  const size = found.report.vocabulary ?? codec.size;
  if (codec.size > size) {
    throw new InputError(
      `tokenizer: ${tokenizer} has ids up to ${codec.size - 1}, and the model behind ${options.server} up to ${size - 1}; valid: the tokenizer of that model`,
    );
  }
  return createRemotePolicy({ client, ...found, codec, size, entropy, piece });
}

/** The key in an environment variable. */
export function keyFrom(variable: string | undefined): string | undefined {
  if (variable === undefined) return undefined;
  const key = process.env[variable];
  if (key !== undefined && key !== '') return key;
  throw new InputError(`keyVariable: the environment variable ${variable} is not set`);
}
