import { z } from 'zod';

/** What the Tinker API answers, as far as it is read. Servers may say more. */

export const promised = z.looseObject({ request_id: z.coerce.string() });

export const capabilities = z.looseObject({
  supported_models: z.array(z.looseObject({ model_name: z.string().nullish() })),
});

export const session = z.looseObject({ session_id: z.string(), error_message: z.string().nullish() });

export const createdModel = promised.extend({ model_id: z.string() });

export const modelInfo = z.looseObject({
  model_data: z.looseObject({
    model_name: z.string().nullish(),
    lora_rank: z.number().nullish(),
    lora_config: z.looseObject({ rank: z.number() }).nullish(),
  }),
});

export const anything = z.looseObject({});

/** A future: not done yet, done and too large to come at once, failed; otherwise the result itself. */
export const future = z.looseObject({
  type: z.string().nullish(),
  status: z.string().nullish(),
  error: z.string().nullish(),
  category: z.string().nullish(),
});

/** A log-probability: rounding may put that of a certain token a little above 0. */
const logProb = z.number().max(1e-4, 'a log-probability is above 0');

export const passed = z.looseObject({
  loss_fn_outputs: z.array(z.looseObject({ logprobs: z.looseObject({ data: z.array(logProb) }) })),
});

export const stepped = z.looseObject({ metrics: z.record(z.string(), z.unknown()).nullish() });

export const saved = z.looseObject({ path: z.string().startsWith('tinker://') });

export const sampled = z.looseObject({
  sequences: z.array(
    z.looseObject({
      tokens: z.array(z.int().min(0)),
      logprobs: z.array(logProb),
      stop_reason: z.string(),
    }),
  ),
});
