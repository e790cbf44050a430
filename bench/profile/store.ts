import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { z } from 'zod';
import { makeWritable, writeFileAtomic } from '../../core/atomic-file.ts';
import { readBoundedText } from '../../core/bounded-file.ts';
import { canonicalJson } from '../../core/canonical-json.ts';
import { unnamed } from '../cell.ts';
import { codeFingerprint } from '../identity.ts';
import type { ProfileUnit, UnitRequest } from './unit.ts';

const number = z.number();
const unitSchema = z.object({
  hash: z.string(),
  result: z.object({
    rate: number,
    rates: z.array(z.object({ rate: number, score: number })),
    runs: z.array(
      z.object({
        level: number,
        seed: number,
        score: number,
        final: number.nullable(),
        rankCorrelation: number.nullable(),
        signErrors: number.nullable(),
        leakage: number.nullable(),
      }),
    ),
  }),
});

/** Bytes of a stored unit, at most. */
const MOST = 64 * 2 ** 20;

const fileOf = (out: string, hash: string): string => join(out, 'units', `${hash.slice(0, 16)}.json`);

/** SHA-256 of everything that a unit's numbers depend on: what is asked for, and the code that computes it. */
export function unitHash({ name: _, algorithm: __, choice, ...rest }: UnitRequest): string {
  const code = codeFingerprint('profile');
  const unit = { ...rest, choice: unnamed(choice) };
  return createHash('sha256').update(canonicalJson({ unit, code })).digest('hex');
}

/** Makes an output folder ready. @throws InputError when it cannot be written. */
export async function openUnits(out: string): Promise<void> {
  await makeWritable('--out', out);
  await makeWritable('--out', join(out, 'units'));
}

/** A finished unit; undefined if there is none, or what is there is damaged: it is then computed again. */
export async function readUnit(out: string, hash: string): Promise<ProfileUnit | undefined> {
  try {
    const stored = unitSchema.parse(JSON.parse(await readBoundedText(fileOf(out, hash), MOST)));
    return stored.hash === hash ? stored.result : undefined;
  } catch {
    return undefined;
  }
}

/** Keeps a finished unit, with what was asked for beside it for people. */
export async function writeUnit(
  out: string,
  hash: string,
  unit: UnitRequest,
  result: ProfileUnit,
): Promise<void> {
  await writeFileAtomic(fileOf(out, hash), `${JSON.stringify({ hash, unit, result }, null, 1)}\n`);
}
