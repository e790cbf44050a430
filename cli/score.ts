import { Command } from 'commander';
import { InputError } from '../core/errors.ts';
import { printable, printableJson } from '../core/printable.ts';
import type { FileScore } from '../envs/scoring/file-score.ts';
import { FILE_METRICS, type FileMetric, isFileMetric, scoreFiles } from '../envs/scoring/files.ts';
import { layoutOf } from './layout.ts';
import { renderTable } from './table.ts';
import { print, tell } from './terminal.ts';
import { wrapText } from './wrap.ts';

interface ScoreOptions {
  readonly metric?: string;
  readonly aliases?: string;
  readonly json?: boolean;
}

/** How many ids a remark on stderr lists. */
const SHOWN_IDS = 5;
/** Characters of an id. */
const SHOWN_LENGTH = 60;

/**
 * `creditbench score --metric hotpotqa predictions.json gold.json`: the official scores of a prediction file,
 * as a table or as JSON on stdout; remarks (missing predictions, ids that the gold file does not have) on
 * stderr. Throws InputError on a bad option or file.
 */
export function scoreCommand(): Command {
  return new Command('score')
    .description("scores a prediction file as the data set's official script does")
    .argument('<predictions>', 'prediction file in the official format')
    .argument('<gold>', 'gold file in the official format')
    .option('--metric <name>', `data set, one of: ${FILE_METRICS.join(', ')}`)
    .option('--aliases <file>', 'id_aliases.json of 2wikimultihopqa')
    .option('--json', 'print JSON instead of a table')
    .action(async (predictions: string, gold: string, options: ScoreOptions) => {
      const metric = parseMetric(options.metric);
      const { aliases } = options;
      const paths = aliases === undefined ? { predictions, gold } : { predictions, gold, aliases };
      const score = await scoreFiles(metric, paths);
      for (const remark of remarks(score)) tell(`${remark}\n`);
      print(options.json ? `${printableJson({ metric, ...score })}\n` : table(metric, score));
    });
}

function parseMetric(value: string | undefined): FileMetric {
  if (value !== undefined && isFileMetric(value)) return value;
  const what = value === undefined ? 'no value given' : `unknown value '${value}'`;
  throw new InputError(`--metric: ${what}; valid: ${FILE_METRICS.join(', ')}`);
}

function table(metric: FileMetric, score: FileScore): string {
  const unit = score.unit === 'percent' ? 'percent' : 'of 1';
  const layout = layoutOf();
  const decimals = score.decimals ?? (score.unit === 'percent' ? 2 : 4);
  const rows = Object.entries(score.metrics).map(([name, value]) => [name, value.toFixed(decimals)]);
  const lines = renderTable(
    [
      { name: metric, rank: 0 },
      { name: unit, number: true, rank: 0 },
    ],
    rows,
    layout,
  );
  const missing = Object.entries(score.missing).map(
    ([part, ids]) => [`missing ${part}`, ids.length] as const,
  );
  const counts = [['questions', score.questions] as const, ...Object.entries(score.counts), ...missing];
  const below = counts.map(([name, count]) => `${name} ${count}`).join(', ');
  return `${lines}\n${wrapText(below, layout.width)}\n`;
}

function remarks(score: FileScore): string[] {
  const list = (ids: readonly string[]): string =>
    ids.slice(0, SHOWN_IDS).map(shown).join(', ') + (ids.length > SHOWN_IDS ? ', …' : '');
  const missing = Object.entries(score.missing)
    .filter(([, ids]) => ids.length > 0)
    .map(([part, ids]) => `note: no ${part} prediction for ${ids.length} questions, scored 0: ${list(ids)}`);
  const unknown = `note: ${score.unknown.length} predicted ids are not in the gold file: ${list(score.unknown)}`;
  return [
    ...score.notes.map((note) => `note: ${note}`),
    ...missing,
    ...(score.unknown.length > 0 ? [unknown] : []),
  ];
}

/** An id may be any text. */
function shown(id: string): string {
  const text = printable(id);
  return text.length > SHOWN_LENGTH ? `${text.slice(0, SHOWN_LENGTH)}…` : text;
}
