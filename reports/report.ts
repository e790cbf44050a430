import { packageInfo } from '../core/package.ts';
import { analyze } from './analysis.ts';
import type { AnalysisOptions } from './analyzed.ts';
import { curves } from './curves.ts';
import { renderReport } from './html/page.ts';
import type { Sources } from './sources.ts';

/**
 * The report over runs, audits and criticality measurements as one HTML page. Deterministic.
 * @param trees address of the page of trees, if there is one.
 * @throws InputError when results on different data or retrieval would be mixed and that was not allowed.
 */
export function createReport(sources: Sources, options: AnalysisOptions = {}, trees?: string): string {
  return renderReport({
    sources,
    analysis: analyze(sources.cells, options),
    curves: curves(sources.cells),
    version: packageInfo().version,
    ...(trees === undefined ? {} : { trees }),
  });
}
