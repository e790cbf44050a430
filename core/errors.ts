import { printableLines } from './printable.ts';

/** Characters of a message, at most. A value is quoted in a few dozen; a suite with many problems has many lines. */
const MAX_LENGTH = 8000;
/** Of a message that is cut, the end is kept too: it says what is valid. */
const KEPT_END = 1000;

/**
 * Something the user gave is wrong: an option, a file, a name. The message names the option, the value and
 * the valid range, and is meant to be shown as it is: it is cut to 8000 characters and has no control characters
 * but line feeds and tabs, whatever it quotes. The command line exits with 2 on it.
 * Any other error is a bug in creditbench or in a plug-in and keeps its stack.
 */
export class InputError extends Error {
  override readonly name = 'InputError';

  constructor(message: string, options?: ErrorOptions) {
    const end = message.length > MAX_LENGTH ? message.slice(-KEPT_END) : '';
    const start = end === '' ? message : `${message.slice(0, MAX_LENGTH - KEPT_END - 3)} … `;
    super(printableLines(start + end), options);
  }
}

/** The work is not to blame: what computes it was killed or lost, and the same work may well succeed another time. */
export class MachineError extends Error {}
