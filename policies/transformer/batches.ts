import type { TransformerConfig } from '../llama/config.ts';
import type { Prompt } from '../policy.ts';
import { BOS, SEP, type Tokenizer } from './vocabulary.ts';

/** A prompt as the model reads it: BOS, the text, and SEP and its words for every action. */
export interface EncodedPrompt {
  readonly ids: readonly number[];
  /** The position of every action's last token, where the logit of PICK is that of the action. */
  readonly scored: readonly number[];
}

/** Encodes a prompt. @throws Error when it lists no actions. */
export function encodePrompt({ text, actions }: Prompt, tokenize: Tokenizer): EncodedPrompt {
  if (actions === undefined || actions.length === 0) {
    throw new Error('transformer policy: the prompt lists no actions');
  }
  const ids = [BOS, ...tokenize(text)];
  const scored = actions.map((action) => ids.push(SEP, ...tokenize(action)) - 1);
  return { ids, scored };
}

/** Two prompts with the same key are the same prompt. */
const promptKey = ({ text, actions }: Prompt): string => JSON.stringify([text, actions]);

/** The different prompts among many, and which of them each one is. */
export interface DistinctPrompts {
  readonly prompts: readonly Prompt[];
  readonly keys: readonly string[];
  /** For every given prompt, its index into `prompts` and `keys`. */
  readonly indices: readonly number[];
}

/** Finds identical prompts: rollouts share states, and equal rows need computing once. */
export function distinctPrompts(given: readonly Prompt[]): DistinctPrompts {
  const seen = new Map<string, number>();
  const prompts: Prompt[] = [];
  const indices = given.map((prompt) => {
    const key = promptKey(prompt);
    const index = seen.get(key) ?? prompts.push(prompt) - 1;
    seen.set(key, index);
    return index;
  });
  return { prompts, keys: [...seen.keys()], indices };
}

/** Rows of one padded length that go through the model together. */
export interface MicroBatch {
  /** Which of the encoded prompts, in the order of the rows. */
  readonly members: readonly number[];
  readonly length: number;
  /** Ids of all rows, one after the other, filled up with BOS (which no scored position can see). */
  readonly ids: Int32Array;
  /** Scored positions of all rows as rows of the flat batch, by member and then by action. */
  readonly scored: Int32Array;
}

const LENGTH_STEP = 8;

/** Groups rows of like length, so that little is padding. At most `maximumTokens` each, but at least one row. */
export function microBatches(
  encoded: readonly EncodedPrompt[],
  maximumTokens: number,
): readonly MicroBatch[] {
  const lengths = encoded.map(({ ids }) => LENGTH_STEP * Math.ceil(ids.length / LENGTH_STEP));
  const order = encoded.map((_, index) => index).sort((a, b) => lengths[a]! - lengths[b]! || a - b);
  const groups: number[][] = [];
  for (const index of order) {
    const group = groups.at(-1);
    const fits = group !== undefined && (group.length + 1) * lengths[index]! <= maximumTokens;
    if (fits) group.push(index);
    else groups.push([index]);
  }
  return groups.map((members) => {
    const length = lengths[members.at(-1)!]!;
    const ids = new Int32Array(members.length * length).fill(BOS);
    for (const [row, member] of members.entries()) ids.set(encoded[member]!.ids, row * length);
    const scored = members.flatMap((member, row) => encoded[member]!.scored.map((at) => row * length + at));
    return { members, length, ids, scored: Int32Array.from(scored) };
  });
}

/** Floats that a backward pass keeps of its forward pass over a micro-batch, about. */
export function activationSize(config: TransformerConfig): (batch: MicroBatch) => number {
  const { modelSize, layers, heads, kvHeads, headSize, ffnSize } = config;
  const fixed = 6 * modelSize + 3 * (heads + kvHeads) * headSize + 3 * ffnSize;
  return ({ ids, length }) => layers * ids.length * (fixed + heads * length);
}
