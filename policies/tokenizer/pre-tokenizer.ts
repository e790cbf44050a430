import { z } from 'zod';
import { InputError } from '../../core/errors.ts';

/** How GPT-2 cuts a text into words (Radford et al. 2019): the default of a ByteLevel pre-tokenizer. */
const GPT2_WORD = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";

/** Cuts a text at the matches of a pattern: `invert` keeps the matches only. */
interface Split {
  readonly type: 'Split';
  readonly pattern: { readonly Regex: string } | { readonly String: string };
  readonly behavior: 'Isolated' | 'Removed';
  readonly invert: boolean;
}

const isolate = (pattern: string): Split => ({
  type: 'Split',
  pattern: { Regex: pattern },
  behavior: 'Isolated',
  invert: false,
});

const splitSchema = z
  .looseObject({
    type: z.literal('Split'),
    pattern: z.union([z.strictObject({ Regex: z.string() }), z.strictObject({ String: z.string().min(1) })]),
    behavior: z.enum(['Isolated', 'Removed']),
    invert: z.boolean().default(false),
  })
  .refine(({ behavior, invert }) => invert === (behavior === 'Removed'), {
    message: 'supported are Isolated with invert false and Removed with invert true',
  })
  .transform(({ type, pattern, behavior, invert }): Split[] => [{ type, pattern, behavior, invert }]);

const digitsSchema = z
  .looseObject({ type: z.literal('Digits'), individual_digits: z.boolean().default(false) })
  .transform(({ individual_digits }) => [isolate(individual_digits ? '\\p{N}' : '\\p{N}+')]);

const byteLevelSchema = z
  .looseObject({
    type: z.literal('ByteLevel'),
    add_prefix_space: z.literal(
      false,
      'must be false: texts are encoded piece by piece, and each would gain a space',
    ),
    use_regex: z.boolean().default(true),
  })
  .transform(({ use_regex }) => (use_regex ? [isolate(GPT2_WORD)] : []));

const cutSchema = z.discriminatedUnion('type', [splitSchema, digitsSchema]);

const sequenceSchema = z.looseObject({
  type: z.literal('Sequence'),
  pretokenizers: z.array(z.looseObject({ type: z.string() })).min(1),
});

/**
 * Checks the pre-tokenizer of a byte-level encoding: any number of Split and Digits, then ByteLevel. Gives it
 * with every cut as a Split: @huggingface/tokenizers 0.2.0 reads \s, \d and the cuts of ByteLevel and Digits as
 * JavaScript does, which differs from the reference implementation (U+0085, U+FEFF, digits beyond ASCII), and
 * translates only the patterns of Split.
 * @throws InputError naming the place, what is there and what is valid.
 */
export function checkPreTokenizer(value: unknown, name: string): unknown {
  const sequence = sequenceSchema.safeParse(value);
  const place = (index: number): string =>
    sequence.success ? `pre_tokenizer.pretokenizers.${index}` : 'pre_tokenizer';
  const steps = sequence.success ? sequence.data.pretokenizers : [value];
  const cuts = steps.flatMap((step, index) => {
    const last = index === steps.length - 1;
    const parsed = (last ? byteLevelSchema : cutSchema).safeParse(step);
    if (parsed.success) return parsed.data;
    const issue = parsed.error.issues[0]!;
    const where = [place(index), ...issue.path].join('.');
    throw new InputError(
      `${name}: ${where}: ${issue.message.replace('Invalid input: expected', 'must be')}; supported are Split and Digits, and ByteLevel at the end`,
    );
  });
  return {
    type: 'Sequence',
    pretokenizers: [...cuts, { type: 'ByteLevel', add_prefix_space: false, use_regex: false }],
  };
}
