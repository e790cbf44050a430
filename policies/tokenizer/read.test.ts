import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { InputError } from '../../core/errors.ts';
import type { TokenizerJson } from './format.ts';
import { createCodec } from './load.ts';
import { readTokenizer } from './read.ts';
import { trainTokenizer } from './train.ts';

const json = trainTokenizer(['ab ab'], { vocabularySize: 264, specialTokens: ['<a>', '</a>'] });

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tokenizer-'));
});
afterAll(() => rm(folder, { recursive: true }));

const write = async (content: string | Uint8Array): Promise<string> => {
  const path = join(folder, 'tokenizer.json');
  await writeFile(path, content);
  return path;
};

describe('readTokenizer', () => {
  it('reads what was trained, with or without a byte order mark', async () => {
    for (const mark of ['', '\ufeff']) {
      const read = await readTokenizer(await write(mark + JSON.stringify(json)));
      expect(read.json).toEqual(json);
      expect(read.codec.encode('<a>ab</a>')).toEqual([0, 258, 1]);
    }
  });

  it.each([
    ['', /broken JSON at line 1, column 1;/],
    ['{"model":\n {"type":,}}', /broken JSON at line 2, column 10;/],
    ['{"model": {\n"é": "é" x}}', /broken JSON at line 2, column 10;/],
    ['{"model"', /broken JSON at line 1, column 9;/],
    ['[1,\n2,,\n3]', /broken JSON at line 2, column 3;/],
    ['{}', /model: must be object, received undefined; expected a tokenizer.json with a byte-level BPE/],
    ['[]', /must be object, received array/],
    [Uint8Array.of(0x22, 0xff, 0x22), /not UTF-8/],
  ])('refuses %j', async (content, message) => {
    const path = await write(content);
    const error: Error = await readTokenizer(path).then(
      () => expect.fail('read'),
      (reason) => reason,
    );
    expect(error).toBeInstanceOf(InputError);
    expect(error.message).toMatch(message);
    expect(error.message.startsWith(`${path}: `)).toBe(true);
  });

  it('refuses what is no file or too large, before it reads', async () => {
    const path = await write('');
    await truncate(path, 64 * 2 ** 20 + 1);
    await expect(readTokenizer(path)).rejects.toThrow(/67108865 bytes; valid: at most 67108864/);
    await expect(readTokenizer(folder)).rejects.toThrow(InputError);
    await expect(readTokenizer(folder)).rejects.toThrow(/a folder/);
    await expect(readTokenizer(join(folder, 'none'))).rejects.toThrow(/cannot be read \(ENOENT\)/);
  });
});

const { model } = json;
const { Ġ: _, ...withoutSpace } = model.vocab;
const cuts = (...pretokenizers: unknown[]) => ({
  ...json,
  pre_tokenizer: { type: 'Sequence', pretokenizers },
});
const byteLevel = { type: 'ByteLevel', add_prefix_space: false, use_regex: false };
const split = { type: 'Split', pattern: { Regex: 'a' }, behavior: 'Isolated', invert: false };
const withModel = (change: object) => ({ ...json, model: { ...model, ...change } });

describe('createCodec refuses', () => {
  it.each<[string, unknown, RegExp]>([
    ['another model', withModel({ type: 'Unigram' }), /f\.json: model\.type: .*"BPE"/],
    ['byte fallback', withModel({ byte_fallback: true }), /model\.byte_fallback/],
    ['dropout', withModel({ dropout: 0.1 }), /model\.dropout/],
    ['suffixes', withModel({ end_of_word_suffix: '</w>' }), /model\.end_of_word_suffix/],
    ['no vocabulary', withModel({ vocab: undefined }), /model\.vocab must be an object/],
    ['a list as vocabulary', withModel({ vocab: [] }), /model\.vocab must be an object/],
    [
      'a merge of a missing byte',
      withModel({ vocab: withoutSpace }),
      /merges\[1\] joins "Ġ", which is not in/,
    ],
    [
      'an unknown token without id',
      withModel({ unk_token: '<unk>' }),
      /unk_token is "<unk>", which is not in/,
    ],
    [
      'a token of another alphabet',
      withModel({ vocab: { ...model.vocab, '▁the': 260 } }),
      /"▁the" is not in the byte/,
    ],
    [
      'an id out of range',
      withModel({ vocab: { ...model.vocab, xy: 2 ** 20 } }),
      /"xy" has the id 1048576, .* to 1048575/,
    ],
    ['an id that is no number', withModel({ vocab: { ...model.vocab, xy: '9' } }), /"xy" has the id 9/],
    ['an id twice', withModel({ vocab: { ...model.vocab, xy: 258 } }), /id 258 belongs to both/],
    [
      'an added token with two ids',
      { ...json, added_tokens: [{ id: 7, content: '<a>' }] },
      /"<a>" has the ids 0 and 7/,
    ],
    [
      'two added tokens with one id',
      { ...json, added_tokens: ['<x>', '<y>'].map((content) => ({ id: 300, content })) },
      /id 300 belongs to both "<x>" and "<y>"/,
    ],
    ['an added token without id', { ...json, added_tokens: [{ content: '<a>' }] }, /added_tokens\.0\.id/],
    [
      'whole words only',
      { ...json, added_tokens: [{ id: 0, content: '<a>', single_word: true }] },
      /single_word/,
    ],
    ['no merges', withModel({ merges: undefined }), /model\.merges must be a list/],
    ['a merge of three', withModel({ merges: [['a', 'b', 'c']] }), /model\.merges\[0\] is \["a","b","c"\]/],
    ['a merge without token', withModel({ merges: ['x y'] }), /merges\[0\] makes "xy", which is not in/],
    [
      'two spellings of merges',
      withModel({ merges: [['a', 'b'], 'a b'] }),
      /merges\[1\] is spelled in another way/,
    ],
    [
      'a lossy normalizer',
      { ...json, normalizer: { type: 'Lowercase' } },
      /normalizer\.type: supported are null, NFC/,
    ],
    ['another decoder', { ...json, decoder: { type: 'Metaspace' } }, /decoder\.type/],
    ['no decoder', { ...json, decoder: null }, /decoder: must be object/],
    [
      'no pre-tokenizer',
      { ...json, pre_tokenizer: null },
      /pre_tokenizer: must be object.*ByteLevel at the end/,
    ],
    ['another pre-tokenizer', { ...json, pre_tokenizer: { type: 'Metaspace' } }, /pre_tokenizer\.type/],
    ['an added space', cuts({ ...byteLevel, add_prefix_space: true }), /0\.add_prefix_space: must be false/],
    ['an added space by default', cuts({ type: 'ByteLevel' }), /0\.add_prefix_space: must be false/],
    ['bytes before the last cut', cuts(byteLevel, split), /pretokenizers\.0\.type/],
    [
      'a cut that loses text',
      cuts({ ...split, behavior: 'Removed' }, byteLevel),
      /supported are Isolated with invert false and Removed with invert true/,
    ],
    ['a cut of another kind', cuts({ ...split, behavior: 'MergedWithNext' }, byteLevel), /0\.behavior/],
    ['a cut at nothing', cuts({ ...split, pattern: {} }, byteLevel), /0\.pattern/],
    ['a broken pattern', cuts({ ...split, pattern: { Regex: '(' } }, byteLevel), /pattern/],
  ])('%s', (_, file, message) => {
    const call = () => createCodec(file as TokenizerJson, 'f.json');
    expect(call).toThrow(InputError);
    expect(call).toThrow(message);
  });

  it('nothing that only differs in how it is written', () => {
    const old = withModel({ merges: (model.merges as [string, string][]).map((pair) => pair.join(' ')) });
    const sample = 'ab  abab <a>\n1945';
    const ids = createCodec(json).encode(sample);
    expect(createCodec(old as TokenizerJson).encode(sample)).toEqual(ids);
  });
});
