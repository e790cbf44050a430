import { createRandom } from '../../core/random.ts';
import { SMALL_TRANSFORMER } from '../llama/config.ts';
import type { ActionRecord, ActRequest, LossGradient } from '../policy.ts';
import { after, createPolicy, request, someIds } from '../text-transformer/letters.test-helper.ts';
import { createTransformerPolicy } from '../transformer/index.ts';
import { buildVocabulary } from '../transformer/vocabulary.ts';
import type { BackendName } from './backend.ts';

/** What both policies do on a backend, from the same weights and with the same uniforms. */
export interface BackendFigures {
  /** Tokens of actions over three turns, with forks of contexts. */
  readonly tokens: readonly (readonly number[])[];
  /** Their log-probabilities as sampled, and read again all at once. */
  readonly sampled: readonly number[];
  readonly read: readonly number[];
  readonly textGradient: ArrayLike<number>;
  /** Log-probabilities of listed actions. */
  readonly listed: readonly number[];
  readonly listedGradient: ArrayLike<number>;
}

const SAMPLING = { temperature: 0.9 };
const gradients: LossGradient = (logProbs) =>
  logProbs.map((row, index) => row.map((value, token) => Math.cos(3 * index + token) - 0.1 * value));

/**
 * Computes the figures; the backend stays loaded.
 * @param nudge what all weights are multiplied by.
 */
export async function figuresOn(backend: BackendName, nudge = 1): Promise<BackendFigures> {
  const policy = await createPolicy({ backend });
  policy.setParameters(policy.parameters().map((value) => value * nudge));
  const random = createRandom(5);
  const tokens: number[][] = [];
  const sampled: number[] = [];
  const records: ActionRecord[] = [];
  let requests: ActRequest[] = Array.from({ length: 12 }, (_, index) => request([1, 2, 3, index % 3], index));
  for (let turn = 0; turn < 3; turn++) {
    const actions = await policy.act(requests, SAMPLING);
    tokens.push(...actions.map((action) => [...action.tokens]));
    sampled.push(...actions.flatMap(({ logProbs }) => logProbs));
    records.push(...requests.map(({ prompt }, index) => ({ prompt, tokens: actions[index]!.tokens })));
    requests = requests.map((old, index) => request(after(old, actions[index]!, someIds(random, 7)), index));
  }
  const read = (await policy.logProbs(records, SAMPLING)).flatMap((row) => [...row]);
  const textGradient = await policy.gradient(records, gradients, SAMPLING);
  policy.dispose();

  const words = 'where is the capital of rome paris oslo bern answer with move to'.split(' ');
  const lister = await createTransformerPolicy({
    config: { ...SMALL_TRANSFORMER, initialDeviation: 0.2 },
    vocabulary: buildVocabulary([words.join(' ')], { hashBuckets: 5 }),
    backend,
    random: createRandom(1),
  });
  lister.setParameters(lister.parameters().map((value) => value * nudge));
  const say = (count: number): string =>
    Array.from({ length: count }, () => words[random.integer(words.length)]).join(' ');
  const choices = Array.from({ length: 12 }, (_, index) => ({
    prompt: { text: say(1 + 4 * index), actions: Array.from({ length: 1 + (index % 6) }, () => say(2)) },
    tokens: [0],
  }));
  const listed = (
    await lister.distributions(
      choices.map(({ prompt }) => prompt),
      SAMPLING,
    )
  ).flatMap((row) => [...row]);
  const listedGradient = await lister.gradient(choices, gradients, SAMPLING);
  lister.dispose();
  return { tokens, sampled, read, textGradient, listed, listedGradient };
}

/** The largest difference, and the root mean square of the first to compare it with. */
export function distance(a: ArrayLike<number>, b: ArrayLike<number>): { most: number; scale: number } {
  if (a.length !== b.length) throw new Error(`${a.length} numbers against ${b.length}`);
  let [squares, most] = [0, 0];
  for (let index = 0; index < a.length; index++) {
    squares += a[index]! ** 2;
    most = Math.max(most, Math.abs(a[index]! - b[index]!));
  }
  return { most, scale: Math.sqrt(squares / a.length) };
}
