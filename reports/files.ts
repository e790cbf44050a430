import { AUDIT_COLUMNS, AUDIT_COMPONENT_COLUMNS } from '../bench/audit/columns.ts';
import {
  CELL_COLUMNS,
  type Column,
  ENTROPY_CURVE_COLUMNS,
  METRIC_COLUMNS,
  TIMING_COLUMNS,
} from '../bench/columns.ts';
import { AGREEMENT_COLUMNS, QUALITY_COLUMNS, QUESTION_COLUMNS } from '../bench/credit-quality/tables.ts';
import { CURVE_COLUMNS } from '../bench/profile/curves.ts';
import { PAIR_COLUMNS } from '../bench/profile/pairs.ts';
import { PROFILE_COLUMNS as METHOD_COLUMNS, SCORE_COLUMNS } from '../bench/profile/summary.ts';
import { SEARCH_METRICS } from '../envs/search/environment.ts';
import { COMPARISON_COLUMNS, PAIRWISE_COLUMNS, PROFILE_COLUMNS } from './columns.ts';

/** A CSV file that creditbench writes. */
export interface DocumentedFile {
  readonly name: string;
  /** What a row is. */
  readonly rows: string;
  readonly columns: readonly Column[];
}

/** The CSV files of a run, in one list for writing, reading and documenting them. */
export const RUN_FILES = [
  {
    name: 'metrics.csv',
    rows: 'One row per finished cell and iteration; iteration 0 is the evaluation before training: its counts are 0, and what only training has is empty. The same command gives the same bytes. Between `dev_actions` and `questions` stand the metrics that the environments of the run declare (below).',
    columns: [...CELL_COLUMNS, ...METRIC_COLUMNS],
  },
  {
    name: 'comparison.csv',
    rows: 'One row per environment and algorithm. Costs and shares are over all training iterations of a seed, then the mean over seeds.',
    columns: COMPARISON_COLUMNS,
  },
  {
    name: 'pairwise.csv',
    rows: 'One row per comparison of an algorithm with a baseline, seed by seed.',
    columns: PAIRWISE_COLUMNS,
  },
  {
    name: 'profiles.csv',
    rows: 'Performance profiles: one row per environment, algorithm and threshold.',
    columns: PROFILE_COLUMNS,
  },
  {
    name: 'entropy.csv',
    rows: 'One row per finished cell, training iteration and level of entropy.',
    columns: [...CELL_COLUMNS, ...ENTROPY_CURVE_COLUMNS],
  },
  {
    name: 'timings.csv',
    rows: 'One row per finished cell and iteration. Seconds differ from run to run, so they are in a file of their own.',
    columns: [...CELL_COLUMNS, ...TIMING_COLUMNS],
  },
] as const satisfies readonly DocumentedFile[];

const AUDIT_FILES: readonly DocumentedFile[] = [
  {
    name: 'audit.csv',
    rows: 'Of `creditbench audit --out`: one row per environment and algorithm.',
    columns: AUDIT_COLUMNS,
  },
  {
    name: 'audit_components.csv',
    rows: 'Of `creditbench audit --out`: one row per environment, algorithm, quantity and component.',
    columns: AUDIT_COMPONENT_COLUMNS,
  },
];

const METHOD_FILES: readonly DocumentedFile[] = [
  {
    name: 'profile.csv',
    rows: 'Of `creditbench profile --out`: one row per algorithm and experiment.',
    columns: METHOD_COLUMNS,
  },
  {
    name: 'scores.csv',
    rows: 'Of `creditbench profile --out`: one row per algorithm, experiment, level of its knob and seed.',
    columns: SCORE_COLUMNS,
  },
  {
    name: 'pairs.csv',
    rows: 'Of `creditbench profile --out`: one row per pair of algorithms and experiment.',
    columns: PAIR_COLUMNS,
  },
  {
    name: 'curves.csv',
    rows: 'Of `creditbench profile --out`: one row per algorithm, experiment and level of its knob.',
    columns: CURVE_COLUMNS,
  },
];

const QUALITY_FILES: readonly DocumentedFile[] = [
  {
    name: 'credit-quality.csv',
    rows: 'Of `creditbench credit-quality --out`: one row per truth and algorithm. Intervals are over questions, the policy being the one it is: bootstrap standard errors and t. Empty differences: the baseline itself, or none was measured.',
    columns: QUALITY_COLUMNS,
  },
  {
    name: 'credit-quality-questions.csv',
    rows: 'Of `creditbench credit-quality --out`: one row per truth, algorithm and question.',
    columns: QUESTION_COLUMNS,
  },
  {
    name: 'credit-quality-truth.csv',
    rows: 'Of `creditbench credit-quality --out`, if exact and sampled truths were asked for: one row per sampled truth.',
    columns: AGREEMENT_COLUMNS,
  },
];

/** The columns of a file of RUN_FILES. */
export function columnsOf(name: (typeof RUN_FILES)[number]['name']): readonly Column[] {
  return RUN_FILES.find((file) => file.name === name)!.columns;
}

const INTRODUCTION = `# The files of a run

\`creditbench run\` writes these files into its output folder, each whole or not at all. This page is made from the code that writes them (\`reports/files.ts\`); a test compares the two. \`creditbench compare <folders> --out <folder>\` writes the comparison (\`comparison.*\`, \`pairwise.csv\`, \`profiles.csv\`, \`results.json\`) of several runs, or with a threshold and anchors, elsewhere.

An empty field means that there is no such number; \`NaN\` means that the computation diverged. Numbers have full precision. Texts that a spreadsheet would take for a formula have an apostrophe in front.

| | |
| --- | --- |
| \`report.html\` | all of it as one page with charts; \`creditbench report\` makes it of any number of runs |
| \`trees.html\` | with \`--keep-trees\`: some rollouts of the last iteration as trees, colored by the advantages of the run's own algorithms and of all others; \`creditbench report\` writes it beside a report of runs that kept trees, too |
| \`results.json\` | \`comparison.csv\`, \`pairwise.csv\` and \`profiles.csv\` once more, under the same names; what the analysis was told; which cells have no result. Numbers that JSON does not have are the texts \`NaN\`, \`Infinity\` and \`-Infinity\` |
| \`comparison.md\`, \`comparison.tex\` | the table for a paper, in Markdown, and in LaTeX for one column of a page (booktabs, graphicx) |
| \`suite.json\` | the complete suite; what its environments are scored by and which metrics they declare (\`declarations\`); its cells with their status and fingerprint. Written when a run begins and when it ends |
| \`cells/\` | what every cell left: the files above are made from it. A folder per finished cell, with \`--keep-trees\` also its rollouts (below); \`.failed.json\` says why one failed; \`.checkpoint\`, \`.checkpoint.old\` and \`.lock\` are there while one is not finished ([interrupted runs](interrupted-runs.md)) |
| \`tensorboard/\` | with \`--tensorboard\`: event files, one run per cell, every column of \`metrics.csv\` a scalar over iterations |

With \`creditbench run --keep-trees\` a cell's folder also has \`trajectories.jsonl\`, the rollouts of the first two questions of its last iteration in our own format (\`creditbench-trajectory\`), which \`creditbench credit\` reads, and \`credit.jsonl\`, the advantages that they were trained with, a line per rollout (\`creditbench-credit\`; the method is called by its algorithm's id). A question that would make the rollouts of a cell more than 1 MiB is left out whole. They change no number and no other file, are equal for equal cells, whatever the workers and wherever a cell was interrupted, and no number is made from them: cells finished without them are not computed again. By default nothing is kept, because they are several times as large as all else that a small cell leaves.

\`creditbench profile --out <folder>\` writes \`profile.csv\`, \`scores.csv\`, \`pairs.csv\` and \`curves.csv\` (below), and:

| | |
| --- | --- |
| \`profile.html\` | all of it as one page: methods by experiments, scores against the knobs, a page per method ([how to read it](profile.md)) |
| \`units/\` | what is finished, one JSON file per algorithm and experiment, found again by everything that its numbers depend on |

## How the numbers are made

- The training seed is the unit of replication. Every number is first made per seed; questions and episodes never count as seeds.
- Intervals are at 95 %. Below 10 seeds they are Student's t (for the IQM Yuen's, with the winsorised variance). From 10 seeds on they are BCa: 5000 bootstrap replicates over seeds, their levels expanded for the number of seeds (Hesterberg 2015), without which they cover 90 % at 10 seeds. The column \`…_interval\` says which it is. Coverage is tested by simulation (\`bench/stats/coverage.slow.test.ts\`).
- Comparisons are paired: equal seeds meet the same questions, the same starting weights and the same random numbers. The p value is the paired t test's at any number of seeds; Holm's adjustment counts all comparisons of the file, of all environments.
- Cells that failed or are missing are in no mean. They are counted in \`comparison.csv\`, and pairs need both sides. A cell that finished with a score that is not a number makes the means NaN and leaves their intervals empty.
- The score is what the environment declares (\`Environment.score\`): the F1 of answers in \`multihop\` and \`search\`, the return elsewhere unless an environment says otherwise. \`comparison.csv\`, \`pairwise.csv\` and \`profiles.csv\` name it in the column \`score\`; in \`metrics.csv\` it is \`dev_f1\`, \`dev_return\` and so on. F1 and exact match are there wherever episodes end in an answer; an episode without an answer counts as 0.
- Folders of before environments declared their scores are read as scored by F1.
- Anchors and thresholds are stated beforehand (\`creditbench compare --anchor\`, \`--threshold\`), never taken from the best result.
`;

const METRICS = `
An environment may declare metrics of its own (\`Environment.metrics\`). Each has a column \`dev_<name>\`, its mean over episodes on the dev questions, and a column \`<name>\`, the same of the sampled training rollouts; they are empty in rows of other environments. Those of \`search/v1\`:

${SEARCH_METRICS.map(({ name, unit, description }) => `- \`${name}\` (${unit}): ${description}`).join('\n')}
`;

/** The text of docs/files.md. */
export function filesPage(): string {
  const sections = [...RUN_FILES, ...AUDIT_FILES, ...QUALITY_FILES, ...METHOD_FILES].map(
    ({ name, rows, columns }) =>
      `## ${name}\n\n${rows}\n\n| column | unit | |\n| --- | --- | --- |\n${columns
        .map((one) => `| \`${one.name}\` | ${cell(one.unit)} | ${cell(one.description)} |`)
        .join('\n')}\n${name === 'metrics.csv' ? METRICS : ''}`,
  );
  return [INTRODUCTION, ...sections].join('\n');
}

const cell = (text: string): string => text.replaceAll('|', '\\|');
