import { type Command, Option } from 'commander';
import { InputError } from '../core/errors.ts';

/** How a command writes its tables and texts. */
export interface Layout {
  /** Columns of the terminal; with `wide`, no limit. */
  readonly width: number;
  /** No box drawing, no '±'. */
  readonly ascii: boolean;
  /** All columns, whatever the width. */
  readonly wide: boolean;
  /** Names of the columns to show, in this order. */
  readonly columns?: readonly string[];
}

/** What a command with `addTableOptions` is given. */
export interface TableFlags {
  readonly columns?: readonly string[];
  readonly wide?: boolean;
}

/** Where nothing says how wide the output is. */
const USUAL_WIDTH = 80;
/** Narrower terminals are written to as if they had this. */
const LEAST_WIDTH = 40;

/** Columns of the terminal that stdout is; of what is none, the variable COLUMNS, or 80. */
export function outputWidth(): number {
  const said = process.stdout.isTTY ? process.stdout.columns : Number(process.env.COLUMNS);
  return Number.isSafeInteger(said) && said > 0 ? Math.max(said, LEAST_WIDTH) : USUAL_WIDTH;
}

/** Adds --columns and --wide to a command whose tables have these columns. */
export function addTableOptions(command: Command, names: readonly string[]): Command {
  return command
    .addOption(
      new Option('--columns <names>', `columns of the table: ${names.join(', ')}`).argParser((text: string) =>
        columnNames(text, names),
      ),
    )
    .addOption(new Option('--wide', 'all columns, in lines as long as they have to be').conflicts('columns'));
}

function columnNames(text: string, names: readonly string[]): readonly string[] {
  const chosen = text.split(',').map((name) => name.trim());
  const wrong = chosen.find((name) => !names.includes(name));
  if (wrong === undefined) return [...new Set(chosen)];
  throw new InputError(`--columns: '${wrong}' is no column; valid: ${names.join(', ')}`);
}

/** The layout for stdout. */
export const layoutOf = ({ columns, wide = false }: TableFlags = {}): Layout => ({
  width: wide ? Number.POSITIVE_INFINITY : outputWidth(),
  ascii: !process.stdout.isTTY,
  wide,
  ...(columns === undefined ? {} : { columns }),
});
