import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { z } from 'zod';
import { makeWritable, writeFileAtomic } from '../../core/atomic-file.ts';
import { readBoundedText } from '../../core/bounded-file.ts';
import { canonicalJson } from '../../core/canonical-json.ts';
import { codeFingerprint } from '../identity.ts';
import { type QuestionSums, SUM_NAMES } from './sums.ts';

/**
 * A method that has been measured: what every question adds, and the tokens drawn for the truth meanwhile.
 * @experimental
 */
export interface MeasuredMethod {
  readonly sums: readonly QuestionSums[];
  readonly truthTokens: number;
}

/**
 * Where measured methods are kept, so that a measurement that was stopped goes on.
 * @experimental
 */
export interface MeasuredMethods {
  /** A method that was measured before; undefined if there is none, or what is there is damaged. */
  read(name: string): Promise<MeasuredMethod | undefined>;
  write(name: string, method: MeasuredMethod): Promise<void>;
}

const number = z.number();
const storedSchema = z.object({
  hash: z.string(),
  truthTokens: number,
  sums: z.array(z.strictObject(Object.fromEntries(SUM_NAMES.map((name) => [name, number])))),
});
/** Bytes of a stored method, at most. */
const MOST = 256 * 2 ** 20;

/**
 * Keeps measured methods in `<out>/methods`, found by the hash of what decides their numbers.
 * @param common everything that is the same for all methods; plain JSON.
 * @param own what is a method's own.
 * @throws InputError when the folder cannot be written.
 */
export async function keptIn(
  out: string,
  common: object,
  own: (name: string) => object,
): Promise<MeasuredMethods> {
  const folder = join(out, 'methods');
  await makeWritable('--out', out);
  await makeWritable('--out', folder);
  const code = codeFingerprint('creditQuality');
  const hashOf = (name: string): string =>
    createHash('sha256')
      .update(canonicalJson({ common, own: own(name), code }))
      .digest('hex');
  const fileOf = (hash: string): string => join(folder, `${hash.slice(0, 16)}.json`);
  return {
    read: async (name) => {
      const hash = hashOf(name);
      try {
        const stored = storedSchema.parse(JSON.parse(await readBoundedText(fileOf(hash), MOST)));
        if (stored.hash !== hash) return undefined;
        return { sums: stored.sums as unknown as readonly QuestionSums[], truthTokens: stored.truthTokens };
      } catch {
        return undefined;
      }
    },
    write: async (name, method) => {
      const hash = hashOf(name);
      await writeFileAtomic(fileOf(hash), `${JSON.stringify({ hash, name, ...method })}\n`);
    },
  };
}
