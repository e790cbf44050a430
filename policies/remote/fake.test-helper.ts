import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { createRandom } from '../../core/random.ts';
import type { OwnedPolicy, TokenCodec } from '../policy.ts';
import { createDistribution } from '../text-transformer/distribution.ts';
import { type ClientOptions, createClient } from './client.ts';
import { createRemotePolicy, type RemotePolicyOptions } from './index.ts';
import type { ServerKind } from './kind.ts';
import { probeServer } from './probe.ts';

/** One token per character, one of two characters, and the end token. */
const PIECES = [...'abcdefghijklmnopqrst<>/ .', 'ab.', '[end]'];
export const SIZE = PIECES.length;
export const END = SIZE - 1;

export const codec: TokenCodec = {
  encode: (given) => [...given].map((character) => PIECES.indexOf(character)),
  decode: (ids) => Array.from(ids, (id) => PIECES[id] ?? '\ufffd').join(''),
};

/** Logits of a made-up model: they depend on the last two ids. */
export function logitsAfter(ids: readonly number[]): Float32Array {
  const random = createRandom(31).split(ids.at(-1) ?? 0, ids.at(-2) ?? 0);
  const logits = Float32Array.from({ length: SIZE }, () => 4 * random.uniform());
  logits[END] = logits[END]! - 2;
  return logits;
}

/** Log-probabilities of the model's next id. */
export const logProbsAfter = (ids: readonly number[], temperature = 1, topP = 1): readonly number[] => {
  const { logProb, probabilities } = createDistribution(SIZE, { temperature, topP })(logitsAfter(ids));
  return Array.from(probabilities, (p, id) => (p === 0 ? Number.NEGATIVE_INFINITY : logProb(id)));
};

interface Asked {
  readonly ids: readonly number[];
  readonly maxTokens: number;
  readonly temperature: number;
  readonly topP: number;
  readonly seed: number;
  readonly top: number;
  readonly stops: readonly string[];
  /** Log-probabilities after temperature and nucleus. */
  readonly processed: boolean;
}

interface Token {
  readonly id: number;
  readonly logProb: number;
  readonly top: readonly { readonly id: number; readonly logProb: number }[];
}

/** What the model writes, and why it ends. */
function continuation(asked: Asked): {
  readonly tokens: readonly Token[];
  readonly end: 'eos' | 'stop' | 'limit';
} {
  const { ids, maxTokens, temperature, topP, processed } = asked;
  const random = createRandom(asked.seed);
  const tokens: Token[] = [];
  while (tokens.length < maxTokens) {
    const context = [...ids, ...tokens.map(({ id }) => id)];
    const drawn = logProbsAfter(context, temperature || 1, topP);
    const id =
      temperature === 0
        ? drawn.indexOf(Math.max(...drawn))
        : random.categorical(drawn.map((one) => Math.exp(one)));
    const told = processed ? drawn : logProbsAfter(context);
    const ranked = told.map((logProb, at) => ({ id: at, logProb })).sort((a, b) => b.logProb - a.logProb);
    const top = ranked.slice(0, asked.top).filter(({ logProb }) => logProb > Number.NEGATIVE_INFINITY);
    tokens.push({ id, logProb: told[id]!, top });
    if (id === END) return { tokens, end: 'eos' };
    const written = codec.decode(tokens.map((one) => one.id));
    if (asked.stops.some((stop) => written.includes(stop))) return { tokens, end: 'stop' };
  }
  return { tokens, end: 'limit' };
}

// biome-ignore lint/suspicious/noExplicitAny: bodies of three protocols
type Body = Readonly<Record<string, any>>;

/** Answers of the kinds of servers, as they were recorded (llama.cpp, vLLM) or are documented (SGLang). */
export const ANSWERS: Readonly<
  Record<ServerKind['id'], Readonly<Record<string, (body: Body, processed: boolean) => unknown>>>
> = {
  'llama.cpp': {
    '/props': () => ({ default_generation_settings: { n_ctx: 512 }, total_slots: 4, build_info: 'b1' }),
    '/v1/models': () => ({
      object: 'list',
      data: [{ id: 'tiny.gguf', meta: { n_vocab: SIZE, n_ctx: 512 } }],
    }),
    '/completion': (body) => {
      const processed = body.post_sampling_probs as boolean;
      const { tokens, end } = continuation({
        ids: body.prompt,
        maxTokens: body.n_predict,
        temperature: body.temperature,
        topP: body.top_p,
        seed: body.seed,
        top: body.n_probs,
        stops: [],
        processed,
      });
      const told = ({ id, logProb }: { id: number; logProb: number }) =>
        processed
          ? { id, token: PIECES[id], prob: Math.exp(logProb) }
          : { id, token: PIECES[id], logprob: logProb };
      return {
        content: codec.decode(tokens.map(({ id }) => id)),
        tokens: tokens.map(({ id }) => id),
        stop_type: end,
        stopping_word: '',
        truncated: false,
        completion_probabilities: tokens.map((token) => ({
          ...told(token),
          [processed ? 'top_probs' : 'top_logprobs']: token.top.map(told),
        })),
      };
    },
  },
  vllm: {
    '/version': () => ({ version: '0.32.0' }),
    '/v1/models': () => ({ object: 'list', data: [{ id: 'tiny', max_model_len: 512 }] }),
    '/v1/completions': (body, processed) => {
      const ids = body.prompt as readonly number[];
      const { tokens, end } = continuation({
        ids,
        maxTokens: body.max_tokens,
        temperature: body.temperature,
        topP: body.top_p ?? 1,
        seed: body.seed ?? 0,
        top: body.logprobs ?? 0,
        stops: body.stop ?? [],
        processed,
      });
      const written = codec.decode(tokens.map(({ id }) => id));
      return {
        choices: [
          {
            index: 0,
            text: written,
            token_ids: tokens.map(({ id }) => id),
            finish_reason: end === 'limit' ? 'length' : 'stop',
            stop_reason:
              end === 'stop' ? (body.stop as string[]).find((stop) => written.includes(stop)) : null,
            logprobs: {
              token_logprobs: tokens.map(({ logProb }) => logProb),
              top_logprobs: tokens.map(({ id, logProb, top }) =>
                Object.fromEntries(
                  [...top, { id, logProb }].map((one) => [`token_id:${one.id}`, one.logProb]),
                ),
              ),
            },
            prompt_logprobs:
              body.prompt_logprobs === undefined
                ? null
                : ids.map((id, at) =>
                    at === 0 ? null : { [id]: { logprob: logProbsAfter(ids.slice(0, at))[id], rank: 1 } },
                  ),
          },
        ],
      };
    },
  },
  sglang: {
    '/get_model_info': () => ({ model_path: 'tiny', is_generation: true }),
    '/get_server_info': () => ({ version: '0.5', context_length: 512 }),
    '/generate': (body, processed) => {
      const ids = body.input_ids as readonly number[];
      const sampling = body.sampling_params as Body;
      const { tokens, end } = continuation({
        ids,
        maxTokens: sampling.max_new_tokens,
        temperature: sampling.temperature,
        topP: sampling.top_p ?? 1,
        seed: sampling.sampling_seed ?? 0,
        top: body.top_logprobs_num ?? 0,
        stops: sampling.stop ?? [],
        processed,
      });
      const from = body.logprob_start_len as number;
      const entry = ({ id, logProb }: { id: number; logProb: number }) => [logProb, id, null];
      return {
        text: codec.decode(tokens.map(({ id }) => id)),
        output_ids: tokens.map(({ id }) => id),
        meta_info: {
          finish_reason:
            end === 'limit'
              ? { type: 'length' }
              : { type: 'stop', matched: end === 'eos' ? END : sampling.stop[0] },
          input_token_logprobs:
            from < 0
              ? []
              : ids
                  .slice(from)
                  .map((id, at) => [at === 0 ? null : logProbsAfter(ids.slice(0, from + at))[id], id, null]),
          output_token_logprobs: tokens.map(entry),
          output_top_logprobs: tokens.map(({ top }) => top.map(entry)),
        },
      };
    },
  },
};

const closers: (() => void)[] = [];

/** Ends all servers of a test. */
export function closeServers(): void {
  for (const close of closers.splice(0)) close();
}

/** Starts a server on the loopback interface and gives its address. */
export async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

export const send = (response: ServerResponse, value: unknown, status = 200): void => {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(typeof value === 'string' ? value : JSON.stringify(value));
};

/** What a test changes about a server. */
export interface FakeOptions {
  /** vLLM and SGLang: whether it was started so that log-probabilities are of the sampling distribution. */
  readonly processed?: boolean;
  /** The answer to a completion, once the policy is connected; or what to do instead of answering. */
  spoil?(reply: never, response: ServerResponse, body: Body): unknown;
  /** Sees every request. */
  see?(path: string, body: Body, request: IncomingMessage): void;
}

/** A server with the made-up model. `spoil` is asked from the moment `spoiled` is true. */
export async function fakeServer(
  kind: ServerKind['id'],
  { processed = false, spoil, see }: FakeOptions = {},
): Promise<{ readonly url: string; spoiled: boolean }> {
  const state = { url: '', spoiled: false };
  state.url = await serve(async (request, response) => {
    const given = await text(request);
    const body = (given === '' ? {} : JSON.parse(given)) as Body;
    see?.(request.url!, body, request);
    const answer = ANSWERS[kind][request.url!];
    if (answer === undefined) return send(response, { error: { message: 'File Not Found' } }, 404);
    const reply = answer(body, processed);
    if (spoil === undefined || !state.spoiled) return send(response, reply);
    const changed = spoil(reply as never, response, body);
    if (changed !== undefined) send(response, changed);
  });
  return state;
}

/** A policy connected to a server. */
export async function connect(
  url: string,
  options: Partial<ClientOptions> & Partial<RemotePolicyOptions> & { readonly topLogProbs?: number } = {},
): Promise<OwnedPolicy> {
  const { topLogProbs = 5, entropy = 'middle', piece = 4, ...rest } = options;
  const client = createClient({ url, concurrency: 4, timeoutMs: 5000, retries: 0, backoffMs: 1, ...rest });
  const found = await probeServer(client, { topLogProbs, ids: [0, 1], vocabulary: SIZE });
  return createRemotePolicy({ client, ...found, codec, size: SIZE, entropy, piece });
}
