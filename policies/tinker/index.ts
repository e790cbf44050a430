import pLimit from 'p-limit';
import { InputError } from '../../core/errors.ts';
import type { Random } from '../../core/random.ts';
import type { ActionRecord, Sampling, ServedPolicy } from '../policy.ts';
import { contextOf, trainingRows } from '../text-transformer/rows.ts';
import { type Datum, openSession, type ServedModel, type TinkerClient } from './client.ts';
import { batches, datumOf, filled, withGradient } from './data.ts';
import { createHolder, START } from './models.ts';
import { factors, gradientNorm, PROBE_IDS, type Probed, probeScaling, type Scaling } from './scaling.ts';
import { createWriter, type WritingCodec } from './write.ts';

export interface TinkerOptions {
  /** The server's address without `/api/v1`. */
  readonly server: string;
  /** Name of the model to train. Default: the server's only one. */
  readonly baseModel?: string;
  readonly codec: WritingCodec;
  /** Ids of the model. */
  readonly vocabularySize: number;
  /** Ids that end what the model writes. */
  readonly endIds: readonly number[];
  readonly loraRank: number;
  /** Sequences of one request that scores or trains, at most. */
  readonly batch: number;
  /** Requests for samples at the same time. */
  readonly concurrency: number;
  readonly key?: string;
  readonly requestSeconds: number;
  readonly resultSeconds: number;
  readonly retries: number;
  /** Seconds before the first further try. Default: 0.5. */
  readonly backoffSeconds?: number;
  /** Draws the seed of the starting weights. */
  readonly random: Random;
  readonly signal?: AbortSignal;
}

const WHO = 'tinker policy';

/**
 * A policy that a server of the Tinker API trains by LoRA. What is learned from is all computed here: a step asks the
 * server for the log-probabilities of the trained tokens, takes the objective's gradient with respect to them in float64,
 * and sends it back as advantages of an importance-sampling loss at ratio 1, whose gradient is the objective's.
 * @throws InputError when the server refuses the key or the model, or scales gradients in a way that is not known.
 * @throws MachineError when it cannot be reached.
 */
export async function createTinkerPolicy(options: TinkerOptions): Promise<ServedPolicy> {
  const { server, codec, vocabularySize, loraRank } = options;
  const client = await openSession({
    server,
    ...(options.key === undefined ? {} : { key: options.key }),
    requestSeconds: options.requestSeconds,
    resultSeconds: options.resultSeconds,
    retries: options.retries,
    backoffSeconds: options.backoffSeconds ?? 0.5,
    signal: options.signal ?? new AbortController().signal,
  });
  const seed = options.random.split('LoRA').integer(2 ** 31 - 1);
  let baseModel = '';
  const make = async (): Promise<ServedModel> => client.createModel({ baseModel, rank: loraRank, seed });
  const holder = createHolder(client, make);
  const close = async (): Promise<void> => {
    await Promise.race([holder.freeAll(), new Promise((resolve) => setTimeout(resolve, 5000).unref())]);
    client.dispose();
  };
  try {
    baseModel = await modelName(client, options.baseModel);
    const probe = await holder.fresh();
    await checkRank(probe.model, loraRank, server);
    const probed = await probeScaling(probe.model, probeIds(codec, vocabularySize), server);
    await holder.free(probe);
    return { ...policyOf(options, client, holder, probed, await holder.fresh()), close };
  } catch (error) {
    await close();
    throw error;
  }
}

function policyOf(
  { codec, vocabularySize, endIds, batch, concurrency }: TinkerOptions,
  client: TinkerClient,
  holder: ReturnType<typeof createHolder>,
  { scaling, by, ratio }: Probed,
  first: Awaited<ReturnType<ReturnType<typeof createHolder>['fresh']>>,
): Omit<ServedPolicy, 'close'> {
  const { server, sample } = client;
  const write = createWriter({ server, codec, vocabularySize, endIds, sample });
  const limit = pLimit(concurrency);
  // Every new shape is compiled by the servers that average; the others are paid by the token.
  const fill = scaling === 'sequence-mean';
  let own = first;
  /** Others, for measuring: with the starting weights, and with any. */
  let starting: typeof own | undefined;
  let other: typeof own | undefined;
  let sampler: { readonly of: typeof own; readonly version: number; readonly path: string } | undefined;
  let samplers = 0;

  const rowsOf = (records: readonly ActionRecord[]) => {
    for (const { prompt } of records) contextOf(prompt, vocabularySize, WHO);
    return trainingRows(records, vocabularySize);
  };
  /** Log-probabilities at the scored positions of every row. */
  const score = async (
    model: ServedModel,
    rows: ReturnType<typeof rowsOf>['rows'],
    data: readonly Datum[],
  ): Promise<readonly Float64Array[]> => {
    const found: Float64Array[] = data.map(() => new Float64Array());
    for (const part of batches(data, batch, fill)) {
      const values = await model.forward(filled(data, part));
      for (const [at, member] of part.members.entries()) {
        found[member] = Float64Array.from(rows[member]!.scored, (position) => values[at]![position]!);
      }
    }
    return found;
  };
  const scoreRecords = async (
    model: ServedModel,
    records: readonly ActionRecord[],
  ): Promise<readonly Float64Array[]> => {
    const { rows, places } = rowsOf(records);
    const values = await score(model, rows, rows.map(datumOf));
    return places.map(({ row, scored }) => Float64Array.from(scored, (at) => values[row]![at]!));
  };
  const samplerPath = async (): Promise<string> => {
    if (sampler?.of !== own || sampler.version !== own.version) {
      const path = await own.model.saveForSampler(`s${++samplers}`);
      sampler = { of: own, version: own.version, path };
    }
    return sampler.path;
  };

  return {
    id: 'tinker',
    codec,
    start: START,
    notices: [
      `tinker server ${server}: losses are scaled by ${scaling} (by ${by}: ${ratio.toFixed(4)}), which is undone. Entropies are surprisals of the sampled tokens (entropy: surprisal). Equal commands need not give equal numbers. Adam is the server's; training.maxGradientNorm is sent along as grad_clip_norm, and a server may ignore it (SkyRL 0.3.0 does)`,
    ],
    checkSampling,
    act: async (requests, sampling) => {
      checkSampling(sampling);
      const path = await samplerPath();
      for (const { prompt } of requests) contextOf(prompt, vocabularySize, WHO);
      return Promise.all(requests.map((request) => limit(() => write(path, request, sampling))));
    },
    distributions: async () => {
      throw new Error(`${WHO}: it writes free text and has no listed actions`);
    },
    promptTokens: (prompt) => contextOf(prompt, vocabularySize, WHO),
    logProbs: async (records, sampling) => {
      checkSampling(sampling);
      return scoreRecords(own.model, records);
    },
    logProbsUnder: async (path, records, sampling) => {
      checkSampling(sampling);
      if (path === own.path) return scoreRecords(own.model, records);
      if (path === START) {
        starting = await holder.holding(starting, START);
        return scoreRecords(starting.model, records);
      }
      other = await holder.holding(other, path);
      return scoreRecords(other.model, records);
    },
    step: async (records, loss, sampling, { learningRate, epsilon, maxGradientNorm }) => {
      checkSampling(sampling);
      const { model } = own;
      const { rows, places } = rowsOf(records);
      const data = rows.map(datumOf);
      const logProbs = await score(model, rows, data);
      const gradients = loss(
        places.map(({ row, scored }) => Float64Array.from(scored, (at) => logProbs[row]![at]!)),
      );
      const sums = rows.map(({ scored }) => new Float64Array(scored.length));
      for (const [record, { row, scored }] of places.entries()) {
        for (const [index, at] of scored.entries()) sums[row]![at]! += gradients[record]![index]!;
      }
      const trained = data
        .map((datum, row) => withGradient(datum, rows[row]!, sums[row]!, logProbs[row]!))
        // What has no gradient need not be read again; but a step needs something to be taken on.
        .filter(({ advantages }, row) => row === 0 || advantages.some((value) => value !== 0));
      Object.assign(own, { uncertain: true, path: undefined, version: own.version + 1 });
      for (const part of scaled(trained, scaling, batch, fill)) await model.forwardBackward(part);
      const metrics = await model.step({
        learningRate,
        beta1: 0.9,
        beta2: 0.999,
        epsilon,
        maxGradientNorm,
      });
      own.uncertain = false;
      return gradientNorm(metrics) ?? null;
    },
    save: () => holder.save(own),
    load: async (path) => {
      own = await holder.holding(own, path);
    },
    dispose: () => {
      void holder.freeAll().finally(() => client.dispose());
    },
  };
}

/** The requests of a step, with the server's scaling undone. It counts the sequences that fill them up, too. */
export function scaled(
  data: readonly Datum[],
  scaling: Scaling,
  size: number,
  fill: boolean,
): readonly (readonly Datum[])[] {
  const parts = batches(data, size, fill).map((part) => filled(data, part));
  const factor = factors(scaling, parts.flat());
  let next = 0;
  return parts.map((part) =>
    part.map((datum) => {
      const times = factor[next++]!;
      return { ...datum, advantages: datum.advantages.map((value) => value * times) };
    }),
  );
}

/** Only what log-probabilities belong to can be trained. */
function checkSampling({ temperature, topP = 1, greedy = false }: Sampling): void {
  if (greedy) return;
  const refuse = (option: string, value: number): never => {
    throw new InputError(
      `${option} is ${value}, and policy tinker trains at 1 only: the log-probabilities of the Tinker API are those at temperature 1 without a nucleus, whatever is sampled with; valid: 1`,
    );
  };
  if (temperature !== 1) refuse('training.temperature', temperature);
  if (topP !== 1) refuse('training.topP', topP);
}

/** @throws InputError when the server does not offer the model, or offers several and none is named. */
async function modelName(client: TinkerClient, wanted: string | undefined): Promise<string> {
  const offered = await client.models();
  const list = offered.slice(0, 50).join(', ') || 'none';
  if (wanted === undefined) {
    if (offered.length === 1) return offered[0]!;
    throw new InputError(
      `policy.options.baseModel is not given, and tinker server ${client.server} offers ${offered.length} models; valid: one of ${list}`,
    );
  }
  // Some servers take any name and train what they have.
  if (offered.length > 0 && !offered.includes(wanted)) {
    throw new InputError(
      `policy.options.baseModel: tinker server ${client.server} has no model '${wanted}'; valid: ${list}`,
    );
  }
  return wanted;
}

async function checkRank(model: ServedModel, wanted: number, server: string): Promise<void> {
  const { rank } = await model.info();
  if (rank === undefined || rank === wanted) return;
  throw new InputError(
    `policy.options.loraRank is ${wanted}, and tinker server ${server} has made a model of rank ${rank}`,
  );
}

/** Any ids: those of a text, or the first there are. */
function probeIds(codec: WritingCodec, vocabularySize: number): readonly number[] {
  const ids = codec.encode('The capital of France is Paris, and that of Spain is Madrid.');
  if (ids.length >= PROBE_IDS) return ids.slice(0, PROBE_IDS);
  return Array.from({ length: PROBE_IDS }, (_, index) => index % vocabularySize);
}
