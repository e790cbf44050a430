import { Readable } from 'node:stream';
import { CsvError, type Info, parse } from 'csv-parse';
import { InputError } from '../../core/errors.ts';
import { MAX_RECORD_BYTES, utf8Chunks } from './bytes.ts';
import { printable } from './fields.ts';
import type { RawRecord } from './source.ts';

/**
 * Streams a CSV file with a header: every row as an object. Blank lines are skipped.
 * @throws InputError on a row with more or fewer cells than the header, an open quote, a row of more than 16 MiB,
 *   invalid UTF-8.
 */
export async function* csvRows(path: string, signal?: AbortSignal): AsyncGenerator<RawRecord> {
  const source = Readable.from(utf8Chunks(path, signal), { objectMode: false });
  const parser = parse({
    columns: true,
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
