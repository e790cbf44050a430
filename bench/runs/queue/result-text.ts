import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { CellResult } from '../../cell.ts';
import { TIMING_COLUMNS } from '../../columns.ts';
import { formatCsv, parseCsv } from '../../csv.ts';
import { declarationSchema, metricColumns } from '../../declaration.ts';
import { LARGEST } from './names.ts';

const schema = z.strictObject({
  metrics: z.string(),
  timings: z.string(),
  fingerprint: z.string(),
  declaration: declarationSchema,
});

/**
 * A result as text: its checksum, a newline, JSON with the tables as CSV (which has NaN and infinities).
 * @throws Error when it has columns that nobody declared, or is larger than 64 MiB.
 */
export function writeResult({ metrics, timings, fingerprint, declaration }: CellResult): string {
  const body = JSON.stringify({
    metrics: formatCsv(metricColumns([declaration]), metrics),
    timings: formatCsv(TIMING_COLUMNS, timings),
    fingerprint,
    declaration,
  });
  const bytes = Buffer.byteLength(body);
  if (bytes > LARGEST) {
    throw new Error(`the result has ${bytes} bytes; through a queue go at most ${LARGEST}`);
  }
  return `${checksum(body)}\n${body}`;
}

/** Reads what `writeResult` wrote. @throws Error when anything of it is missing or changed. */
export function readResult(text: string): CellResult {
  const body = text.slice(65);
  if (text[64] !== '\n' || text.slice(0, 64) !== checksum(body))
    throw new Error('its checksum does not match');
  const { metrics, timings, fingerprint, declaration } = schema.parse(JSON.parse(body));
  return {
    metrics: parseCsv(metricColumns([declaration]), metrics),
    timings: parseCsv(TIMING_COLUMNS, timings),
    fingerprint,
    declaration,
  };
}

const checksum = (text: string) => createHash('sha256').update(text).digest('hex');
