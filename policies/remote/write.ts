import type { ActRequest, SampledAction, SampledTokens, Sampling, TokenCodec } from '../policy.ts';
import { createStopTests, type StopTest } from '../stops.ts';
import { checkWritten } from './check.ts';
import type { Client } from './client.ts';
import { chosenEntropy, type EntropyChoice, entropyBounds } from './entropy.ts';
import type { ServerKind, WriteRequest, Written } from './kind.ts';
import { wholeDistribution } from './whole.ts';

/** What actions are written with. */
export interface WriterOptions {
  readonly client: Client;
  readonly kind: ServerKind;
  readonly model: string;
  readonly codec: TokenCodec;
  /** Ids of the model. */
  readonly size: number;
  readonly topLogProbs: number;
  readonly entropy: EntropyChoice;
  /** Tokens of one request to a server that gets no stop strings. */
  readonly piece: number;
}

/** Writes one action. `context` is the prompt. */
export type Writer = (
  context: readonly number[],
  request: ActRequest,
  sampling: Required<Sampling>,
) => Promise<SampledAction>;

const NOTHING: SampledTokens = { tokens: [], logProbs: [], entropies: [] };

/**
 * A writer of actions. An action ends with the token that completes a stop in its text, looked for here whatever the
 * server does, so that all servers end actions alike; or with the model's end token, whose text is left out. A piece is
 * asked for with the ids of those before it behind the prompt. Every piece has a seed of its own from the request's stream.
 */
export function createWriter(options: WriterOptions): Writer {
  const { client, kind, model, codec, size, topLogProbs, piece } = options;
  const stopTests = createStopTests(codec);
  const known = new Map<string, StopTest>();
  const stopTestOf = (stops: readonly string[]): StopTest => {
    const key = JSON.stringify(stops);
    const found = known.get(key) ?? stopTests(stops);
    known.set(key, found);
    return found;
  };

  return async (context, { random, generation }, sampling) => {
    const { stops, maxTokens, prefix = NOTHING } = generation!;
    const stopped = stopTestOf(stops);
    const tokens = [...prefix.tokens];
    const logProbs = [...prefix.logProbs];
    const entropies = [...prefix.entropies];
    let done = stopped(tokens);
    let ended = false;
    while (!done && tokens.length < maxTokens) {
      const left = maxTokens - tokens.length;
      const request: WriteRequest = {
        model,
        ids: [...context, ...tokens],
        maxTokens: kind.stops ? left : Math.min(left, piece),
        temperature: sampling.temperature,
        topP: sampling.topP,
        greedy: sampling.greedy,
        seed: random.integer(2 ** 31 - 1),
        top: topLogProbs,
        stops,
      };
      const written = await client.post(kind.write(request), (reply) =>
        checkWritten(kind.readWritten(reply, request), request, size),
      );
      for (const [index, id] of written.ids.entries()) {
        const measured = await measure(written, index, request);
        tokens.push(id);
        logProbs.push(measured.logProb);
        entropies.push(measured.entropy);
        done = stopped(tokens);
        if (done) break;
      }
      // An end token behind a stop was not reached.
      if (!done && written.ended === 'end') [done, ended] = [true, true];
    }
    return {
      text: codec.decode(ended ? tokens.slice(0, -1) : tokens),
      tokens,
      logProbs,
      entropies,
      cut: !done,
    };
  };

  async function measure(
    { ids, logProbs, top }: Written,
    index: number,
    request: WriteRequest,
  ): Promise<{ readonly logProb: number; readonly entropy: number }> {
    const [id, logProb, likely] = [ids[index]!, logProbs[index], top[index]!];
    if (logProb === undefined) {
      const before = [...request.ids, ...ids.slice(0, index)];
      return wholeDistribution(options, { ...request, ids: before }, id);
    }
    const first = likely.slice(0, request.top);
    const isAmong = first.some((one) => one.id === id);
    const bounds = entropyBounds(
      first.map((one) => one.logProb),
      size,
      isAmong ? undefined : logProb,
    );
    return { logProb, entropy: chosenEntropy(bounds, options.entropy) };
  }
}
