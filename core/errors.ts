/**
 * Something the user gave is wrong: an option, a file, a name. The message names the option, the value and
 * the valid range, and is meant to be shown as it is. The command line exits with 2 on it.
 * Any other error is a bug in creditbench or in a plug-in and keeps its stack.
 */
export class InputError extends Error {
  override readonly name = 'InputError';
}
