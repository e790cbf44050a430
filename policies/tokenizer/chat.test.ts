import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { InputError } from '../../core/errors.ts';
import { type ChatVariables, chatCodec } from './chat.ts';
import type { AddedToken, TokenizerJson } from './format.ts';
import { createCodec } from './load.ts';

const text = (name: string): string => readFileSync(new URL(`golden/${name}`, import.meta.url), 'utf8');

/** Written by scripts/golden/chat.py with transformers. */
interface Golden {
  readonly added_tokens: readonly AddedToken[];
  readonly cases: readonly {
    readonly name: string;
    readonly template: string;
    readonly tokens: Readonly<Record<string, string>>;
    readonly variables: ChatVariables;
    readonly content: string;
    readonly ids: readonly number[];
  }[];
}

const { added_tokens, cases } = JSON.parse(text('chat.json')) as Golden;
const file = JSON.parse(text('gpt2-style.json')) as TokenizerJson;
const codec = createCodec({ ...file, added_tokens });

describe('the first prompt in a chat template', () => {
  it.each(cases.map((one) => [one.name, one.content, one] as const))(
    'of %s has the ids of transformers: %j',
    (_, content, { template, tokens, variables, ids }) => {
      const source = text(`chat/${template}.jinja`);
      const { opening } = chatCodec(codec, { source, name: 'chat_template.jinja', tokens }, variables);
      expect([...opening(content)]).toEqual(ids);
    },
  );

  it('leaves what comes later as it is', () => {
    const template = { source: text('chat/smollm2.jinja'), name: 'f', tokens: {} };
    const chat = chatCodec(codec, template);
    expect(chat.encode('Lima')).toEqual(codec.encode('Lima'));
    expect(chat.decode(chat.opening('Lima'))).toMatch(
      /<\|im_start\|>user\nLima<\|im_end\|>\n<\|im_start\|>assistant\n$/,
    );
  });

  it('does not depend on the day', () => {
    const source = '{{ strftime_now is defined }} {{ messages[0].content }}';
    const { opening } = chatCodec(codec, { source, name: 'f', tokens: {} });
    expect(codec.decode(opening('Lima'))).toBe('false Lima');
  });
});

describe('chatCodec refuses', () => {
  it.each([
    ['{% if %}', /^f\.jinja: the chat template cannot be read: /],
    ["{{ raise_exception('Only tools') }}", /cannot be rendered for one message of a user: Only tools/],
    ["{{ strftime_now('%d') }}{{ messages[0].content }}", /cannot be rendered/],
    ['{{ messages[0].text }}', /drops the user's message/],
  ])('%s', (source, message) => {
    const call = () => chatCodec(codec, { source, name: 'f.jinja', tokens: {} });
    expect(call).toThrow(InputError);
    expect(call).toThrow(message);
  });
});
