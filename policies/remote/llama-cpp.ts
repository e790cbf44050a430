import { z } from 'zod';
import { BadReply, readReply, type ScoredId, type ServerKind, type WriteRequest } from './kind.ts';

const rawToken = z.object({ id: z.int(), logprob: z.number() });
const drawnToken = z.object({ id: z.int(), prob: z.number().min(0) });

/** A token with the most likely ones beside it: of the softmax, or after the sampling chain. */
const tokenSchema = z.union([
  rawToken.extend({ top_logprobs: z.array(rawToken) }).transform(({ id, logprob, top_logprobs }) => ({
    id,
    logProb: logprob,
    top: top_logprobs.map((one): ScoredId => ({ id: one.id, logProb: one.logprob })),
  })),
  drawnToken.extend({ top_probs: z.array(drawnToken) }).transform(({ id, prob, top_probs }) => ({
    id,
    logProb: Math.log(prob),
    top: top_probs
      .filter((one) => one.prob > 0)
      .map((one): ScoredId => ({ id: one.id, logProb: Math.log(one.prob) })),
  })),
]);

const replySchema = z.looseObject({
  tokens: z.array(z.int()),
  stop_type: z.enum(['none', 'eos', 'limit', 'word']),
  truncated: z.boolean().optional(),
  // Absent if no token has a probability.
  completion_probabilities: z.array(tokenSchema).default([]),
});

const propsSchema = z.looseObject({
  default_generation_settings: z.looseObject({ n_ctx: z.int().optional() }),
  total_slots: z.int().min(1).optional(),
  build_info: z.string().optional(),
});
const modelsSchema = z.looseObject({
  data: z
    .array(z.looseObject({ id: z.string(), meta: z.looseObject({ n_vocab: z.int().optional() }).nullish() }))
    .min(1),
});

/** Whether the sampling distribution is the softmax itself, so that its own log-probabilities are exact. */
const isPlain = ({ temperature, topP, greedy }: WriteRequest): boolean =>
  greedy || (temperature === 1 && topP === 1);

/**
 * llama.cpp's server, `POST /completion`. Its log-probabilities are those of the raw softmax whatever the temperature, or,
 * with `post_sampling_probs`, probabilities after the sampling chain; the chain is given here, because by default the
 * nucleus comes before the temperature. Tokens of a stop string have no probabilities, so it gets no stop strings; and a
 * token that ends inside of a character has none either.
 */
export const llamaCpp: ServerKind = {
  id: 'llama.cpp',
  stops: false,
  sampling: 'as asked',
  processed: '',
  write: (request) => ({
    path: '/completion',
    body: {
      prompt: request.ids,
      n_predict: request.maxTokens,
      samplers: ['temperature', 'top_p'],
      temperature: request.greedy ? 0 : request.temperature,
      top_p: request.greedy ? 1 : request.topP,
      // Its defaults are not neutral.
      top_k: 0,
      min_p: 0,
      typical_p: 1,
      repeat_penalty: 1,
      presence_penalty: 0,
      frequency_penalty: 0,
      seed: request.seed,
      n_probs: request.top,
      post_sampling_probs: !isPlain(request),
      return_tokens: true,
      cache_prompt: true,
      stream: false,
    },
  }),
  readWritten: (reply) => {
    const { tokens, stop_type, truncated, completion_probabilities } = readReply(replySchema, reply);
    if (truncated === true) throw new BadReply('truncated: the server has dropped a part of the context');
    const found: (z.output<typeof tokenSchema> | undefined)[] = [];
    let next = 0;
    for (const id of tokens) {
      const isNext = completion_probabilities[next]?.id === id;
      found.push(isNext ? completion_probabilities[next++] : undefined);
    }
    if (next < completion_probabilities.length) {
      throw new BadReply(
        `completion_probabilities[${next}].id is ${completion_probabilities[next]!.id}, which is not the next of the tokens`,
      );
    }
    return {
      ids: tokens,
      logProbs: found.map((one) => one?.logProb),
      top: found.map((one) => one?.top ?? []),
      ended: stop_type === 'eos' ? 'end' : 'limit',
    };
  },
  recognise: {
    paths: ['/props', '/v1/models'],
    about: ([props, models]) => {
      const read = propsSchema.safeParse(props);
      if (!read.success) return undefined;
      const { data } = readReply(modelsSchema, models);
      return {
        version: read.data.build_info,
        models: data.map(({ id }) => id),
        context: read.data.default_generation_settings.n_ctx,
        vocabulary: data[0]!.meta?.n_vocab,
        slots: read.data.total_slots,
      };
    },
  },
};
