import type { Row } from '../cell.ts';
import { type Column, column } from '../columns.ts';
import { formatCsv } from '../csv.ts';
import type { Interval } from '../stats/interval.ts';
import { COMPARED } from './compare.ts';
import { MEASURES, type Measure, measures } from './measures.ts';
import type { CreditQuality } from './quality.ts';
import type { Sums } from './sums.ts';

const MEANING: Readonly<Record<Measure, readonly [unit: string, description: string]>> = {
  pearson: [
    '-1..1',
    'correlation of credit and true advantage over trained actions, the noise of a sampled truth taken off (it may then pass 1)',
  ],
  pearson_observed: ['-1..1', 'the same as observed: with a sampled truth nearer to 0'],
  pearson_within: [
    '-1..1',
    "pearson of the deviations from the question's means: does credit tell the actions of one question apart?",
  ],
  spearman: ['-1..1', 'rank correlation over trained actions, as observed'],
  sign_errors: [
    '0..1',
    'trained actions whose true advantage is surely not 0 and whose credit has the other sign, of those; no credit counts half',
  ],
  coverage: [
    '0..1',
    'squared true advantage of sampled actions whose credit is not 0, of that of all sampled actions',
  ],
  explained: [
    '0..1',
    'share of the squared true advantage of all sampled actions that credit explains at its best scale: 1 - mse / mse_of_zero; actions without credit count as credit 0',
  ],
  explained_per_1000: ['return²', 'squared true advantage that credit explains, per 1,000 tokens drawn'],
  gradient_cosine: [
    '-1..1',
    'cosine of the gradient that credit makes in a table of logits, one per state and action (the sum over sampled actions of credit times the gradient of their log-probability; no averages of a loss), with the exact policy gradient; empty if the truth is sampled. It depends on the budget',
  ],
  scale: [
    'return',
    'best scale: the factor, 0 or more, that brings credit nearest to the true advantages of trained actions in squares',
  ],
  mse: ['return²', 'mean squared error of credit at its best scale, over all sampled actions'],
  mse_of_zero: ['return²', 'mean squared true advantage: the error of no credit at all'],
  bias_first: [
    'return',
    'credit at its best scale minus true advantage, mean over trained first actions of episodes',
  ],
  bias_middle: ['return', 'the same of actions that are neither first nor last'],
  bias_last: ['return', 'the same of actions that end an episode'],
};

const METHOD = column('algorithm', 'name', 'algorithm');
const TRUTH = column('truth', 'name', "'exact', or the number of rollouts per state and per action");
const COST = [
  column('trees', 'trees/question', 'trees grown per question'),
  column('sampled_tokens', 'tokens/question', 'tokens drawn; a choice from a list is one'),
  column('prefill_tokens', 'tokens/question', 'tokens read before acting, a prefix that a tree shares once'),
  column(
    'measured_tokens',
    'tokens/question',
    'tokens read to measure what the method needs beyond its rollouts',
  ),
];

/** `credit-quality.csv`: one row per truth and method. */
export const QUALITY_COLUMNS: readonly Column[] = [
  METHOD,
  TRUTH,
  column('questions', 'count', 'questions: the unit of the intervals'),
  ...COST,
  column('sampled_actions', 'actions/question', 'actions sampled'),
  column('trained_actions', 'actions/question', 'of these, actions that are trained'),
  ...MEASURES.flatMap((name) => {
    const [unit, description] = MEANING[name];
    return [
      column(name, unit, description),
      column(`${name}_low`, unit, `lower end of the 95 % interval of \`${name}\`; empty where there is none`),
      column(`${name}_high`, unit, 'upper end of that interval'),
    ];
  }),
  ...COMPARED.flatMap((name) => {
    const [unit] = MEANING[name];
    return [
      column(`${name}_difference`, unit, `\`${name}\` minus the baseline's on the same questions`),
      column(`${name}_difference_low`, unit, 'lower end of the 95 % interval of that difference'),
      column(`${name}_difference_high`, unit, 'upper end of that interval'),
      column(`${name}_p`, '0..1', 'two-sided p of that difference'),
      column(`${name}_p_holm`, '0..1', 'p after adjustment by Holm for all methods of this truth'),
    ];
  }),
];

/** `credit-quality-questions.csv`: one row per truth, method and question. */
export const QUESTION_COLUMNS: readonly Column[] = [
  METHOD,
  TRUTH,
  column('question', 'id', 'question'),
  column('question_kind', 'name', 'kind of the question'),
  column('hops', 'count', 'facts that the question combines'),
  ...COST.map(({ name, description }) => column(name, name === 'trees' ? 'count' : 'tokens', description)),
  column('sampled_actions', 'actions', 'actions sampled'),
  column('trained_actions', 'actions', 'of these, actions that are trained'),
  column('squares', 'return²', 'squared true advantages of the sampled actions, sum, noise taken off'),
  column('credited_squares', 'return²', 'the same of those whose credit is not 0'),
  column('credit', 'credit', 'credit of trained actions, sum'),
  column('credit_squares', 'credit²', 'squared credit, sum'),
  column('advantage', 'return', 'true advantages of trained actions, sum'),
  column('advantage_squares', 'return²', 'the same squared, sum, with the noise of a sampled truth'),
  column('noise', 'return²', 'expected noise in that sum'),
  column('products', 'credit·return', 'credit times true advantage, sum'),
  column('clear_actions', 'actions', 'trained actions whose true advantage is surely not 0'),
  column('sign_errors', 'actions', 'of these, actions with credit of the other sign; no credit counts half'),
  column('pearson', '-1..1', 'as in credit-quality.csv, of this question alone'),
];

/** `credit-quality-truth.csv`: one row per sampled truth that was set beside the exact one. */
export const AGREEMENT_COLUMNS: readonly Column[] = [
  column('rollouts', 'count', 'rollouts per state and per action'),
  column('questions', 'count', 'questions: the unit of the errors'),
  column('advantages', 'count', 'different actions of states'),
  column('covered', '0..1', 'share of the 95 % intervals of sampled advantages that hold the exact one'),
  column('covered_error', '0..1', 'standard error of that share'),
  column('bias', 'return', 'mean of sampled minus exact advantages'),
  column('bias_error', 'return', 'standard error of that mean'),
  column('squared_error', 'return²', 'mean squared error of the sampled advantages'),
  column('stated_squared_error', 'return²', 'the same as their own variances say it should be'),
  column('correlation', '-1..1', 'correlation of sampled and exact advantages'),
  column('variance', 'return²', 'variance of the exact advantages'),
];

/** Rows by the name of their file, without '.csv'. */
export interface QualityTables {
  readonly 'credit-quality': readonly Row[];
  readonly 'credit-quality-questions': readonly Row[];
  readonly 'credit-quality-truth': readonly Row[];
}

/** What was found, as the rows of its files. */
export function qualityTables({ methods, tasks, agreements }: CreditQuality): QualityTables {
  return {
    'credit-quality': methods.map((method) => ({
      algorithm: method.name,
      truth: String(method.truth),
      questions: tasks.length,
      ...perQuestion(method.questions),
      ...Object.assign({}, ...MEASURES.map((name) => intervalRow(name, method.measures[name]))),
      ...Object.assign(
        {},
        ...COMPARED.map((name) => {
          const found = method.differences?.[name];
          if (found === undefined) return {};
          const { interval, p, pHolm } = found;
          return {
            ...intervalRow(`${name}_difference`, interval),
            [`${name}_p`]: p,
            [`${name}_p_holm`]: pHolm,
          };
        }),
      ),
    })),
    'credit-quality-questions': methods.flatMap(({ name, truth, questions }) =>
      questions.map((sums, index) => ({
        algorithm: name,
        truth: String(truth),
        question: tasks[index]!.id,
        question_kind: tasks[index]!.kind,
        hops: tasks[index]!.hops,
        ...perQuestion([sums]),
        squares: sums.squares,
        credited_squares: sums.creditedSquares,
        credit: sums.c,
        credit_squares: sums.cc,
        advantage: sums.a,
        advantage_squares: sums.aa,
        noise: sums.noise,
        products: sums.ca,
        clear_actions: sums.clear,
        sign_errors: sums.wrong,
        pearson: measures([sums]).pearson,
      })),
    ),
    'credit-quality-truth': agreements.map((one) => ({
      rollouts: one.rollouts,
      questions: one.questions,
      advantages: one.advantages,
      covered: one.covered,
      covered_error: one.coveredError,
      bias: one.bias,
      bias_error: one.biasError,
      squared_error: one.squaredError,
      stated_squared_error: one.statedSquaredError,
      correlation: one.correlation,
      variance: one.variance,
    })),
  };
}

function perQuestion(questions: readonly Sums[]): Row {
  const mean = (of: (sums: Sums) => number): number =>
    questions.reduce((sum, one) => sum + of(one), 0) / questions.length;
  return {
    trees: mean(({ trees }) => trees),
    sampled_tokens: mean(({ sampledTokens }) => sampledTokens),
    prefill_tokens: mean(({ prefillTokens }) => prefillTokens),
    measured_tokens: mean(({ measuredTokens }) => measuredTokens),
    sampled_actions: mean(({ actions }) => actions),
    trained_actions: mean(({ trained }) => trained),
  };
}

const intervalRow = (name: string, { value, low, high }: Interval): Row => ({
  [name]: Number.isNaN(value) ? null : value,
  [`${name}_low`]: low,
  [`${name}_high`]: high,
});

/** The text of every file that has rows, by its name. */
export function qualityFiles(found: CreditQuality): Readonly<Record<string, string>> {
  const tables = qualityTables(found);
  return {
    'credit-quality.csv': formatCsv(QUALITY_COLUMNS, tables['credit-quality']),
    'credit-quality-questions.csv': formatCsv(QUESTION_COLUMNS, tables['credit-quality-questions']),
    ...(found.agreements.length === 0
      ? {}
      : { 'credit-quality-truth.csv': formatCsv(AGREEMENT_COLUMNS, tables['credit-quality-truth']) }),
  };
}
