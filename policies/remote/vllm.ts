import { z } from 'zod';
import { BadReply, readReply, type ScoredId, type ServerKind } from './kind.ts';

const choiceSchema = z.looseObject({
  token_ids: z.array(z.int()).nullish(),
  finish_reason: z.string().nullish(),
  stop_reason: z.union([z.string(), z.number()]).nullish(),
  logprobs: z
    .looseObject({
      token_logprobs: z.array(z.number().nullable()),
      top_logprobs: z.array(z.record(z.string(), z.number()).nullable()),
    })
    .nullish(),
  prompt_logprobs: z.array(z.record(z.string(), z.looseObject({ logprob: z.number() })).nullable()).nullish(),
});
const replySchema = z.looseObject({ choices: z.array(choiceSchema) });
const versionSchema = z.looseObject({ version: z.string() });
const modelsSchema = z.looseObject({
  data: z.array(z.looseObject({ id: z.string(), max_model_len: z.int().nullish() })).min(1),
});

function onlyChoice(reply: unknown): z.output<typeof choiceSchema> {
  const { choices } = readReply(replySchema, reply);
  if (choices.length !== 1) throw new BadReply(`choices: ${choices.length} came back, 1 was asked for`);
  return choices[0]!;
}

/** The keys are 'token_id:57', by `return_tokens_as_token_ids`: two ids may have the same text. */
function scored(key: string, logProb: number): ScoredId {
  const id = /^token_id:(\d+)$/.exec(key)?.[1];
  if (id === undefined) {
    throw new BadReply(`choices.0.logprobs.top_logprobs: ${JSON.stringify(key)} is no 'token_id:…'`);
  }
  return { id: Number(id), logProb };
}

/**
 * vLLM, `POST /v1/completions`. Its stop strings leave all tokens in `token_ids` with their log-probabilities. Those are
 * of the raw softmax, unless the server runs with `--logprobs-mode processed_logprobs`.
 */
export const vllm: ServerKind = {
  id: 'vllm',
  stops: true,
  sampling: 'as started',
  processed: 'start vLLM with --logprobs-mode processed_logprobs',
  write: (request) => ({
    path: '/v1/completions',
    body: {
      model: request.model,
      prompt: request.ids,
      max_tokens: request.maxTokens,
      temperature: request.greedy ? 0 : request.temperature,
      top_p: request.greedy ? 1 : request.topP,
      top_k: 0,
      min_p: 0,
      repetition_penalty: 1,
      presence_penalty: 0,
      frequency_penalty: 0,
      seed: request.seed,
      n: 1,
      logprobs: request.top,
      return_token_ids: true,
      return_tokens_as_token_ids: true,
      add_special_tokens: false,
      skip_special_tokens: false,
      stop: request.stops,
      include_stop_str_in_output: true,
      stream: false,
    },
  }),
  readWritten: (reply) => {
    const { token_ids, logprobs, finish_reason, stop_reason } = onlyChoice(reply);
    if (token_ids == null) throw new BadReply('choices.0.token_ids: no ids came back');
    if (logprobs == null) throw new BadReply('choices.0.logprobs: no log-probabilities came back');
    const { token_logprobs, top_logprobs } = logprobs;
    for (const [name, list] of Object.entries({ token_logprobs, top_logprobs })) {
      if (list.length !== token_ids.length) {
        throw new BadReply(`choices.0.logprobs.${name}: ${list.length} for ${token_ids.length} token_ids`);
      }
    }
    return {
      ids: token_ids,
      logProbs: token_logprobs.map((value) => value ?? Number.NaN),
      top: top_logprobs.map((at) =>
        Object.entries(at ?? {})
          .map(([key, logProb]) => scored(key, logProb))
          .sort((a, b) => b.logProb - a.logProb),
      ),
      // Its stop strings have their text as the reason, its end token none, another end token of the model its id.
      ended: finish_reason === 'stop' && typeof stop_reason !== 'string' ? 'end' : 'limit',
    };
  },
  score: {
    write: ({ model, ids }) => ({
      path: '/v1/completions',
      body: {
        model,
        prompt: ids,
        max_tokens: 1,
        temperature: 1,
        prompt_logprobs: 0,
        add_special_tokens: false,
        stream: false,
      },
    }),
    read: (reply, { ids, from }) => {
      const { prompt_logprobs: given } = onlyChoice(reply);
      if (given == null) throw new BadReply('choices.0.prompt_logprobs: none came back');
      if (given.length !== ids.length) {
        throw new BadReply(`choices.0.prompt_logprobs: ${given.length} for a prompt of ${ids.length} ids`);
      }
      return ids.slice(from).map((id, index) => {
        const found = given[from + index]?.[String(id)];
        if (found === undefined) {
          throw new BadReply(`choices.0.prompt_logprobs.${from + index}: nothing for the id ${id}`);
        }
        return found.logprob;
      });
    },
  },
  recognise: {
    paths: ['/version', '/v1/models'],
    about: ([version, models]) => {
      const read = versionSchema.safeParse(version);
      if (!read.success) return undefined;
      const { data } = readReply(modelsSchema, models);
      return {
        version: read.data.version,
        models: data.map(({ id }) => id),
        context: data[0]!.max_model_len ?? undefined,
      };
    },
  },
};
