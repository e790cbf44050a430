import { probeConnection } from '../policies/remote/connect.ts';
import type { ServerReport } from '../policies/remote/probe.ts';
import { layoutOf } from './layout.ts';
import { renderTable } from './table.ts';

/** Asks a server what it is and can do. A tokenizer says more: ids of its own. */
export const examineServer = (server: string, tokenizer: string | undefined): Promise<ServerReport> =>
  probeConnection({ server, ...(tokenizer === undefined ? {} : { tokenizer }) });

/** The report as a table. */
export function describeServer(report: ServerReport): string {
  const { version, models, context, vocabulary, slots } = report;
  const isSampling = report.temperature === 'sampling';
  const rows: readonly (readonly [string, string, string])[] = [
    ['kind', report.kind, version ?? ''],
    ['model', report.model, models.length > 1 ? `of ${models.length}: ${models.join(', ')}` : ''],
    ['context', context === undefined ? 'not said' : String(context), 'tokens, prompt and answer together'],
    ['vocabulary', vocabulary === undefined ? 'not said' : String(vocabulary), 'ids'],
    ['ids and log-probabilities', 'yes', 'of the tokens that it writes'],
    ['most likely tokens', String(report.topLogProbs), 'with every token, for its entropy (topLogProbs)'],
    [
      'temperature, nucleus',
      isSampling && report.nucleus === 'sampling' ? 'any' : '1 only',
      isSampling
        ? 'log-probabilities are of the sampling distribution'
        : 'log-probabilities are of the softmax before both',
    ],
    [
      'scores given tokens',
      report.scores ? 'yes' : 'no',
      report.scores
        ? `${report.scoreDistance?.toExponential(0)} nats from those it wrote with`
        : 'methods that need it are refused',
    ],
    ['same seed, same tokens', report.deterministic ? 'yes' : 'no', ''],
    [
      'slots',
      slots === undefined ? '-' : String(slots),
      slots === undefined ? '' : 'each with a cache of its own',
    ],
    ['trains', 'no', 'rollout, evaluate, criticality, credit-quality'],
  ];
  const columns = [report.url, '', ''].map((name) => ({ name, rank: 0 }));
  return `${renderTable(columns, rows, layoutOf())}\n`;
}
