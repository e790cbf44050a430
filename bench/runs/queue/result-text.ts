import { z } from 'zod';
import type { CellResult } from '../../cell.ts';
import { TIMING_COLUMNS } from '../../columns.ts';
import { formatCsv, parseCsv } from '../../csv.ts';
import { declarationSchema, metricColumns } from '../../declaration.ts';
import { type FrameKind, readFramed, writeFramed } from '../../framed.ts';
import { LARGEST } from './names.ts';

const schema = z.strictObject({
  metrics: z.string(),
  timings: z.string(),
  fingerprint: z.string(),
  declaration: declarationSchema,
  kept: z.strictObject({ trajectories: z.string(), credit: z.string() }).exactOptional(),
});

const RESULT: FrameKind<z.infer<typeof schema>> = { what: 'result', schema, most: LARGEST };

/**
 * A result as text: one line of JSON with the tables as CSV (which has NaN and infinities).
 * @throws Error when it has columns that nobody declared, or is larger than 64 MiB.
 */
export function writeResult({ metrics, timings, fingerprint, declaration, kept }: CellResult): string {
  const tables = {
    metrics: formatCsv(metricColumns([declaration]), metrics),
    timings: formatCsv(TIMING_COLUMNS, timings),
  };
  const more = kept === undefined ? {} : { kept };
  return writeFramed(RESULT, { ...tables, fingerprint, declaration, ...more }).toString();
}

/** Reads what `writeResult` wrote. @throws Error when anything of it is missing or changed. */
export function readResult(text: string): CellResult {
  const { metrics, timings, fingerprint, declaration, kept } = readFramed(RESULT, Buffer.from(text)).head;
  return {
    metrics: parseCsv(metricColumns([declaration]), metrics),
    timings: parseCsv(TIMING_COLUMNS, timings),
    fingerprint,
    declaration,
    ...(kept === undefined ? {} : { kept }),
  };
}
