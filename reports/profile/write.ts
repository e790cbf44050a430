import { join } from 'node:path';
import { formatCsv } from '../../bench/csv.ts';
import { CURVE_COLUMNS, curveRow, knobPoints } from '../../bench/profile/curves.ts';
import { compareAllPairs, PAIR_COLUMNS, pairRow } from '../../bench/profile/pairs.ts';
import type { ReferencedProfile } from '../../bench/profile/reference.ts';
import {
  PROFILE_COLUMNS,
  profileRow,
  SCORE_COLUMNS,
  scoreRows,
  summarize,
} from '../../bench/profile/summary.ts';
import { writeFileAtomic } from '../../core/atomic-file.ts';
import { packageInfo } from '../../core/package.ts';

/**
 * Writes `profile.csv`, `scores.csv`, `pairs.csv` and `curves.csv` of a run, and `profile.html`, which also shows the reference.
 * @param folder where they go; it has to be there. @param profile from `withReference`.
 * @experimental
 */
export async function writeProfile(folder: string, profile: ReferencedProfile): Promise<void> {
  const { units } = profile;
  const files = {
    'profile.csv': formatCsv(PROFILE_COLUMNS, summarize(units).map(profileRow)),
    'scores.csv': formatCsv(SCORE_COLUMNS, units.flatMap(scoreRows)),
    'pairs.csv': formatCsv(PAIR_COLUMNS, compareAllPairs(units).map(pairRow)),
    'curves.csv': formatCsv(CURVE_COLUMNS, knobPoints(units).map(curveRow)),
  };
  for (const [name, text] of Object.entries(files)) await writeFileAtomic(join(folder, name), text);
  // The plotting library takes a moment to load: who draws nothing does not wait for it.
  const { renderProfile } = await import('./page.ts');
  await writeFileAtomic(
    join(folder, 'profile.html'),
    renderProfile({ profile, version: packageInfo().version }),
  );
}
