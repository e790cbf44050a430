import { findAlgorithm } from '../algorithms/registry.ts';
import { answerCredit, answerJson, RequestTooLarge } from '../bench/trajectories/request.ts';
import { InputError } from '../core/errors.ts';

/** The answer to a request: its status in HTTP, and its JSON in pieces. */
export interface Reply {
  readonly status: number;
  readonly pieces: readonly Uint8Array[];
  /** What whoever runs the server should see: the stack of a bug. */
  readonly bug?: string;
}

/** Bytes of a piece, about. */
const PIECE = 2 ** 20;

/** The reply to the body of a request for credit. Never throws. */
export function replyTo(body: Uint8Array): Reply {
  try {
    return { status: 200, pieces: encoded(answerJson(answerCredit(parsed(body), findAlgorithm))) };
  } catch (error) {
    if (error instanceof InputError)
      return refusal(error instanceof RequestTooLarge ? 413 : 400, error.message);
    const { message, stack } = error as Error;
    return { ...refusal(500, `unexpected error, please report it: ${message}`), bug: stack ?? message };
  }
}

/** A reply that says what is wrong. */
export const refusal = (status: number, message: string): Reply => ({
  status,
  pieces: encoded([JSON.stringify({ error: message })]),
});

/** Arrays and objects inside each other, and all of them and their keys, at most: a request has 6 levels, a turn a dozen parts. */
const MAX_DEPTH = 32;
const MAX_PARTS = 2 ** 23;

function parsed(body: Uint8Array): unknown {
  checkParts(body);
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch (error) {
    throw new InputError(`the body is not JSON in UTF-8: ${(error as Error).message}`);
  }
}

/** Looks at how many parts there are before memory is taken for them: an empty array is 2 bytes here and 50 there. */
function checkParts(json: Uint8Array): void {
  let depth = 0;
  let parts = 0;
  let inText = false;
  for (let at = 0; at < json.length; at++) {
    const byte = json[at]!;
    if (inText) {
      if (byte === BACKSLASH) at++;
      else if (byte === QUOTE) inText = false;
    } else if (byte === QUOTE) inText = true;
    else if (OPENING.includes(byte)) {
      depth++;
      parts++;
      if (depth > MAX_DEPTH) {
        throw new InputError(`the body has more than ${MAX_DEPTH} levels; valid: at most ${MAX_DEPTH}`);
      }
    } else if (CLOSING.includes(byte)) depth--;
    else if (byte === COLON) parts++;
    if (parts > MAX_PARTS) {
      throw new RequestTooLarge(
        `the body has more than ${MAX_PARTS} arrays, objects and keys; valid: at most ${MAX_PARTS}`,
      );
    }
  }
}

const [QUOTE, BACKSLASH, COLON] = [...Buffer.from('"\\:')] as [number, number, number];
const OPENING = [...Buffer.from('[{')];
const CLOSING = [...Buffer.from(']}')];

function encoded(texts: Iterable<string>): readonly Uint8Array[] {
  const encoder = new TextEncoder();
  const pieces: Uint8Array[] = [];
  let waiting: string[] = [];
  let length = 0;
  for (const text of texts) {
    waiting.push(text);
    length += text.length;
    if (length < PIECE) continue;
    pieces.push(encoder.encode(waiting.join('')));
    waiting = [];
    length = 0;
  }
  pieces.push(encoder.encode(waiting.join('')));
  return pieces;
}
