import type { Interval } from '../bench/stats/interval.ts';
import type { Analysis, GroupAnalysis } from './analyzed.ts';
import { capitalized, describeP, fixed, NONE, notesOf, withSign } from './paper-table.ts';
import { commonLabel, hasSeveralScores, scoreLabel } from './score.ts';

const HEAD = `% In the preamble: \\usepackage{booktabs,graphicx}
% As wide as a column at most: what is wider is made smaller. More numbers are in comparison.md and comparison.csv.
\\begingroup\\footnotesize\\setlength{\\tabcolsep}{3pt}\\def\\arraystretch{1.15}%
\\setbox2=\\hbox{%`;
const END = '}\\ifdim\\wd2>\\columnwidth\\resizebox{\\columnwidth}{!}{\\box2}\\else\\box2\\fi\\endgroup';

/**
 * The comparison as a LaTeX table for one column of a paper, for the packages booktabs and graphicx: score, gain and
 * difference with their intervals, Holm's p, and updates as a ratio to GRPO's. Below it how they were made.
 */
export function latexTable(analysis: Analysis): string {
  const { groups } = analysis;
  const environments = [...new Set(groups.map(({ environment }) => environment))];
  const several = hasSeveralScores(groups);
  const ratios = groups.some(({ costs }) => costs.update_actions.ratio !== null);
  const head = [
    'Algorithm',
    capitalized(commonLabel(groups)),
    'Gain',
    'Difference',
    'p (Holm)',
    ratios ? 'Updates, ×' : 'Updates',
  ].map(escapeLatex);
  const rows = environments.flatMap((environment, index) => {
    const own = groups.filter((group) => group.environment === environment);
    const label = several && own[0]!.declared !== null ? `, ${scoreLabel(own[0]!.declared)}` : '';
    return [
      ...(environments.length === 1 && !several
        ? []
        : [
            ...(index === 0 ? [] : ['\\addlinespace']),
            `\\multicolumn{${head.length}}{l}{\\itshape ${escapeLatex(`${environment}${label}`)}} \\\\`,
          ]),
      ...own.map((group) => `${rowOf(analysis, group, ratios).join(' & ')} \\\\`),
    ];
  });
  return [
    HEAD,
    `\\begin{tabular}{@{}l${'r'.repeat(head.length - 1)}@{}}`,
    '\\toprule',
    `${head.join(' & ')} \\\\`,
    '\\midrule',
    ...rows,
    '\\bottomrule',
    `\\end{tabular}${END}`,
    '',
    ...[seedsNote(analysis), ...notesOf(analysis, { marks: '±', hasIqm: false })].map(
      (note) => `${escapeLatex(note)}\n`,
    ),
  ].join('\n');
}

function rowOf({ pairs }: Analysis, group: GroupAnalysis, ratios: boolean): readonly string[] {
  const pair = pairs.find(
    ({ environment, algorithm }) => environment === group.environment && algorithm === group.algorithm,
  );
  const { value, ratio } = group.costs.update_actions;
  const cost = ratios ? ratio : value;
  return [
    escapeLatex(group.algorithm),
    interval(group.score, fixed),
    interval(group.gain, withSign),
    interval(pair?.difference ?? null, withSign),
    escapeLatex(pair?.adjustedP == null ? NONE : describeP(pair.adjustedP)),
    escapeLatex(cost === null ? NONE : fixed(cost, ratios ? 2 : 1)),
  ];
}

/** A t interval by its half width; others by the way to their ends, above and below. */
function interval(found: Interval | null, show: (value: number) => string): string {
  if (found === null) return escapeLatex(NONE);
  const { value, low, high, method } = found;
  if (low === null || high === null) return escapeLatex(show(value));
  if (method === 't') return escapeLatex(`${show(value)} ± ${fixed((high - low) / 2)}`);
  return `${escapeLatex(show(value))}$_{${fixed(low - value).replace('−', '-')}}^{+${fixed(high - value)}}$`;
}

function seedsNote({ groups }: Analysis): string {
  const counts = groups.map(({ finished }) => finished);
  const [least, most] = [Math.min(...counts), Math.max(...counts)];
  return `${least === most ? least : `${least} to ${most}`} finished ${most === 1 ? 'seed' : 'seeds'} each.`;
}

const LATEX: Readonly<Record<string, string>> = {
  '\\': '\\textbackslash{}',
  '~': '\\textasciitilde{}',
  '^': '\\textasciicircum{}',
  '<': '$<$',
  '>': '$>$',
  '–': '--',
  '−': '$-$',
  '+': '$+$',
  '±': '$\\pm$',
  '×': '$\\times$',
  // LaTeX would read a bracket after a line break as its argument.
  '[': '{[}',
};

const escapeLatex = (text: string): string =>
  text
    .replace(/[\\~^<>–−+±×[]|[&%$#_{}]/g, (character) => LATEX[character] ?? `\\${character}`)
    .replace(/\s+/g, ' ');
