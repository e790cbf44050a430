import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { InputError } from '../../core/errors.ts';
import { openingCodec, readTokenizerFolder, tokenizerFiles } from './folder.ts';
import { trainTokenizer } from './train.ts';

const json = trainTokenizer(['ab ab'], { vocabularySize: 268, specialTokens: ['<s>', '</s>', '<end>'] });

let folder = '';
const put = (name: string, content: unknown): Promise<void> =>
  writeFile(join(folder, name), typeof content === 'string' ? content : JSON.stringify(content));

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tokenizer-'));
  await put('tokenizer.json', json);
});
afterEach(() => rm(folder, { recursive: true }));

const CHAT =
  '{{ bos_token }}{{ messages[0].role }}:{{ messages[0].content }}{{ eos_token if add_generation_prompt }}';

describe('readTokenizerFolder', () => {
  it('reads a tokenizer alone, by its folder or its path', async () => {
    for (const path of [folder, join(folder, 'tokenizer.json')]) {
      const read = await readTokenizerFolder(path);
      expect(read.json).toEqual(json);
      expect(read.endIds).toEqual([]);
      expect(read.chat).toBeUndefined();
      expect(openingCodec(read, path).opening).toBeUndefined();
      expect(tokenizerFiles(path)).toEqual([join(folder, 'tokenizer.json')]);
    }
  });

  it('takes the end ids from the generation, else the model, else the tokenizer', async () => {
    const ends = async () => (await readTokenizerFolder(folder)).endIds;
    await put('tokenizer_config.json', { eos_token: { content: '<end>', lstrip: false } });
    expect(await ends()).toEqual([2]);
    await put('config.json', { eos_token_id: 1, vocab_size: 268 });
    expect(await ends()).toEqual([1]);
    await put('generation_config.json', { eos_token_id: [1, 2], do_sample: true });
    expect(await ends()).toEqual([1, 2]);
    await put('generation_config.json', { eos_token_id: null });
    expect(await ends()).toEqual([1]);
  });

  it('renders the chat template of either file, the one of its own before the other', async () => {
    const opening = async (chat?: boolean | object) => {
      const read = await readTokenizerFolder(folder);
      const codec = openingCodec(read, folder, chat as boolean | undefined);
      return codec.opening === undefined ? undefined : codec.decode(codec.opening('ab'));
    };
    await put('tokenizer_config.json', { bos_token: '<s>', eos_token: '</s>', chat_template: CHAT });
    expect(await opening()).toBe('<s>user:ab</s>');
    expect(await opening(false)).toBeUndefined();
    const named = [
      { name: 'tool_use', template: 'no' },
      { name: 'default', template: `${CHAT}!` },
    ];
    await put('tokenizer_config.json', { bos_token: '<s>', eos_token: '</s>', chat_template: named });
    expect(await opening(true)).toBe('<s>user:ab</s>!');
    await put('chat_template.jinja', '{{ messages[0].content }}{{ more }}');
    expect(await opening({ more: '?' })).toBe('ab?');
    expect(tokenizerFiles(folder).map((file) => file.slice(folder.length + 1))).toEqual([
      'tokenizer.json',
      'tokenizer_config.json',
      'chat_template.jinja',
    ]);
  });

  it('puts the token before a text that the tokenizer would put there', async () => {
    const step = {
      type: 'TemplateProcessing',
      single: [{ SpecialToken: { id: '<s>', type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }],
      pair: [],
      special_tokens: { '<s>': { id: '<s>', ids: [0], tokens: ['<s>'] } },
    };
    for (const post_processor of [step, { type: 'Sequence', processors: [{ type: 'ByteLevel' }, step] }]) {
      await put('tokenizer.json', { ...json, post_processor });
      const read = await readTokenizerFolder(folder);
      expect(read.beginId).toBe(0);
      const codec = openingCodec(read, folder);
      expect(codec.opening!('ab')).toEqual([0, ...codec.encode('ab')]);
      expect(codec.encode('ab')).not.toContain(0);
    }
    await put('tokenizer.json', { ...json, post_processor: { ...step, single: [step.single[1]] } });
    expect((await readTokenizerFolder(folder)).beginId).toBeUndefined();
  });

  it.each([
    ['tokenizer_config.json', '{', /tokenizer_config\.json: not JSON/],
    ['tokenizer_config.json', { eos_token: 3 }, /tokenizer_config\.json: eos_token: /],
    ['generation_config.json', { eos_token_id: -1 }, /generation_config\.json: eos_token_id: /],
    ['generation_config.json', { eos_token_id: [268] }, /ends with id 268 .*ids up to 26/],
    ['config.json', '[]', /config\.json: content: /],
  ])('refuses %s: %j', async (name, content, message) => {
    await put(name, content);
    const failure = readTokenizerFolder(folder);
    await expect(failure).rejects.toThrow(InputError);
    await expect(failure).rejects.toThrow(message);
  });

  it('refuses a path that is not there, and a chat without template', async () => {
    await expect(readTokenizerFolder(join(folder, 'none'))).rejects.toThrow(
      /none: cannot be read \(ENOENT\)/,
    );
    const read = await readTokenizerFolder(folder);
    expect(() => openingCodec(read, folder, true)).toThrow(/there is no chat template .*valid: without chat/);
  });
});
