import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { CATALOG } from '../../catalog.ts';
import { packageInfo } from '../../core/package.ts';
import { profile } from './profile.ts';
import { parseReference, REFERENCE_FILE } from './reference-file.ts';

export const FIX = 'npm run reference computes them anew';

/** Computes reference scores of methods in experiments again. */
export function testRecomputed(pairs: readonly (readonly [algorithm: string, experiment: string])[]): void {
  it.each([...pairs])('of %s in %s are what comes out today', async (algorithm, experiment) => {
    const units = await profile(
      { algorithms: [algorithm], experiments: [experiment], seeds: 10, quick: false },
      CATALOG,
    );
    const own = units.filter((unit) => unit.algorithm === algorithm);
    const text = await readFile(join(packageInfo().root, ...REFERENCE_FILE), 'utf8');
    const kept = parseReference(text).filter(
      (unit) => unit.algorithm === algorithm && unit.experiment === experiment,
    );
    expect(own.length).toBe(1);
    for (const [index, { score }] of kept[0]!.runs.entries()) {
      const { level, seed } = kept[0]!.runs[index]!;
      const run = own[0]!.runs.find((one) => one.level === level && one.seed === seed)!;
      // Processors may round the last places differently; training blows that up, but not in most runs.
      expect(run.score, `level ${level}, seed ${seed}; ${FIX}`).toBeCloseTo(score, 5);
    }
  });
}
