import { z } from 'zod';
import { InputError } from '../../core/errors.ts';
import { byteCharacters, type TokenizerJson } from './format.ts';
import { checkPreTokenizer } from './pre-tokenizer.ts';

/** Ids stay below this: tables are as long as the highest id. The largest known vocabularies have 2^18. */
const MAX_IDS = 2 ** 20;

const idSchema = z
  .int()
  .min(0)
  .max(MAX_IDS - 1);

const addedTokenSchema = z.looseObject({
  id: idSchema,
  content: z.string().min(1),
  special: z.boolean().optional(),
  normalized: z.boolean().optional(),
  lstrip: z.boolean().optional(),
  rstrip: z.boolean().optional(),
  single_word: z.literal(false).optional(),
});

const absent = z.union([z.null(), z.literal('')]).optional();

/** All but `vocab` and `merges`: they are large, and `z.record` would lose a token named '__proto__'. */
const modelSchema = z.looseObject({
  type: z.literal('BPE'),
  dropout: z.union([z.null(), z.literal(0)]).optional(),
  continuing_subword_prefix: absent,
  end_of_word_suffix: absent,
  byte_fallback: z.literal(false).optional(),
  ignore_merges: z.boolean().optional(),
  unk_token: z.string().nullish(),
  fuse_unk: z.boolean().optional(),
});

const UNICODE_FORMS = ['NFC', 'NFD', 'NFKC', 'NFKD'] as const;

const formSchema = z.looseObject({
  type: z.enum(UNICODE_FORMS, `supported are null, ${UNICODE_FORMS.join(', ')}`),
});

/** transformers 5 writes an empty sequence where there is none. */
const noneSchema = z.looseObject({ type: z.literal('Sequence'), normalizers: z.tuple([]) });

const normalizerSchema = z.preprocess(
  (value) => (noneSchema.safeParse(value).success ? null : value),
  formSchema.nullish(),
);

const fileSchema = z.looseObject({
  model: modelSchema,
  added_tokens: z.array(addedTokenSchema).optional(),
  normalizer: normalizerSchema,
  decoder: z.looseObject({ type: z.literal('ByteLevel') }),
});

/** What @huggingface/tokenizers is given: what decides the ids of normalized text without added tokens. */
interface Definition {
  readonly added_tokens: readonly [];
  readonly normalizer: null;
  readonly pre_tokenizer: unknown;
  readonly post_processor: null;
  readonly decoder: null;
  readonly model: unknown;
}

/**
 * Checks that a tokenizer.json is a byte-level byte-pair encoding, and gives it as
 * @huggingface/tokenizers 0.2.0 needs it to find the same ids as the reference implementation. Normalizing and finding
 * added tokens are left out: it strips JavaScript's white space around them, which differs from the reference (U+0085,
 * U+FEFF), and looks for all of them at once if there is no normalizer.
 * @throws InputError naming the place, what is there and what is valid.
 */
export function checkTokenizer(
  json: unknown,
  name: string,
): { readonly definition: Definition; readonly normalize: (text: string) => string } {
  const parsed = fileSchema.safeParse(json);
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!;
    const place = issue.path.join('.');
    throw new InputError(
      `${name}: ${place === '' ? '' : `${place}: `}${issue.message.replace('Invalid input: expected', 'must be')}; expected a tokenizer.json with a byte-level BPE`,
    );
  }
  const form = parsed.data.normalizer?.type;
  const file = json as TokenizerJson;
  checkVocabulary(file, name);
  checkMerges(file, name);
  return {
    definition: {
      added_tokens: [],
      normalizer: null,
      pre_tokenizer: checkPreTokenizer(file.pre_tokenizer, name),
      post_processor: null,
      decoder: null,
      model: file.model,
    },
    normalize: form === undefined ? (text) => text : (text) => text.normalize(form),
  };
}

function checkVocabulary({ model, added_tokens = [] }: TokenizerJson, name: string): void {
  const { vocab } = model;
  if (typeof vocab !== 'object' || vocab === null || Array.isArray(vocab)) {
    throw new InputError(`${name}: model.vocab must be an object of token: id`);
  }
  const characters = byteCharacters();
  const alphabet = new Set(characters);
  const owners = new Map<number, string>();
  const own = (token: string, id: number): void => {
    const owner = owners.get(id);
    if (owner !== undefined && owner !== token) {
      throw new InputError(
        `${name}: id ${id} belongs to both ${JSON.stringify(owner)} and ${JSON.stringify(token)}`,
      );
    }
    owners.set(id, token);
  };
  const added = new Map<string, number>();
  for (const { content, id } of added_tokens) {
    const other = added.get(content) ?? (Object.hasOwn(vocab, content) ? vocab[content]! : id);
    if (other !== id) {
      throw new InputError(`${name}: added token ${JSON.stringify(content)} has the ids ${other} and ${id}`);
    }
    added.set(content, id);
    own(content, id);
  }
  for (const [token, id] of Object.entries<unknown>(vocab)) {
    if (!Number.isInteger(id) || (id as number) < 0 || (id as number) >= MAX_IDS) {
      throw new InputError(
        `${name}: model.vocab: ${JSON.stringify(token)} has the id ${String(id)}, must be an integer from 0 to ${MAX_IDS - 1}`,
      );
    }
    own(token, id as number);
    if (!added.has(token) && !Array.from(token).every((character) => alphabet.has(character))) {
      throw new InputError(
        `${name}: model.vocab: token ${JSON.stringify(token)} is not in the byte-level alphabet; only byte-level BPE is supported`,
      );
    }
  }
  const { unk_token } = model;
  if (typeof unk_token === 'string' && !Object.hasOwn(vocab, unk_token)) {
    throw new InputError(
      `${name}: model.unk_token is ${JSON.stringify(unk_token)}, which is not in model.vocab`,
    );
  }
}

function checkMerges({ model }: TokenizerJson, name: string): void {
  const { merges, vocab } = model;
  if (!Array.isArray(merges)) throw new InputError(`${name}: model.merges must be a list of pairs`);
  for (const [index, merge] of merges.entries()) {
    const pair: unknown = typeof merge === 'string' ? merge.split(' ') : merge;
    if (typeof merge !== typeof merges[0]) {
      throw new InputError(`${name}: model.merges[${index}] is spelled in another way than model.merges[0]`);
    }
    if (!Array.isArray(pair) || pair.length !== 2 || !pair.every((part) => typeof part === 'string')) {
      throw new InputError(
        `${name}: model.merges[${index}] is ${JSON.stringify(merge)}, must be a pair: ["a", "b"] or "a b"`,
      );
    }
    const parts = pair as [string, string];
    const missing = [parts.join(''), ...parts].find((token) => !Object.hasOwn(vocab, token));
    if (missing !== undefined) {
      const does = missing === parts.join('') ? 'makes' : 'joins';
      throw new InputError(
        `${name}: model.merges[${index}] ${does} ${JSON.stringify(missing)}, which is not in model.vocab`,
      );
    }
  }
}
