import * as tf from '@tensorflow/tfjs';
import type { Random } from '../../core/random.ts';
import { sampleActions } from '../enumerable.ts';
import { createAngleTables } from '../llama/angles.ts';
import { checkConfig, type TransformerConfig } from '../llama/config.ts';
import { gradientVector, MICRO_BATCH_TOKENS, pullBack, tapes } from '../llama/gradient.ts';
import { hiddenStates, outputStream, tokenLogits } from '../llama/model.ts';
import { createParameters } from '../llama/parameters.ts';
import type { ActionRecord, LossGradient, Prompt, TrainablePolicy } from '../policy.ts';
import { logSoftmax } from '../softmax.ts';
import { type BackendName, loadBackend } from '../tensor/backend.ts';
import { takeRows } from '../tensor/ops.ts';
import { valuesOf } from '../tensor/read.ts';
import {
  activationSize,
  type DistinctPrompts,
  distinctPrompts,
  type EncodedPrompt,
  encodePrompt,
  type MicroBatch,
  microBatches,
} from './batches.ts';
import { promptFeatures } from './features.ts';
import { createTokenizer, PICK, type Vocabulary, vocabularySize } from './vocabulary.ts';

/** Prompts whose logits are remembered while the parameters stay the same. */
const REMEMBERED = 1 << 16;

export interface TransformerOptions {
  readonly config: TransformerConfig;
  readonly vocabulary: Vocabulary;
  /** Where the tensors live. Default: `wasm`. tfjs has one backend per process. */
  readonly backend?: BackendName;
  /** Draws the initial weights. */
  readonly random: Random;
  /**
   * Room for what one backward pass keeps of its forward pass, in floats, at least 1. A gradient that needs
   * more is computed in parts, with one more forward pass before. Default: 2^26 (256 MiB).
   */
  readonly activationFloats?: number;
}

/**
 * A transformer trained from scratch, for environments that list their actions. It reads BOS, the text, and
 * SEP and its words for every action; an action's logit is that of the token PICK after its last word.
 * Logits are float32; probabilities, entropies and gradients float64.
 *
 * Equal prompts of a batch are computed once, and remembered until the parameters change. On `wasm` a
 * prompt's log-probabilities are the same bits whatever else is in the batch; gradients are sums over the
 * batch in an order that depends on the prompts in it.
 * @throws InputError when the configuration, the vocabulary or the backend is not valid.
 */
export async function createTransformerPolicy({
  config,
  vocabulary,
  backend = 'wasm',
  random,
  activationFloats = 1 << 26,
}: TransformerOptions): Promise<TrainablePolicy> {
  checkConfig(config);
  const tokenize = createTokenizer(vocabulary);
  await loadBackend(backend);
  const parameters = createParameters('transformer policy', config, vocabularySize(vocabulary), random);
  const pick = tf.tensor1d([PICK], 'int32');
  const angles = createAngleTables(config);
  const remembered = new Map<string, Float32Array>();

  /** The residual stream at the end of every action of a micro-batch, by row and then by action. */
  const read = ({ ids, length, members, scored }: MicroBatch): tf.Tensor2D => {
    const rows = { ids: tf.tensor1d(ids, 'int32'), batch: members.length, length };
    const hidden = hiddenStates(config, parameters.tensors, rows, angles.of(length));
    return takeRows(hidden, tf.tensor1d(scored, 'int32'));
  };
  /** Action logits of a micro-batch, by row and then by action. */
  const score = (batch: MicroBatch): tf.Tensor1D =>
    tf.reshape(tokenLogits(config, parameters.tensors, read(batch), pick), [-1]);
  const encode = (prompts: readonly Prompt[]): EncodedPrompt[] =>
    prompts.map((prompt) => encodePrompt(prompt, tokenize));

  /** Action logits of every distinct prompt. */
  const logits = async ({ prompts, keys }: DistinctPrompts): Promise<readonly Float32Array[]> => {
    const known = keys.map((key) => remembered.get(key));
    const missing = [...known.keys()].filter((index) => known[index] === undefined);
    const encoded = encode(missing.map((index) => prompts[index]!));
    if (remembered.size + missing.length > REMEMBERED) remembered.clear();
    for (const batch of microBatches(encoded, MICRO_BATCH_TOKENS)) {
      const values = await valuesOf(() => score(batch));
      let from = 0;
      for (const member of batch.members) {
        const index = missing[member]!;
        known[index] = values.slice(from, from + encoded[member]!.scored.length);
        from += encoded[member]!.scored.length;
        remembered.set(keys[index]!, known[index]);
      }
    }
    return known as Float32Array[];
  };

  const distributionsOf = async (
    distinct: DistinctPrompts,
    temperature: number,
  ): Promise<readonly Float64Array[]> =>
    (await logits(distinct)).map((values) => logSoftmax(values, temperature));

  return {
    id: 'transformer',
    act: async (requests, { temperature }) => {
      const distinct = distinctPrompts(requests.map((request) => request.prompt));
      const distributions = await distributionsOf(distinct, temperature);
      return sampleActions(
        requests,
        distinct.indices.map((index) => distributions[index]!),
      );
    },
    distributions: async (prompts, { temperature }) => {
      const distinct = distinctPrompts(prompts);
      const distributions = await distributionsOf(distinct, temperature);
      return distinct.indices.map((index) => distributions[index]!.slice());
    },
    promptTokens: (prompt) => encodePrompt(prompt, tokenize).ids,
    parameters: () => parameters.values(),
    setParameters: (values) => {
      parameters.set(values);
      remembered.clear();
    },
    logProbs: async (records, { temperature }) => {
      const distinct = distinctPrompts(records.map((record) => record.prompt));
      const distributions = await distributionsOf(distinct, temperature);
      return pickLogProbs(records, distinct, distributions);
    },
    features: async (records, { temperature }) => {
      const distinct = distinctPrompts(records.map((record) => record.prompt));
      const rows = await promptFeatures(
        encode(distinct.prompts),
        await distributionsOf(distinct, temperature),
        config.modelSize,
        (batch) => outputStream(config, parameters.tensors, read(batch)),
      );
      return { width: config.modelSize, rows: distinct.indices.map((index) => rows[index]!) };
    },
    gradient: async (records, loss, { temperature }, into) => {
      const flat = gradientVector(parameters.size, into);
      if (records.length === 0) return flat.fill(0);
      const distinct = distinctPrompts(records.map((record) => record.prompt));
      const encoded = encode(distinct.prompts);
      const batches = microBatches(encoded, MICRO_BATCH_TOKENS);
      const parts = tapes(batches, activationSize(config), activationFloats);
      const gradientsFrom = (values: readonly Float32Array[]): readonly Float64Array[] => {
        const distributions = values.map((row) => logSoftmax(row, temperature));
        return logitGradients(records, distinct, distributions, loss, temperature);
      };
      // Every log-probability goes into the loss before any gradient comes out of it: in one part, the forward
      // pass of the gradient itself gives them; in several parts, a forward pass before.
      let gradients = parts.length === 1 ? undefined : gradientsFrom(await logits(distinct));
      for (const [index, part] of parts.entries()) {
        const members = part.flatMap((batch) => batch.members);
        await pullBack(
          parameters.tensors,
          () => (part.length === 1 ? score(part[0]!) : tf.concat(part.map(score))),
          (values) => {
            gradients ??= gradientsFrom(rowsOf(values, members, encoded));
            return Float32Array.from(members.flatMap((member) => [...gradients![member]!]));
          },
          { flat, adds: index > 0 },
        );
      }
      return flat;
    },
    dispose: () => {
      parameters.dispose();
      angles.dispose();
      pick.dispose();
      remembered.clear();
    },
  };
}

function pickLogProbs(
  records: readonly ActionRecord[],
  { indices }: DistinctPrompts,
  distributions: readonly Float64Array[],
): Float64Array[] {
  return records.map(({ tokens }, record) => {
    const logProb = distributions[indices[record]!]![tokens[0]!];
    if (tokens.length !== 1 || logProb === undefined) {
      throw new RangeError(`transformer policy: tokens [${tokens}] are not the index of one of the actions`);
    }
    return Float64Array.of(logProb);
  });
}

/** d loss / d logit of every action of every distinct prompt; equal prompts add up. */
function logitGradients(
  records: readonly ActionRecord[],
  distinct: DistinctPrompts,
  distributions: readonly Float64Array[],
  loss: LossGradient,
  temperature: number,
): readonly Float64Array[] {
  const gradients = loss(pickLogProbs(records, distinct, distributions));
  const result = distributions.map((logProbs) => new Float64Array(logProbs.length));
  for (const [record, { tokens }] of records.entries()) {
    const row = distinct.indices[record]!;
    const gradient = gradients[record]![0]! / temperature;
    // d log softmax_a / d logit_b = [a = b] - p_b
    for (const [b, logProb] of distributions[row]!.entries()) {
      result[row]![b]! += gradient * ((b === tokens[0] ? 1 : 0) - Math.exp(logProb));
    }
  }
  return result;
}

/** Splits flat values by row, into the order of the encoded prompts. */
function rowsOf(
  values: Float32Array,
  members: readonly number[],
  encoded: readonly EncodedPrompt[],
): readonly Float32Array[] {
  const rows: Float32Array[] = [];
  let from = 0;
  for (const member of members) {
    rows[member] = values.slice(from, from + encoded[member]!.scored.length);
    from += encoded[member]!.scored.length;
  }
  return rows;
}
