import { Command } from 'commander';
import { InputError } from '../core/errors.ts';
import { printable, printableJson } from '../core/printable.ts';
import { type Inspection, inspect, type Spread } from '../envs/data/inspect.ts';
import { QUESTION_FORMATS, type QuestionFormat } from '../envs/data/record.ts';
import { layoutOf } from './layout.ts';
import { decimalIn, wholeNumber } from './options.ts';
import { renderTable } from './table.ts';
import { print, tell } from './terminal.ts';

interface InspectFlags {
  readonly format?: string;
  readonly corpus?: string;
  readonly topK: number;
  readonly k1?: number;
  readonly b?: number;
  readonly json?: boolean;
}

/** How many kinds the table lists. */
const SHOWN_KINDS = 20;

/**
 * `creditbench data inspect questions.json`: what a question file holds, as a table or as JSON on stdout; remarks on
 * stderr. Throws InputError on a bad option or file.
 */
export function dataCommand(): Command {
  return new Command('data').description('looks at question files').addCommand(inspectCommand());
}

function inspectCommand(): Command {
  return new Command('inspect')
    .description('counts what a question file holds, and how many of its questions one search would answer')
    .argument('<file>', 'question file: .json, .jsonl, .ndjson, .csv or .parquet')
    .option('--format <name>', `one of: ${QUESTION_FORMATS.join(', ')}; found out when left out`)
    .option('--corpus <file>', 'passages to search; the paragraphs of the questions when left out')
    .option('--top-k <n>', 'passages that a search returns', wholeNumber('--top-k', 1, 1000), 3)
    .option('--k1 <number>', 'BM25: saturation of term counts (default: 0.9)', decimalIn('--k1', 0, 1000))
    .option('--b <number>', 'BM25: length normalisation (default: 0.4)', decimalIn('--b', 0, 1))
    .option('--json', 'print JSON instead of a table')
    .action(async (path: string, flags: InspectFlags) => {
      const found = await inspect(path, {
        ...(flags.format === undefined ? {} : { format: parseFormat(flags.format) }),
        ...(flags.corpus === undefined ? {} : { corpus: flags.corpus }),
        topK: flags.topK,
        k1: flags.k1,
        b: flags.b,
      });
      for (const remark of remarks(found)) tell(`note: ${printable(remark)}\n`);
      print(flags.json ? `${printableJson(found)}\n` : `${table(found)}\n`);
    });
}

function parseFormat(value: string): QuestionFormat {
  const format = QUESTION_FORMATS.find((name) => name === value);
  if (format !== undefined) return format;
  throw new InputError(`--format: unknown value '${value}'; valid: ${QUESTION_FORMATS.join(', ')}`);
}

function table(found: Inspection): string {
  const { coverage } = found;
  const kinds = Object.entries(found.kinds);
  const rows: [string, string | number][] = [
    ['format', found.format],
    ['questions', found.questions],
    ['passages', found.passages],
    ...kinds
      .slice(0, SHOWN_KINDS)
      .map(([kind, count]): [string, number] => [`kind ${printable(kind)}`, count]),
  ];
  if (kinds.length > SHOWN_KINDS) rows.push(['other kinds', kinds.length - SHOWN_KINDS]);
  rows.push(
    ...Object.entries(found.hops).map(([hops, count]): [string, number] => [`hops ${hops}`, count]),
    ['answerable', found.answerable],
    ['unanswerable', found.unanswerable],
    ['answers yes or no', found.yesNo],
    ['answers per question', spread(found.answers)],
    ['words per question', spread(found.questionWords)],
  );
  if (coverage !== null) {
    const [low, high] = coverage.interval;
    const share = `${percent(coverage.share)} % [${percent(low)}, ${percent(high)}]`;
    rows.push([`all gold in the top ${coverage.topK}`, share]);
  }
  const cells = rows.map((row) => row.map(String));
  const columns = [
    { name: '', rank: 0 },
    { name: '', rank: 0, number: true },
  ];
  return renderTable(columns, cells, layoutOf());
}

function spread({ least, mean, most }: Spread): string {
  return `${least} to ${most}, mean ${mean.toFixed(1)}`;
}

function percent(share: number): string {
  return (100 * share).toFixed(1);
}

function remarks(found: Inspection): string[] {
  const { coverage } = found;
  const list: [boolean, string][] = [
    [found.withoutAnswer > 0, `${found.withoutAnswer} questions have no answer`],
    [
      found.duplicateIds > 0,
      `${found.duplicateIds} records have the id of an earlier one; a run refuses such a file`,
    ],
    [
      found.goldTitlesWithoutParagraph > 0,
      `${found.goldTitlesWithoutParagraph} gold titles have no paragraph in this file`,
    ],
    ...Object.entries(found.missing).map(([name, count]): [boolean, string] => [
      true,
      `${count} questions have no ${name}`,
    ]),
    [coverage === null, 'no gold passages: how many questions one search would answer is unknown'],
    [
      coverage !== null,
      `the top ${coverage?.topK} of ${coverage?.retriever}, for the ${coverage?.questions} questions with gold passages; 95 % Wilson interval`,
    ],
    [
      (coverage?.goldNotInCorpus ?? 0) > 0,
      `${coverage?.goldNotInCorpus} gold passages are not in the corpus; their questions count as not found`,
    ],
  ];
  return list.filter(([holds]) => holds).map(([, text]) => text);
}
