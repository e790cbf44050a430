import { z } from 'zod';
import { BadReply, readReply, type ServerKind } from './kind.ts';

/** [log-probability, id, text]; the first of a prompt has none. */
const entrySchema = z.tuple([z.number().nullable(), z.int()], z.unknown());
const replySchema = z.looseObject({
  output_ids: z.array(z.int()),
  meta_info: z.looseObject({
    finish_reason: z.looseObject({ type: z.string(), matched: z.union([z.string(), z.number()]).nullish() }),
    input_token_logprobs: z.array(entrySchema).nullish(),
    output_token_logprobs: z.array(entrySchema).nullish(),
    output_top_logprobs: z.array(z.array(entrySchema).nullable()).nullish(),
  }),
});
const infoSchema = z.looseObject({ model_path: z.string(), version: z.string().nullish() });
const serverSchema = z.looseObject({
  version: z.string().nullish(),
  context_length: z.int().nullish(),
  max_total_num_tokens: z.int().nullish(),
});

/**
 * SGLang, `POST /generate`. Written from its documentation and public code and not run against a server: the probe at the
 * connection compares what comes back with what is expected here.
 */
export const sglang: ServerKind = {
  id: 'sglang',
  stops: true,
  sampling: 'as started',
  processed: 'use a server whose log-probabilities are those after temperature and nucleus',
  write: (request) => ({
    path: '/generate',
    body: {
      input_ids: request.ids,
      sampling_params: {
        temperature: request.greedy ? 0 : request.temperature,
        top_p: request.greedy ? 1 : request.topP,
        top_k: -1,
        min_p: 0,
        repetition_penalty: 1,
        presence_penalty: 0,
        frequency_penalty: 0,
        max_new_tokens: request.maxTokens,
        stop: request.stops,
        skip_special_tokens: false,
        no_stop_trim: true,
        n: 1,
        sampling_seed: request.seed,
      },
      return_logprob: true,
      logprob_start_len: -1,
      top_logprobs_num: request.top,
      stream: false,
    },
  }),
  readWritten: (reply) => {
    const { output_ids, meta_info } = readReply(replySchema, reply);
    const { output_token_logprobs: given, output_top_logprobs: top, finish_reason } = meta_info;
    if (given == null) throw new BadReply('meta_info.output_token_logprobs: none came back');
    if (top == null) throw new BadReply('meta_info.output_top_logprobs: none came back');
    for (const [name, list] of Object.entries({ output_token_logprobs: given, output_top_logprobs: top })) {
      if (list.length !== output_ids.length) {
        throw new BadReply(`meta_info.${name}: ${list.length} for ${output_ids.length} output_ids`);
      }
    }
    const wrong = output_ids.findIndex((id, index) => given[index]![1] !== id);
    if (wrong !== -1) {
      throw new BadReply(
        `meta_info.output_token_logprobs.${wrong}: of the id ${given[wrong]![1]}, output_ids has ${output_ids[wrong]}`,
      );
    }
    return {
      ids: output_ids,
      logProbs: given.map(([logProb]) => logProb ?? Number.NaN),
      top: top.map((at) => (at ?? []).map(([logProb, id]) => ({ id, logProb: logProb ?? Number.NaN }))),
      ended: finish_reason.type === 'stop' && typeof finish_reason.matched !== 'string' ? 'end' : 'limit',
    };
  },
  score: {
    write: ({ ids, from }) => ({
      path: '/generate',
      body: {
        input_ids: ids,
        sampling_params: { temperature: 1, max_new_tokens: 1 },
        return_logprob: true,
        // The entry at this position is the first; what it holds there differs between versions, so one earlier.
        logprob_start_len: Math.max(0, from - 1),
        stream: false,
      },
    }),
    read: (reply, { ids, from }) => {
      const { input_token_logprobs: given } = readReply(replySchema, reply).meta_info;
      const wanted = ids.slice(from);
      const last = (given ?? []).slice(-wanted.length);
      if (last.length !== wanted.length || last.some(([, id], index) => id !== wanted[index])) {
        throw new BadReply(
          'meta_info.input_token_logprobs: its last entries are not of the ids that were sent',
        );
      }
      return last.map(([logProb]) => logProb ?? Number.NaN);
    },
  },
  recognise: {
    paths: ['/get_model_info', '/get_server_info'],
    about: ([model, server]) => {
      const read = infoSchema.safeParse(model);
      if (!read.success) return undefined;
      const more = serverSchema.safeParse(server).data;
      return {
        version: read.data.version ?? more?.version ?? undefined,
        models: [read.data.model_path],
        context: more?.context_length ?? undefined,
      };
    },
  },
};
