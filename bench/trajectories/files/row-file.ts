import { open, rename, rm } from 'node:fs/promises';
import { dirname, extname } from 'node:path';
import { fileWriter, ParquetWriter, type SchemaElement } from 'hyparquet-writer';
import { syncFolder, temporaryName } from '../../../core/atomic-file.ts';
import { InputError } from '../../../core/errors.ts';
import type { TurnCredit } from '../credit.ts';
import type { RowSink } from './file-credit.ts';
import { type CreditedTrajectory, creditLine } from './row.ts';
import { createTextFile, type TextFile } from './text-file.ts';

/** A file of credit that is being written. It has its name once it is whole. */
export interface RowFile extends RowSink {
  /** Rows that were written. */
  readonly rows: number;
  /** Ends the file and gives it this name. */
  end(path: string): Promise<void>;
  /** Removes what was written, if it has not been given a name. */
  discard(): Promise<void>;
}

/** What a part of a file is called, of which the rest could not be worked out: `credit.partial.jsonl`. */
export function partialName(path: string): string {
  const extension = extname(path);
  return `${path.slice(0, path.length - extension.length)}.partial${extension}`;
}

/**
 * Begins a file of credit, of the kind that its name says.
 * @param path what it will be called: until then it has another name, in the same folder.
 * @param methods the names of all methods that rows may have.
 * @throws InputError when the name says no kind.
 */
export function createRowFile(path: string, methods: readonly string[]): RowFile {
  const kind = extname(path).toLowerCase();
  if (kind === '.jsonl') return new JsonLinesFile(path);
  if (kind === '.parquet') return new ParquetFile(temporaryName(path), methods);
  throw new InputError(`--out: '${path}' is not valid; valid: a file ending in .jsonl or .parquet, or -`);
}

class JsonLinesFile implements RowFile {
  rows = 0;
  private readonly file: TextFile;

  constructor(path: string) {
    this.file = createTextFile(path);
  }

  async write(row: CreditedTrajectory): Promise<void> {
    await this.file.write(`${creditLine(row)}\n`);
    this.rows++;
  }

  end(path: string): Promise<void> {
    return this.file.end(path);
  }

  discard(): Promise<void> {
    return this.file.discard();
  }
}

/** Numbers of a row group, at most, unless one row has more: a Parquet file is written from whole columns in memory. */
const ROW_GROUP = 2 ** 19;

/** Columns `group`, `id`, and one per method: by turn a list of numbers, one per token. */
class ParquetFile implements RowFile {
  rows = 0;
  private readonly temporary: string;
  private readonly methods: readonly string[];
  private writer: ParquetWriter | undefined;
  private waiting: CreditedTrajectory[] = [];
  private numbers = 0;

  constructor(temporary: string, methods: readonly string[]) {
    this.temporary = temporary;
    this.methods = methods;
  }

  write(row: CreditedTrajectory): void {
    this.waiting.push(row);
    this.rows++;
    const [turns = []] = Object.values(row.credits);
    this.numbers += turns.reduce((sum, turn) => sum + (turn?.length ?? 1), 1);
    if (this.numbers > ROW_GROUP) this.flush();
  }

  async end(path: string): Promise<void> {
    this.flush();
    this.writer!.finish();
    const file = await open(this.temporary, 'r+');
    await file.sync().finally(() => file.close());
    await rename(this.temporary, path);
    await syncFolder(dirname(path));
  }

  async discard(): Promise<void> {
    await rm(this.temporary, { force: true });
  }

  private flush(): void {
    this.writer ??= new ParquetWriter({ writer: fileWriter(this.temporary), schema: this.schema() });
    const rows = this.waiting;
    if (rows.length === 0) return;
    this.writer.write({
      columnData: [
        { name: 'group', data: rows.map(({ group }) => group) },
        { name: 'id', data: rows.map(({ id }) => id) },
        ...this.methods.map((method) => ({
          name: method,
          data: rows.map(({ credits }) => credits[method]?.map(listOf) ?? null),
        })),
      ],
      rowGroupSize: rows.length,
    });
    this.waiting = [];
    this.numbers = 0;
  }

  private schema(): SchemaElement[] {
    const text = (name: string): SchemaElement => ({
      ...{ name, type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'REQUIRED' },
    });
    return [
      { name: 'root', num_children: 2 + this.methods.length },
      text('group'),
      text('id'),
      ...this.methods.flatMap((method) =>
        listColumn(
          method,
          listColumn('element', [{ name: 'element', type: 'DOUBLE', repetition_type: 'OPTIONAL' }]),
        ),
      ),
    ];
  }
}

const listOf = (turn: TurnCredit): (number | null)[] | null =>
  turn === undefined ? null : Array.from(turn, (value) => (Number.isNaN(value) ? null : value));

/** A list as Arrow lays it out. */
const listColumn = (name: string, element: readonly SchemaElement[]): SchemaElement[] => [
  { name, repetition_type: 'OPTIONAL', num_children: 1, converted_type: 'LIST' },
  { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
  ...element,
];
