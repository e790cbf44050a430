import { InputError } from '../../core/errors.ts';
import type { ActRequest, SampledAction, SampledTokens, Sampling, TokenCodec } from '../policy.ts';
import { createStopTests, type StopTest } from '../stops.ts';
import { checkIds } from '../text-transformer/rows.ts';
import type { Codec } from '../tokenizer/load.ts';
import type { SampleRequest, Sequence } from './client.ts';

/** Text to ids and back, and the ids of whole stops. */
export type WritingCodec = TokenCodec & Pick<Codec, 'idOf'>;

export interface WriterOptions {
  readonly server: string;
  readonly codec: WritingCodec;
  /** Ids that the model may write. */
  readonly vocabularySize: number;
  /** Ids that end what the model writes. */
  readonly endIds: readonly number[];
  sample(request: SampleRequest): Promise<Sequence>;
}

/** Writes one action from weights that were saved for the sampler. */
export type Writer = (path: string, request: ActRequest, sampling: Sampling) => Promise<SampledAction>;

const NOTHING: SampledTokens = { tokens: [], logProbs: [], entropies: [] };

/**
 * A writer of actions. An action ends with the token that completes the first stop in its text, looked for here whatever the
 * server does; or with one of the model's end ids, whose text is left out. The entropy of a token is unknown: its
 * surprisal -log p is recorded, whose mean over draws the entropy is.
 */
export function createWriter({ server, codec, vocabularySize, endIds, sample }: WriterOptions): Writer {
  const stopTests = createStopTests(codec);
  const known = new Map<string, { readonly test: StopTest; readonly sent: SampleRequest['stop'] }>();
  const stopping = (stops: readonly string[]) => {
    const key = JSON.stringify(stops);
    const found = known.get(key) ?? { test: stopTests(stops), sent: sentStops(stops) };
    known.set(key, found);
    return found;
  };
  /** Ids end the writing where a stop is one token: not all servers stop at text. Texts, and no ids, otherwise. */
  function sentStops(stops: readonly string[]): SampleRequest['stop'] {
    const ids = stops.map((stop) => codec.idOf(stop));
    return ids.every((id) => id !== undefined) ? [...ids, ...endIds] : stops;
  }

  return async (path, { prompt, random, generation }, { greedy = false }) => {
    if (generation === undefined) {
      throw new Error('tinker policy: the request has no generation (stops and maxTokens)');
    }
    const { stops, maxTokens, prefix = NOTHING } = generation;
    const { test, sent } = stopping(stops);
    const context = [...(prompt.tokens ?? [])];
    const tokens = [...prefix.tokens];
    const logProbs = [...prefix.logProbs];
    const entropies = [...prefix.entropies];
    let done = test(tokens);
    let ended = false;
    if (!done && tokens.length < maxTokens) {
      const wanted = maxTokens - tokens.length;
      const given = await sample({
        path,
        prompt: [...context, ...tokens],
        maxTokens: wanted,
        seed: random.integer(2 ** 31 - 1),
        temperature: greedy ? 0 : 1,
        ...(sent === undefined || sent.length === 0 ? {} : { stop: sent }),
      });
      checkIds(given.tokens, vocabularySize, `tinker server ${server}, asample`);
      for (const [at, id] of given.tokens.entries()) {
        tokens.push(id);
        logProbs.push(given.logprobs[at]!);
        entropies.push(-given.logprobs[at]!);
        ended = endIds.includes(id);
        done = test(tokens);
        if (done || ended) break;
      }
      if (!done && !ended && given.tokens.length < wanted) {
        throw new InputError(
          `tinker server ${server}: it stopped after ${given.tokens.length} of ${wanted} tokens, and they end with neither a stop (${stops.join(', ')}) nor an end id (${endIds.join(', ') || 'none'}); valid: a server that returns what it stops at, and a tokenizer whose files name the model's end ids`,
        );
      }
    }
    const isEnd = ended && !done;
    const text = codec.decode(isEnd ? tokens.slice(0, -1) : tokens);
    return { text, tokens, logProbs, entropies, cut: !done && !ended };
  };
}
