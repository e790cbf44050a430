import pLimit from 'p-limit';
import { InputError } from '../../core/errors.ts';
import type { Generation, OwnedPolicy, SampledAction, Sampling, TokenCodec } from '../policy.ts';
import { contextOf } from '../text-transformer/rows.ts';
import { checkedLogProb } from './check.ts';
import type { Client } from './client.ts';
import type { EntropyChoice } from './entropy.ts';
import { BadReply, type ServerKind } from './kind.ts';
import { chainsOf, groupByPrefix } from './order.ts';
import type { ServerReport } from './probe.ts';
import { createWriter } from './write.ts';

/** What a remote policy is made of. */
export interface RemotePolicyOptions {
  readonly client: Client;
  readonly kind: ServerKind;
  /** What the probe found. */
  readonly report: ServerReport;
  readonly codec: TokenCodec;
  /** Ids of the model. */
  readonly size: number;
  readonly entropy: EntropyChoice;
  /** Tokens of one request to a server that gets no stop strings, at least 1. */
  readonly piece: number;
}

/**
 * A language model behind a server: it acts, and does not learn. Ids go there and ids come back; nothing is encoded again.
 * Log-probabilities are those of the distribution that tokens are drawn from; what a server cannot say of it is refused.
 */
export function createRemotePolicy(options: RemotePolicyOptions): OwnedPolicy {
  const { client, kind, report, codec, size } = options;
  const writer = createWriter({ ...options, model: report.model, topLogProbs: report.topLogProbs });
  return {
    id: 'remote',
    codec,
    entropies: options.entropy,
    notes: notesOf(report, options.entropy),
    act: async (requests, given) => {
      const sampling = checkSampling(given, kind, report);
      const contexts = requests.map(({ prompt, generation }) => {
        const context = Array.from(contextOf(prompt, size));
        checkGeneration(generation, context.length, report);
        return context;
      });
      const write = (index: number) => writer(contexts[index]!, requests[index]!, sampling);
      const actions = requests.map((): SampledAction | undefined => undefined);
      // Those of one beginning stand together; the client sends them in this order.
      const groups = groupByPrefix(contexts);
      const { slots } = report;
      const chains = slots === undefined ? groups.flat().map((index) => [index]) : chainsOf(groups, slots);
      const limit = pLimit(slots ?? Number.POSITIVE_INFINITY);
      let failed = false;
      await Promise.all(
        chains.map((chain) =>
          limit(async () => {
            for (const index of chain) {
              if (failed) return;
              actions[index] = await write(index);
            }
          }).catch((error: unknown) => {
            // What the others have not begun is not begun any more.
            failed = true;
            throw error;
          }),
        ),
      );
      return actions.map((action) => action!);
    },
    distributions: async () => {
      throw new Error('remote policy: it writes free text and has no listed actions');
    },
    promptTokens: (prompt) => contextOf(prompt, size),
    logProbs: async (records, sampling) => {
      const { score } = kind;
      if (score === undefined) {
        throw new InputError(
          `policy remote: ${kind.id} gives no log-probabilities of tokens that it is given, which this needs; valid: a server that does: vllm, sglang`,
        );
      }
      if (sampling.temperature !== 1 || (sampling.topP ?? 1) !== 1) {
        throw new InputError(
          `policy remote: ${kind.id} scores given tokens only at temperature 1 and topP 1, got ${describe(sampling)}; valid: 1 and 1`,
        );
      }
      return Promise.all(
        records.map(({ prompt, tokens }) => {
          const context = contextOf(prompt, size);
          const request = {
            model: report.model,
            ids: [...context, ...tokens],
            from: context.length,
          };
          return client.post(score.write(request), (reply) => {
            const found = score.read(reply, request);
            if (found.length !== tokens.length) {
              throw new BadReply(`${found.length} log-probabilities for ${tokens.length} tokens`);
            }
            return Float64Array.from(found, (value, index) => checkedLogProb(value, `token ${index}`));
          });
        }),
      );
    },
    dispose: () => {},
  };
}

const describe = ({ temperature, topP = 1 }: Sampling): string =>
  `temperature ${temperature} and topP ${topP}`;

/** @throws InputError when the log-probabilities that the server gives are not those of this sampling. */
function checkSampling(given: Sampling, kind: ServerKind, report: ServerReport): Required<Sampling> {
  const sampling = { ...given, topP: given.topP ?? 1, greedy: given.greedy ?? false };
  const { temperature, topP, greedy } = sampling;
  if (!(temperature > 0 && Number.isFinite(temperature))) {
    throw new RangeError(`remote policy: temperature must be above 0, got ${temperature}`);
  }
  if (!(topP > 0 && topP <= 1)) {
    throw new RangeError(`remote policy: topP must be above 0 and at most 1, got ${topP}`);
  }
  const isOther =
    (temperature !== 1 && report.temperature === 'softmax') || (topP !== 1 && report.nucleus === 'softmax');
  if (isOther && !greedy) {
    throw new InputError(
      `policy remote: the server's log-probabilities are of the softmax before temperature and nucleus, and not of the sampling distribution at ${describe(sampling)}; valid: temperature 1 and topP 1, or ${kind.processed}`,
    );
  }
  const isSoftmax = kind.sampling === 'as asked' || report.temperature === 'softmax';
  if (greedy && (temperature !== 1 || topP !== 1 || !isSoftmax)) {
    throw new InputError(
      `policy remote: greedy decoding gets log-probabilities at temperature 1 and topP 1 only${isSoftmax ? `, got ${describe(sampling)}` : ', from a server that gives those of the softmax'}; valid: ${isSoftmax ? '1 and 1' : 'vLLM without --logprobs-mode'}`,
    );
  }
  return sampling;
}

function checkGeneration(
  generation: Generation | undefined,
  prompt: number,
  { context }: ServerReport,
): void {
  if (generation === undefined) {
    throw new Error('remote policy: the request has no generation (stops and maxTokens)');
  }
  const { stops, maxTokens, prefix } = generation;
  if (!Number.isSafeInteger(maxTokens) || maxTokens < 1) {
    throw new RangeError(`remote policy: maxTokens must be a positive integer, got ${maxTokens}`);
  }
  if (stops.some((stop) => stop === ''))
    throw new RangeError("remote policy: stops must not be empty, got ''");
  if ((prefix?.tokens.length ?? 0) > maxTokens) {
    throw new RangeError(
      `remote policy: a prefix of ${prefix!.tokens.length} tokens is longer than maxTokens`,
    );
  }
  if (context !== undefined && prompt + maxTokens > context) {
    throw new InputError(
      `policy remote: a prompt of ${prompt} tokens and an action of up to ${maxTokens} do not fit into the server's context of ${context} tokens; valid: shorter prompts or actions (maxActionTokens, maxObservationTokens, topK, maxTurns), or a server with a longer context`,
    );
  }
}

/** What a person should know of a server's numbers. */
function notesOf(report: ServerReport, entropy: EntropyChoice): readonly string[] {
  const { kind, version, model, deterministic, topLogProbs } = report;
  const which = entropy === 'middle' ? 'the middle of its bounds' : `its ${entropy} bound`;
  return [
    `${kind}${version === undefined ? '' : ` ${version}`}, model ${model}`,
    `entropies are ${which}, from the ${topLogProbs} most likely tokens`,
    deterministic
      ? 'the same seed gave the same tokens'
      : 'the same seed gave other tokens: results will not repeat exactly',
  ];
}
