import { findAlgorithm } from '../algorithms/registry.ts';
import { answerCredit, answerJson, RequestTooLarge } from '../bench/trajectories/request.ts';
import { InputError } from '../core/errors.ts';

/** The answer to a request: its status in HTTP, and its JSON in pieces that each have memory of their own. */
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
    return bugReply(error as Error);
  }
}

/** A reply that says what is wrong. */
export const refusal = (status: number, message: string): Reply => ({
  status,
  pieces: encoded([JSON.stringify({ error: message })]),
});

/** A reply for an error that is nobody's but ours. */
export const bugReply = ({ message, stack }: Error): Reply => ({
  ...refusal(500, `unexpected error, please report it: ${message}`),
  bug: stack ?? message,
});

function parsed(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch (error) {
    throw new InputError(`the body is not JSON in UTF-8: ${(error as Error).message}`);
  }
}

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
