import { SMALL_TRANSFORMER, type TransformerConfig } from '../policies/llama/config.ts';
import type { TokenCodec } from '../policies/policy.ts';

/** The model that suites train. */
export const SMALL = SMALL_TRANSFORMER;

/** 26 million weights: a size at which matrix products are nearly everything. */
export const LARGE: TransformerConfig = {
  ...SMALL_TRANSFORMER,
  modelSize: 512,
  layers: 8,
  heads: 8,
  kvHeads: 4,
  headSize: 64,
  ffnSize: 1376,
};

export const VOCABULARY = 512;

/** Ids as characters: no text ends an action, so that all have their full length. */
export const characters: TokenCodec = {
  encode: (text) => Array.from(text, (character) => character.codePointAt(0)! - 0x4e00),
  decode: (ids) => String.fromCodePoint(...Array.from(ids, (id) => 0x4e00 + id)),
};
