import { column } from '../../bench/columns.ts';
import type { GroupAnalysis } from '../analyzed.ts';
import { csvLink } from './figure.ts';
import { html, type Markup } from './markup.ts';
import { CARL_OPTIONS, CARL_SETTING, PUBLISHED, type Published } from './published.ts';
import { describeValue, suiteAlgorithm, suiteEnvironment } from './settings.ts';
import { formatNumber, sortableTable, type Value } from './table.ts';
import { sayInterval, type View } from './view.ts';

const COLUMNS = [
  column('paper', 'name', 'CARL: arXiv 2512.04949; APPO: arXiv 2606.12384'),
  column('quantity', 'name', 'what was measured'),
  column('method', 'name', 'method as named in the paper'),
  column('published', 'unit', 'the published figure, as printed'),
  column('unit', 'name', 'its unit'),
  column('published_setting', 'text', 'model and data of the paper'),
  column('source', 'text', 'where the figure stands'),
  column('environment', 'id', 'where ours was measured; empty where nothing here corresponds'),
  column('algorithm', 'name', 'ours'),
  column('ours', 'unit', 'our number, not rescaled'),
  column('our_unit', 'name', 'its unit'),
  column('difference', 'text', 'how our setting differs'),
] as const;

interface Pairing {
  readonly published: Published;
  readonly group: GroupAnalysis | undefined;
}

/** The published figures with ours beside them and what differs between the settings. Nothing is rescaled. */
export function paperSection(view: View): Markup {
  const pairings = PUBLISHED.flatMap((published): readonly Pairing[] => {
    const groups = view.analysis.groups.filter((group) => corresponds(view, published, group));
    return groups.length === 0
      ? [{ published, group: undefined }]
      : groups.map((group) => ({ published, group }));
  });
  const heads = [
    { label: 'paper' },
    { label: 'quantity' },
    { label: 'method' },
    { label: 'published' },
    { label: 'ours' },
    { label: 'difference in setting' },
  ];
  const rowOf = ({ published, group }: Pairing): readonly Value[] => [
    { content: html`<span title="${published.source}">${published.paper}</span>`, sort: published.paper },
    published.quantity,
    {
      content: html`<div class="medium">${published.method}</div><small>${published.setting}</small>`,
      sort: published.method,
    },
    { content: html`${published.value}<small>${published.unit}</small>`, sort: published.value },
    oursEntry(published, group),
    {
      content:
        group === undefined
          ? html`<span class="unknown">${published.ours === undefined ? 'nothing here measures this' : 'not run'}</span>`
          : html`<div class="wide">${difference(view, group)}</div>`,
      sort: '',
    },
  ];
  const filled = pairings.filter(({ group }) => group !== undefined);
  const empty = pairings.filter(({ group }) => group === undefined);
  const data = {
    name: 'beside-the-paper',
    columns: COLUMNS,
    rows: pairings.map(({ published, group }) => ({
      paper: published.paper,
      quantity: published.quantity,
      method: published.method,
      published: published.value,
      unit: published.unit,
      published_setting: published.setting,
      source: published.source,
      environment: group?.environment ?? null,
      algorithm: group?.algorithm ?? null,
      ours: ourNumber(published, group),
      our_unit: group === undefined ? null : OUR_UNITS[published.ours!.number],
      difference: group === undefined ? null : difference(view, group),
    })),
  };
  return html`<section id="paper"><h2>Beside the papers</h2>
<p>Published figures of CARL (arXiv 2512.04949) and APPO (arXiv 2606.12384), as printed, and ours as measured, in our units. The papers train language models of 3 to 14 billion weights on Wikipedia search; nothing was rescaled, and equal numbers were not to be expected. What can be compared is the direction and the ratios. ${csvLink(data)}</p>
${filled.length === 0 ? html`<p class="empty">No algorithm of these runs is measured in one of them.</p>` : sortableTable('Published and ours', heads, filled.map(rowOf))}
${empty.length > 0 && html`<details><summary>${empty.length} published figures without one of ours</summary>${sortableTable('Published only', heads, empty.map(rowOf))}</details>`}</section>`;
}

const OUR_UNITS = {
  f1: '0..1',
  update_actions: 'actions/question',
  rollout_actions: 'actions/question',
} as const;

/** The variant must be the published one: the same id, and CARL's own options but for what an ablation changes. */
function corresponds(view: View, { ours }: Published, group: GroupAnalysis): boolean {
  if (ours === undefined || group.algorithmId !== ours.algorithm || group.finished === 0) return false;
  if (!ours.algorithm.startsWith('carl')) return true;
  const options = suiteAlgorithm(view, group)?.options;
  return Object.entries({ ...CARL_OPTIONS, ...ours.options }).every(
    ([name, value]) => options?.[name] === value,
  );
}

function ourNumber({ ours }: Published, group: GroupAnalysis | undefined): number | null {
  if (group === undefined || ours === undefined) return null;
  return ours.number === 'f1' ? (group.f1?.value ?? null) : group.costs[ours.number].value;
}

function oursEntry(published: Published, group: GroupAnalysis | undefined): Value {
  const value = ourNumber(published, group);
  if (group === undefined || value === null) return null;
  const where = `${group.algorithm} in ${group.environment}`;
  const { number } = published.ours!;
  const [shown, unit] =
    number === 'f1'
      ? [sayInterval(group.f1!), 'dev F1, 0..1']
      : [formatNumber(value, 1), `${OUR_UNITS[number]}${ratioNote(group, number)}`];
  return { content: html`${shown}<small>${unit}; ${where}</small>`, sort: value };
}

function ratioNote({ costs }: GroupAnalysis, number: 'update_actions' | 'rollout_actions'): string {
  const { ratio } = costs[number];
  return ratio === null ? '' : `, ${formatNumber(ratio, 2)}× GRPO’s`;
}

/** What the run says of itself against what the paper says. */
function difference(view: View, group: GroupAnalysis): string {
  const environment = suiteEnvironment(view, group);
  const options = suiteAlgorithm(view, group)?.options ?? {};
  const size = (name: string, published: number, what: string): readonly string[] =>
    typeof options[name] === 'number' && options[name] !== published
      ? [`${what} ${options[name]} (paper ${published})`]
      : [];
  const policy = environment?.policy?.id ?? 'not recorded';
  const iterations = group.iterations ?? 'not recorded';
  const questions = describeValue(environment?.training?.questions);
  const turns = environment?.options?.maxTurns;
  return [
    `${group.environment}, not Wikipedia search`,
    `policy ${policy}, not ${CARL_SETTING.model}`,
    `${iterations} iterations of ${questions} questions (paper ${CARL_SETTING.iterations} of ${CARL_SETTING.questions})`,
    ...(turns === undefined || turns === CARL_SETTING.turns
      ? []
      : [`at most ${describeValue(turns)} turns (paper ${CARL_SETTING.turns})`]),
    ...size('groupSize', CARL_SETTING.group, 'group'),
    ...size('forks', CARL_SETTING.forks, 'forks'),
    `F1 of held-out questions of that environment, 0..1`,
  ].join('; ');
}
