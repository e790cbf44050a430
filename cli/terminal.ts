import { printableLines } from '../core/printable.ts';

/**
 * Writes to stdout. Everything that a command prints goes through here or `tell`, which let no control character but
 * line feeds and tabs through: what files, servers and models say cannot drive a terminal.
 */
export function print(text: string): void {
  process.stdout.write(printableLines(text));
}

/** Writes to stderr, as `print` does. */
export function tell(text: string): void {
  process.stderr.write(printableLines(text));
}

/** Erases the line of a terminal that the cursor is in, and writes this text there; '' leaves it empty. */
export function retell(text: string): void {
  process.stderr.write(`\r\u001b[K${printableLines(text)}`);
}
