import { Readable } from 'node:stream';
import { CsvError, type Info, parse } from 'csv-parse';
import { InputError } from '../../../core/errors.ts';
import { printable } from '../../../core/printable.ts';
import { quoted } from '../fields.ts';
import { MAX_RECORD_BYTES, utf8Chunks } from './bytes.ts';
import type { RawRecord } from './raw-record.ts';

/**
 * Streams a CSV file with a header: every row as an object. Names of columns are trimmed, blank lines skipped.
 * @throws InputError on two columns of the same name, a row with more or fewer cells than the header, an open quote,
 *   a row of more than 16 MiB, invalid UTF-8.
 */
export async function* csvRows(path: string, signal?: AbortSignal): AsyncGenerator<RawRecord> {
  const source = Readable.from(utf8Chunks(path, signal), { objectMode: false });
  const parser = parse({
    columns: (header: readonly string[]) => columnNames(path, header),
    info: true,
    skip_empty_lines: true,
    max_record_size: MAX_RECORD_BYTES,
  });
  source.on('error', (error) => parser.destroy(error));
  let index = 0;
  try {
    for await (const row of source.pipe(parser)) {
      const { record, info } = row as { record: unknown; info: Info };
      yield { value: record, at: `line ${info.lines}`, index: index++ };
    }
  } catch (error) {
    if (error instanceof CsvError) throw new InputError(`${path}: broken CSV: ${printable(error.message)}`);
    throw error;
  } finally {
    source.destroy();
  }
}

function columnNames(path: string, header: readonly string[]): string[] {
  const names = header.map((cell) => cell.trim());
  for (const [i, name] of names.entries()) {
    const first = names.indexOf(name);
    if (first < i) {
      throw new InputError(
        `${path}: columns ${first + 1} and ${i + 1} are both called ${quoted(name)}; valid: a name of its own for every column`,
      );
    }
  }
  return names;
}
