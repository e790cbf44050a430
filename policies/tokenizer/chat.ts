import { Environment, Interpreter, parse, tokenize } from '@huggingface/jinja';
import { InputError } from '../../core/errors.ts';
import type { TokenCodec } from '../policy.ts';

/**
 * A chat template, and what it is given besides the messages.
 * @experimental
 */
export interface ChatTemplate {
  /** Jinja, as in `chat_template.jinja`. */
  readonly source: string;
  /** What error messages call it: the file that it comes from. */
  readonly name: string;
  /** The texts of special tokens: `bos_token`, `eos_token`, `pad_token`, `unk_token`, where there are such. */
  readonly tokens: Readonly<Record<string, string>>;
}

/**
 * Variables that a template may ask for: `enable_thinking` (Qwen3), `date_string` (Llama 3).
 * @experimental
 */
export type ChatVariables = Readonly<Record<string, unknown>>;

/**
 * A codec whose first prompt is a user's message in a chat template, up to where the assistant's answer begins: rendered
 * once, encoded once; all that follows is appended as ids. A system message is what the template makes of none. The
 * same text gives the same ids on any day: a template is not told the date, unless `variables` has it.
 * @throws InputError naming the template's file if it is no Jinja, or asks for what it is not given.
 * @experimental
 */
export function chatCodec<Codec extends TokenCodec>(
  codec: Codec,
  { source, name, tokens }: ChatTemplate,
  variables: ChatVariables = {},
): Codec & Required<Pick<TokenCodec, 'opening'>> {
  const attempt = <Result>(does: string, work: () => Result): Result => {
    try {
      return work();
    } catch (error) {
      throw new InputError(`${name}: the chat template ${does}: ${(error as Error).message}`, {
        cause: error,
      });
    }
  };
  const program = attempt('cannot be read', () =>
    parse(tokenize(source, { lstrip_blocks: true, trim_blocks: true })),
  );
  const render = (content: string): string => {
    const environment = new Environment();
    const messages = [{ role: 'user', content }];
    const values = { ...GLOBALS, ...tokens, ...variables, messages, add_generation_prompt: true };
    for (const [variable, value] of Object.entries(values)) environment.set(variable, value);
    return attempt('cannot be rendered for one message of a user', () =>
      String(new Interpreter(environment).run(program).value),
    );
  };
  const opening = (text: string): readonly number[] => codec.encode(render(text));
  // What cannot be rendered is refused before anything is run; what loses the message would ask no question.
  if (!render(PROBE).includes(PROBE)) {
    throw new InputError(`${name}: the chat template drops the user's message`);
  }
  return { ...codec, opening };
}

/** What the package's own `Template` declares, without `strftime_now`: that is today's date. */
const GLOBALS = {
  true: true,
  false: false,
  none: null,
  True: true,
  False: false,
  None: null,
  raise_exception: (message: string) => {
    throw new Error(message);
  },
  range: (first: number, second?: number, step = 1) => {
    const [start, end] = second === undefined ? [0, first] : [first, second];
    return Array.from(
      { length: Math.max(0, Math.ceil((end - start) / step)) },
      (_, index) => start + index * step,
    );
  },
};

const PROBE = 'Which country is it?';
