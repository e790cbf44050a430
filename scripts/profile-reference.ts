import { mkdir } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { compareAllPairs, discrimination } from '../bench/profile/pairs.ts';
import { profile } from '../bench/profile/profile.ts';
import { formatReference, REFERENCE_FILE, REFERENCE_SEEDS } from '../bench/profile/reference-file.ts';
import { CATALOG } from '../catalog.ts';
import { profilePool } from '../cli/profile-pool.ts';
import { writeFileAtomic } from '../core/atomic-file.ts';

/**
 * Computes the reference scores, `results/reference/profile.csv`: every registered method in every experiment. Finished
 * parts are kept in results/profile-reference: the same command goes on after a stop. Run as `npm run reference`, which
 * builds first. Then says how many pairs of methods are told apart, controls left out.
 */
const CONTROLS = ['random-credit', 'shuffled-credit'];

const pool = profilePool(availableParallelism(), CATALOG);
let said = -1;
try {
  const units = await profile(
    { algorithms: CATALOG.algorithms.map(({ id }) => id), seeds: REFERENCE_SEEDS, quick: false },
    CATALOG,
    {
      out: join('results', 'profile-reference'),
      executor: pool,
      onProgress: ({ done, total, what }) => {
        const percent = Math.floor((100 * done) / total);
        if (percent > said) process.stderr.write(`${percent} %: ${what}\n`);
        said = percent;
      },
    },
  );
  const file = join(...REFERENCE_FILE);
  await mkdir(dirname(file), { recursive: true });
  await writeFileAtomic(file, formatReference(units));
  const { pairs, apart, experiments } = discrimination(compareAllPairs(units, CONTROLS));
  process.stdout.write(`${file}\npairs told apart: ${apart} of ${pairs}\n`);
  for (const { experiment, apart: own, alone } of experiments) {
    process.stdout.write(`  ${experiment}: ${own}, it alone ${alone}\n`);
  }
} finally {
  pool.close();
}
