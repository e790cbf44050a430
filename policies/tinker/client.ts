import { InputError } from '../../core/errors.ts';
import { resultOf } from './futures.ts';
import { ask, type Connection, StatusError } from './http.ts';
import {
  anything,
  capabilities,
  createdModel,
  modelInfo,
  passed,
  promised,
  sampled,
  saved,
  session,
  stepped,
} from './schemas.ts';

/** Seconds between two signs of life of a session; SkyRL drops one after 300 without any. */
const HEARTBEAT_SECONDS = 10;

/** One sequence to score or train: which token follows which, and what the loss needs at every position. */
export interface Datum {
  /** What is read: x_0 to x_(n-1). */
  readonly tokens: readonly number[];
  /** What follows each: x_1 to x_n. */
  readonly targets: readonly number[];
  /** 1 at trained positions, 0 elsewhere. */
  readonly weights: readonly number[];
  /** 0 where nothing is trained. */
  readonly advantages: readonly number[];
  /** Log-probabilities that the ratio is taken to; 0 where nothing is trained. */
  readonly logProbs: readonly number[];
}

/** The server's Adam. */
export interface AdamSettings {
  readonly learningRate: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  /** Largest norm of the gradient; servers that do not know the field ignore it. Absent: none. */
  readonly maxGradientNorm?: number;
}

export interface SampleRequest {
  /** Weights that were saved for the sampler. */
  readonly path: string;
  readonly prompt: readonly number[];
  readonly maxTokens: number;
  readonly seed: number;
  /** 1, or 0 for the most likely token. */
  readonly temperature: number;
  readonly stop?: readonly number[] | readonly string[];
}

export interface Sequence {
  readonly tokens: readonly number[];
  readonly logprobs: readonly number[];
}

/** A model that a server trains for this client. Calls that change it are made one after the other. */
export interface ServedModel {
  readonly id: string;
  /** Log-probabilities of every datum's targets. */
  forward(data: readonly Datum[]): Promise<readonly (readonly number[])[]>;
  /** Adds to the gradient, with the loss `importance_sampling`. */
  forwardBackward(data: readonly Datum[]): Promise<void>;
  /** Takes the step. @returns what the server tells of it. */
  step(adam: AdamSettings): Promise<Readonly<Record<string, unknown>>>;
  /** @returns the path to sample from. */
  saveForSampler(name: string): Promise<string>;
  /** Weights and Adam's moments. @returns their path. */
  save(name: string): Promise<string>;
  load(path: string): Promise<void>;
  info(): Promise<{ readonly name: string | undefined; readonly rank: number | undefined }>;
  unload(): Promise<void>;
}

/** A session with a server of the Tinker API, as JSON. */
export interface TinkerClient {
  readonly server: string;
  /** Names of the models that the server offers. */
  models(): Promise<readonly string[]>;
  createModel(request: { baseModel: string; rank: number; seed: number }): Promise<ServedModel>;
  sample(request: SampleRequest): Promise<Sequence>;
  /** Ends the signs of life and whatever is under way. */
  dispose(): void;
}

export interface ClientOptions extends Connection {
  /** How long a result may take. */
  readonly resultSeconds: number;
}

/**
 * Opens a session.
 * @throws as `ask`.
 */
export async function openSession(given: ClientOptions): Promise<TinkerClient> {
  const ended = new AbortController();
  const connection = { ...given, signal: AbortSignal.any([given.signal, ended.signal]) };
  const { server, resultSeconds } = connection;
  await ask(connection, {
    name: 'client/config',
    body: { sdk_version: SDK_VERSION },
    schema: anything,
    repeatable: true,
  });
  const { session_id } = await ask(connection, {
    name: 'create_session',
    body: { tags: ['creditbench'], user_metadata: {}, sdk_version: SDK_VERSION, type: 'create_session' },
    schema: session,
    repeatable: true,
  });
  const beat = setInterval(() => {
    const alive = { ...connection, retries: 0 };
    const body = { session_id, type: 'session_heartbeat' };
    // A server that has gone is noticed by whoever waits for it.
    ask(alive, { name: 'session_heartbeat', body, schema: anything, repeatable: true }).catch(() => {});
  }, 1000 * HEARTBEAT_SECONDS);
  beat.unref();
  let models = 0;
  return {
    server,
    models: async () => {
      const offered = await ask(connection, {
        name: 'get_server_capabilities',
        schema: capabilities,
        repeatable: true,
      });
      return offered.supported_models.flatMap(({ model_name }) => model_name ?? []);
    },
    createModel: async ({ baseModel, rank, seed }) => {
      let id: string | undefined;
      await resultOf(
        connection,
        {
          name: 'create_model',
          about: ` of '${baseModel}' with LoRA rank ${rank}`,
          body: {
            session_id,
            model_seq_id: models++,
            base_model: baseModel,
            lora_config: { rank, seed, train_unembed: false, train_mlp: true, train_attn: true },
            type: 'create_model',
          },
          schema: createdModel.transform((created) => {
            id = created.model_id;
            return created;
          }),
          result: anything,
          repeatable: false,
        },
        resultSeconds,
      ).catch(refusedAsInput);
      return servedModel(connection, resultSeconds, id!);
    },
    sample: ({ path, prompt, maxTokens, seed, temperature, stop }) =>
      resultOf(
        connection,
        {
          name: 'asample',
          about: ` from ${path}`,
          body: {
            num_samples: 1,
            prompt: { chunks: [{ type: 'encoded_text', tokens: prompt }] },
            sampling_params: {
              max_tokens: maxTokens,
              seed,
              temperature,
              top_k: -1,
              top_p: 1,
              ...(stop === undefined ? {} : { stop }),
            },
            model_path: path,
            prompt_logprobs: false,
            type: 'sample',
          },
          schema: promised,
          result: sampled,
          repeatable: true,
        },
        resultSeconds,
      ).then(({ sequences }) => {
        const [sequence] = sequences;
        const where = `tinker server ${server}, asample from ${path}`;
        if (sequence === undefined) throw new Error(`${where}: 1 sequence was asked for, 0 came back`);
        const { tokens, logprobs } = sequence;
        if (tokens.length !== logprobs.length) {
          throw new Error(`${where}: ${tokens.length} tokens with ${logprobs.length} log-probabilities`);
        }
        if (tokens.length === 0 || tokens.length > maxTokens) {
          throw new Error(`${where}: ${tokens.length} tokens; 1 to ${maxTokens} were asked for`);
        }
        return { tokens, logprobs: logprobs.map((value) => Math.min(value, 0)) };
      }),
    dispose: () => {
      clearInterval(beat);
      ended.abort(new Error(`the session with tinker server ${server} has ended`));
    },
  };
}

/** What is wrong with a model is what was asked for: an unknown name, a rank that is too large. */
function refusedAsInput(error: unknown): never {
  if (!(error instanceof StatusError) || ![400, 422].includes(error.status)) throw error;
  throw new InputError(`${error.message}; check policy.options.baseModel and loraRank`, { cause: error });
}

/** The version of the Python SDK whose requests these are. */
const SDK_VERSION = '0.38.0';

function servedModel(connection: Connection, seconds: number, id: string): ServedModel {
  const { server } = connection;
  let sequence = 1;
  const about = ` of ${id}`;
  const request = (rest: object): object => ({ model_id: id, seq_id: sequence++, ...rest });
  const pass = async (name: 'forward' | 'forward_backward', data: readonly Datum[]) => {
    const input = { data: data.map(wireDatum), loss_fn: 'importance_sampling' };
    const { loss_fn_outputs: outputs } = await resultOf(
      connection,
      {
        name,
        about,
        body: request({ [`${name}_input`]: input }),
        schema: promised,
        result: passed,
        repeatable: name === 'forward',
      },
      seconds,
    );
    const where = `tinker server ${server}, ${name}${about}`;
    if (outputs.length !== data.length) {
      throw new Error(`${where}: ${data.length} sequences were sent, ${outputs.length} came back`);
    }
    return outputs.map(({ logprobs }, index) => {
      const { length } = data[index]!.targets;
      if (logprobs.data.length !== length) {
        throw new Error(
          `${where}: sequence ${index} has ${length} targets, and ${logprobs.data.length} log-probabilities`,
        );
      }
      return logprobs.data.map((value) => Math.min(value, 0));
    });
  };
  const save = async (name: 'save_weights' | 'save_weights_for_sampler', path: string): Promise<string> => {
    const body = request({ path, type: name });
    const call = {
      name,
      about: `${about} as ${path}`,
      body,
      schema: promised,
      result: saved,
      repeatable: false,
    };
    return (await resultOf(connection, call, seconds)).path;
  };
  return {
    id,
    forward: (data) => pass('forward', data),
    forwardBackward: async (data) => {
      await pass('forward_backward', data);
    },
    step: async ({ learningRate, beta1, beta2, epsilon, maxGradientNorm }) => {
      const adam = {
        learning_rate: learningRate,
        beta1,
        beta2,
        eps: epsilon,
        weight_decay: 0,
        ...(maxGradientNorm === undefined ? {} : { grad_clip_norm: maxGradientNorm }),
      };
      const body = request({ adam_params: adam, type: 'optim_step' });
      const call = { name: 'optim_step', about, body, schema: promised, result: stepped, repeatable: false };
      return (await resultOf(connection, call, seconds)).metrics ?? {};
    },
    saveForSampler: (name) => save('save_weights_for_sampler', name),
    save: (name) => save('save_weights', name),
    load: async (path) => {
      const body = request({ path, optimizer: true, type: 'load_weights' });
      const call = { name: 'load_weights', about: `${about} from ${path}`, body, schema: promised };
      await resultOf(connection, { ...call, result: anything, repeatable: true }, seconds);
    },
    info: async () => {
      const { model_data: data } = await ask(connection, {
        name: 'get_info',
        about,
        body: { model_id: id, type: 'get_info' },
        schema: modelInfo,
        repeatable: true,
      });
      return {
        name: data.model_name ?? undefined,
        rank: data.lora_rank ?? data.lora_config?.rank,
      };
    },
    unload: async () => {
      const body = { model_id: id, type: 'unload_model' };
      const call = {
        name: 'unload_model',
        about,
        body,
        schema: promised,
        result: anything,
        repeatable: true,
      };
      await resultOf(connection, call, seconds);
    },
  };
}

function wireDatum({ tokens, targets, weights, advantages, logProbs }: Datum): object {
  const tensor = (data: readonly number[], dtype: 'int64' | 'float32'): object => ({
    data,
    dtype,
    shape: [data.length],
  });
  return {
    model_input: { chunks: [{ type: 'encoded_text', tokens }] },
    loss_fn_inputs: {
      target_tokens: tensor(targets, 'int64'),
      logprobs: tensor(logProbs, 'float32'),
      advantages: tensor(advantages, 'float32'),
      weights: tensor(weights, 'float32'),
    },
  };
}
