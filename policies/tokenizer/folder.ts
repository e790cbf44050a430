import { readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { readBounded, readProblem } from '../../core/bounded-file.ts';
import { InputError } from '../../core/errors.ts';
import { type ChatTemplate, type ChatVariables, chatCodec } from './chat.ts';
import type { TokenizerJson } from './format.ts';
import type { Codec } from './load.ts';
import { readTokenizer } from './read.ts';

/** Bytes of a configuration file, at most. */
const MAX_BYTES = 2 ** 24;

const TOKENIZER = 'tokenizer.json';
/** What may lie beside a tokenizer.json and is read if it does. */
const CHAT = 'chat_template.jinja';
const BESIDE = ['tokenizer_config.json', CHAT, 'generation_config.json', 'config.json'] as const;

/**
 * A tokenizer, and what the files beside it say about its use.
 * @experimental
 */
export interface FolderTokenizer {
  /** The content of tokenizer.json, for `tokenizerHash` and checkpoints. */
  readonly json: TokenizerJson;
  readonly codec: Codec;
  /** The ids that end what the model writes; none if no file says so. */
  readonly endIds: readonly number[];
  /** The id that every sequence begins with, if the tokenizer adds one by itself (Llama 3). A chat template has its own. */
  readonly beginId?: number;
  /** The texts of special tokens: `bos_token`, `eos_token`, `pad_token`, `unk_token`, where there are such. */
  readonly tokens: Readonly<Record<string, string>>;
  /** Absent if there is none. */
  readonly chat?: ChatTemplate;
  /** Ids of the model beside it, where its config.json says so: often more than the tokenizer's. */
  readonly modelIds?: number;
}

/** The files that `readTokenizerFolder` would read, for the identity of what is computed with them. */
export function tokenizerFiles(path: string): readonly string[] {
  const { folder, file } = placeOf(path);
  const there = new Set(listed(folder));
  return [file, ...BESIDE.filter((name) => there.has(name)).map((name) => join(folder, name))];
}

/**
 * Reads a tokenizer: a tokenizer.json, or a folder that has one (as published beside weights), with the special
 * tokens and the chat template of `tokenizer_config.json` and `chat_template.jinja`, and the ids that end a text of
 * `generation_config.json` (else `config.json`, else the tokenizer's own `eos_token`).
 * @throws InputError naming a file that cannot be read, or says what is not supported.
 * @experimental
 */
export async function readTokenizerFolder(path: string): Promise<FolderTokenizer> {
  const { folder, file } = placeOf(path);
  const there = new Set(listed(folder));
  const { json, codec } = await readTokenizer(file);
  const parse = async <Content>(name: (typeof BESIDE)[number], schema: z.ZodType<Content>) =>
    there.has(name) ? parseFile(join(folder, name), schema) : undefined;
  const config = await parse('tokenizer_config.json', tokenizerConfigSchema);
  const generation = await parse('generation_config.json', endsSchema);
  const model = await parse('config.json', modelSchema);
  const tokens = Object.fromEntries(
    SPECIAL.flatMap((name) => {
      const token = config?.[name];
      return token == null ? [] : [[name, typeof token === 'string' ? token : token.content]];
    }),
  );
  const own = tokens.eos_token === undefined ? undefined : codec.idOf(tokens.eos_token);
  const ends = generation?.eos_token_id ?? model?.eos_token_id ?? own ?? [];
  const endIds = [ends].flat();
  const unknown = endIds.find((id) => id >= codec.size);
  if (unknown !== undefined) {
    throw new InputError(
      `${folder}: the text ends with id ${unknown} (eos_token_id), and ${TOKENIZER} has ids up to ${codec.size - 1}`,
    );
  }
  const source = there.has(CHAT) ? await textOf(join(folder, CHAT)) : defaultTemplate(config?.chat_template);
  const name = join(folder, there.has(CHAT) ? CHAT : 'tokenizer_config.json');
  const beginId = addedBefore(json.post_processor);
  return {
    json,
    codec,
    endIds,
    tokens,
    ...(beginId === undefined ? {} : { beginId }),
    ...(source === undefined ? {} : { chat: { source, name, tokens } }),
    ...(model?.vocab_size == null ? {} : { modelIds: model.vocab_size }),
  };
}

/**
 * The codec with which a model reads first prompts: in its chat template, or as plain text, after the token that its
 * tokenizer puts before every text, if any.
 * @param chat whether in the template. Default: if there is one.
 * @throws InputError when there is no template and one is asked for, or it cannot be rendered.
 * @experimental
 */
export function openingCodec(
  { codec, chat: template, beginId }: FolderTokenizer,
  path: string,
  chat: boolean | ChatVariables = template !== undefined,
): Codec {
  if (chat === false) {
    if (beginId === undefined) return codec;
    return { ...codec, opening: (text) => [beginId, ...codec.encode(text)] };
  }
  if (template === undefined) {
    throw new InputError(
      `${path}: there is no chat template (${CHAT}, or chat_template in tokenizer_config.json); valid: without chat`,
    );
  }
  return chatCodec(codec, template, chat === true ? {} : chat);
}

const SPECIAL = ['bos_token', 'eos_token', 'pad_token', 'unk_token'] as const;

const tokenSchema = z.union([z.string(), z.looseObject({ content: z.string() })]).nullish();
const namedTemplates = z.array(z.looseObject({ name: z.string(), template: z.string() }));
const tokenizerConfigSchema = z.looseObject({
  bos_token: tokenSchema,
  eos_token: tokenSchema,
  pad_token: tokenSchema,
  unk_token: tokenSchema,
  chat_template: z.union([z.string(), namedTemplates]).nullish(),
});

const idSchema = z.int().min(0);
const endsSchema = z.looseObject({ eos_token_id: z.union([idSchema, z.array(idSchema)]).nullish() });

const modelSchema = endsSchema.extend({ vocab_size: z.int().min(1).nullish() });

/** Of several templates (tools, retrieval), the one for plain messages. */
function defaultTemplate(
  templates: z.infer<typeof tokenizerConfigSchema>['chat_template'],
): string | undefined {
  if (templates == null || typeof templates === 'string') return templates ?? undefined;
  return templates.find(({ name }) => name === 'default')?.template;
}

const templateStep = z.looseObject({
  type: z.literal('TemplateProcessing'),
  single: z.array(z.looseObject({ SpecialToken: z.looseObject({ id: z.string() }).optional() })),
  special_tokens: z.record(z.string(), z.looseObject({ ids: z.array(idSchema) })),
});

/** The id that a post-processor puts before a text, if it puts one there. */
function addedBefore(processor: unknown): number | undefined {
  const steps = z.looseObject({ processors: z.array(z.unknown()) }).safeParse(processor);
  for (const step of steps.success ? steps.data.processors : [processor]) {
    const parsed = templateStep.safeParse(step);
    const first = parsed.success ? parsed.data.single[0]?.SpecialToken : undefined;
    if (first !== undefined) return parsed.data!.special_tokens[first.id]?.ids[0];
  }
  return undefined;
}

/** A path may be of the folder or of the file in it. */
function placeOf(path: string): { readonly folder: string; readonly file: string } {
  let isFolder: boolean;
  try {
    isFolder = statSync(path).isDirectory();
  } catch (error) {
    throw new InputError(`${path}: cannot be read (${readProblem(error)})`, { cause: error });
  }
  return isFolder ? { folder: path, file: join(path, TOKENIZER) } : { folder: dirname(path), file: path };
}

function listed(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    throw new InputError(`${folder}: cannot be read (${readProblem(error)})`, { cause: error });
  }
}

async function textOf(path: string): Promise<string> {
  try {
    const bytes = await readBounded(path, MAX_BYTES);
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw new InputError(`${path}: cannot be read (${readProblem(error)})`, { cause: error });
  }
}

async function parseFile<Content>(path: string, schema: z.ZodType<Content>): Promise<Content> {
  const text = await textOf(path);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new InputError(`${path}: not JSON: ${(error as Error).message}`);
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const { path: place, message } = parsed.error.issues[0]!;
  throw new InputError(`${path}: ${place.join('.') || 'content'}: ${message}`);
}
