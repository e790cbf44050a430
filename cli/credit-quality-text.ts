import type { Difference } from '../bench/credit-quality/compare.ts';
import type { CreditQuality, MethodQuality } from '../bench/credit-quality/quality.ts';
import { totalOf } from '../bench/credit-quality/sums.ts';
import type { Interval } from '../bench/stats/interval.ts';
import type { Layout } from './layout.ts';
import { renderTable, type TableColumn } from './table.ts';
import { wrapText } from './wrap.ts';

const number = (name: string, rank: number, title = name.replaceAll('_', ' ')): TableColumn => ({
  ...{ name, title, number: true, rank },
});
const COLUMNS: readonly TableColumn[] = [
  { name: 'algorithm', rank: 0 },
  number('pearson', 0, 'Pearson'),
  number('spearman', 6, 'Spearman'),
  number('pearson_within', 7, 'Pearson within'),
  number('sign_errors', 3),
  number('coverage', 1),
  number('explained', 0),
  number('explained_difference', 5, 'explained minus baseline'),
  number('explained_p', 8, "Holm's p"),
  number('per_1000', 2, 'per 1,000 tokens'),
  number('per_1000_difference', 9, 'per 1,000 minus baseline'),
  number('per_1000_p', 9, "per 1,000: Holm's p"),
  number('cosine', 4, 'gradient cosine'),
  number('cosine_difference', 9, 'cosine minus baseline'),
  number('cosine_p', 9, "cosine: Holm's p"),
  number('bias_first', 10),
  number('bias_middle', 10),
  number('bias_last', 10),
  number('scale', 10),
  number('tokens', 5, 'tokens drawn'),
  number('measured', 10, 'tokens read besides'),
];

/** What --columns can name. */
export const QUALITY_NAMES: readonly string[] = COLUMNS.map(({ name }) => name);

/** The table of the first truth, and what has to be known to read it. */
export function qualityText(found: CreditQuality, layout: Layout): string {
  const { settings, skipped, agreements } = found;
  const { questions, budget, rollouts, truths, actions } = settings;
  const [truth] = truths;
  const shown = found.methods.filter((method) => method.truth === truth);
  const by = shown.toSorted((a, b) => (b.measures.explained.value || 0) - (a.measures.explained.value || 0));
  const table = renderTable(
    COLUMNS,
    by.map((method) => cells(method)),
    layout,
  );
  const of = actions === 'all' ? '' : `, ${actions} actions per method and question looked at`;
  const notes = [
    `${questions} questions, ${budget} tokens per question and method in trees of ${rollouts} rollouts${of}. Advantages: ${
      truth === 'exact' ? 'exact' : `${truth} rollouts per state and action`
    }. ± 95 % over questions.`,
    ...agreements.map(agreementNote),
    ...skipped.map(({ name, reason }) => `Left out: ${name}: ${reason}`),
  ];
  const ascii = (text: string): string => (layout.ascii ? text.replaceAll('±', '+-') : text);
  const lines = notes.map((note) => wrapText(ascii(note), layout.width));
  return `${[table, ...lines].filter((part) => part !== '').join('\n')}\n`;
}

function agreementNote({
  rollouts,
  advantages,
  covered,
  bias,
  biasError,
  correlation,
}: CreditQuality['agreements'][number]): string {
  const error = biasError === null ? '' : ` (standard error ${biasError.toFixed(4)})`;
  const together = correlation === null ? '' : `, correlation ${correlation.toFixed(3)}`;
  return `${rollouts} rollouts against exact, ${advantages} advantages: ${(100 * covered).toFixed(1)} % of the 95 % intervals hold the exact one; mean difference ${plain(bias, 4)}${error}${together}.`;
}

function cells(method: MethodQuality): readonly string[] {
  const { name, measures, differences, questions } = method;
  const sums = totalOf(questions);
  const perQuestion = (sum: number): string => (sum / questions.length).toFixed(0);
  const values: Readonly<Record<string, string>> = {
    algorithm: name,
    pearson: shown(measures.pearson),
    spearman: shown(measures.spearman),
    pearson_within: shown(measures.pearson_within),
    sign_errors: shown(measures.sign_errors),
    coverage: shown(measures.coverage),
    explained: shown(measures.explained),
    explained_difference: difference(differences?.explained),
    explained_p: pOf(differences?.explained),
    per_1000: shown(measures.explained_per_1000, 1),
    per_1000_difference: difference(differences?.explained_per_1000, 1),
    per_1000_p: pOf(differences?.explained_per_1000),
    cosine: shown(measures.gradient_cosine),
    cosine_difference: difference(differences?.gradient_cosine),
    cosine_p: pOf(differences?.gradient_cosine),
    bias_first: shown(measures.bias_first, 3),
    bias_middle: shown(measures.bias_middle, 3),
    bias_last: shown(measures.bias_last, 3),
    scale: shown(measures.scale, 3),
    tokens: perQuestion(sums.sampledTokens),
    measured: perQuestion(sums.measuredTokens),
  };
  return COLUMNS.map((column) => values[column.name]!);
}

/** Without '-0.00'. */
const plain = (value: number, digits: number): string => value.toFixed(digits).replace(/^-(0\.?0*)$/, '$1');

function shown({ value, low, high }: Interval, digits = 2): string {
  if (Number.isNaN(value)) return '-';
  const half = low === null || high === null ? '' : ` ± ${((high - low) / 2).toFixed(digits)}`;
  return `${plain(value, digits)}${half}`;
}

const difference = (found: Difference | undefined, digits = 2): string => {
  if (found === undefined) return '';
  const text = shown(found.interval, digits);
  return found.interval.value > 0 ? `+${text}` : text;
};

const pOf = (found: Difference | undefined): string => {
  if (found === undefined || found.pHolm === null) return '';
  return found.pHolm < 0.001 ? '< 0.001' : found.pHolm.toFixed(3);
};
