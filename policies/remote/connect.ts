import { InputError } from '../../core/errors.ts';
import type { OwnedPolicy } from '../policy.ts';
import { keyFrom } from '../server-options.ts';
import { openingCodec, readTokenizerFolder } from '../tokenizer/folder.ts';
import type { Codec } from '../tokenizer/load.ts';
import { type Client, createClient } from './client.ts';
import { createRemotePolicy } from './index.ts';
import { type RemoteOptions, remoteOptionsSchema } from './options.ts';
import { probeServer, type ServerReport } from './probe.ts';

/** A text that most models continue in many ways: distributions that tell something. */
const PROBE_TEXT = 'The answer is';
/** In place of it, ids that every model has. */
const PROBE_IDS = [100, 200, 300];

/**
 * Reads the tokenizer, finds out what the server is and can do, and makes the policy.
 * @throws InputError when something is missing, naming it.
 */
export async function connectRemote(options: RemoteOptions, signal?: AbortSignal): Promise<OwnedPolicy> {
  const { tokenizer, chat, entropy, piece } = options;
  const codec = openingCodec(await readTokenizerFolder(tokenizer), tokenizer, chat);
  const client = clientOf(options, signal);
  const { kind, report } = await probe(client, options, codec);
  const size = report.vocabulary ?? codec.size;
  if (codec.size > size) {
    throw new InputError(
      `tokenizer: ${tokenizer} has ids up to ${codec.size - 1}, and the model behind ${options.server} up to ${size - 1}; valid: the tokenizer of that model`,
    );
  }
  const slots = report.slots && Math.min(report.slots, options.concurrency);
  return createRemotePolicy({ client, kind, report: { ...report, slots }, codec, size, entropy, piece });
}

/** What a server is and can do, with or without the model's tokenizer. @throws InputError when something is missing. */
export async function probeConnection(given: {
  readonly server: string;
  readonly tokenizer?: string;
}): Promise<ServerReport> {
  const checked = remoteOptionsSchema.safeParse({ tokenizer: 'none', ...given });
  if (!checked.success) {
    const { path, message } = checked.error.issues[0]!;
    throw new InputError(`--${path.map(String).join('.')}: ${message}`);
  }
  const options = checked.data;
  const codec =
    given.tokenizer === undefined ? undefined : (await readTokenizerFolder(given.tokenizer)).codec;
  return (await probe(clientOf(options), options, codec)).report;
}

const clientOf = (options: RemoteOptions, signal?: AbortSignal): Client =>
  createClient({
    url: options.server,
    key: keyFrom(options.keyVariable),
    concurrency: options.concurrency,
    timeoutMs: 1000 * options.timeoutSeconds,
    retries: options.retries,
    signal,
  });

const probe = (client: Client, { kind, model, topLogProbs }: RemoteOptions, codec: Codec | undefined) =>
  probeServer(client, {
    kind: kind === 'auto' ? undefined : kind,
    model,
    topLogProbs,
    ids: codec?.encode(PROBE_TEXT) ?? PROBE_IDS,
    vocabulary: codec?.size ?? Number.MAX_SAFE_INTEGER,
  });
