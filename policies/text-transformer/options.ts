import type { AdapterOptions } from '../llama/adapters.ts';
import type { TransformerConfig } from '../llama/config.ts';
import type { ChatVariables } from '../tokenizer/chat.ts';

/** A model that is trained from scratch: its size and that of its vocabulary. */
export interface ScratchOptions extends TransformerConfig {
  /** Ids that the tokenizer is trained to have, at most; a multiple of 4, at least 268. */
  readonly vocabularySize: number;
}

/** A published model: its folder has the size, the weights and the tokenizer. */
export interface PublishedOptions {
  /** A folder in Hugging Face's format. */
  readonly model: string;
  /** Whether first prompts are rendered in the chat template, and its variables. Default: if there is a template. */
  readonly chat?: boolean | ChatVariables;
  /** Trains low-rank adapters on all projections instead of the weights. Default: the weights. */
  readonly lora?: AdapterOptions;
}

/** Options of the policy. */
export type TextTransformerPolicyOptions = ScratchOptions | PublishedOptions;
