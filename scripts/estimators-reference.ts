import { formatCsv } from '../bench/csv.ts';
import { writeFileAtomic } from '../core/atomic-file.ts';
import {
  DIAGNOSTIC,
  ESTIMATOR_COLUMNS,
  ESTIMATORS_FILE,
  OWN,
  ownRow,
  peerRows,
  peersOf,
} from './peers/reference.ts';

/**
 * Audits the advantage functions of verl, TRL and OpenRLHF, and ours beside them: results/reference/estimators.csv, which
 * docs/estimators.md quotes. Run as `npm run estimators -- PYTHON`, an interpreter that has them (the part `peers` of
 * scripts/servers/install.sh).
 */
const [python] = process.argv.slice(2);
if (python === undefined) {
  process.stderr.write('usage: npm run estimators -- PYTHON\n');
  process.exit(2);
}
const { versions, estimators } = peersOf(python);
const rows = [];
for (const name of estimators) {
  process.stderr.write(`${new Date().toISOString()} ${name}\n`);
  rows.push(...(await peerRows(python, name, versions[name.split(':')[0]!]!, DIAGNOSTIC)));
}
for (const id of OWN) for (const environment of DIAGNOSTIC) rows.push(await ownRow(id, environment));
await writeFileAtomic(ESTIMATORS_FILE, formatCsv(ESTIMATOR_COLUMNS, rows));
process.stdout.write(`${ESTIMATORS_FILE}\n`);
