import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { parseCsv } from '../bench/csv.ts';
import { installed, missing } from '../policies/servers.test-helper.ts';
import { ESTIMATOR_COLUMNS, ESTIMATORS_FILE, peerRows, peersOf } from './estimators-reference.ts';

const reason = missing('peers');
const python = installed('peers', 'bin', 'python');
const stored = async () => parseCsv(ESTIMATOR_COLUMNS, await readFile(ESTIMATORS_FILE, 'utf8'));

describe.skipIf(reason !== undefined)(`results/reference/estimators.csv ${reason ?? ''}`, () => {
  it('has every estimator of estimator.py, in the versions that are installed', async () => {
    const { versions, estimators } = peersOf(python);
    const rows = (await stored()).filter(({ version }) => version !== null);
    expect(new Set(rows.map(({ estimator }) => estimator))).toEqual(new Set(estimators));
    for (const { estimator, version } of rows) {
      expect(version).toBe(versions[(estimator as string).split(':')[0]!]);
    }
  });

  it.each([
    ['verl:grpo'],
    ['verl:reinforce_plus_plus_baseline'],
    ['verl:gae'],
    ['trl:grpo'],
    ['trl:rloo'],
    ['openrlhf:group_norm'],
    ['openrlhf:reinforce'],
  ])('is what %s gives', async (name) => {
    const environments = ['stop-or-search/v1', 'random-tree/v1'];
    const rows = (await stored()).filter(
      ({ estimator, environment }) => estimator === name && environments.includes(environment as string),
    );
    const again = await peerRows(python, name, rows[0]!.version as string, environments);
    expect(again).toHaveLength(2);
    for (const [at, row] of rows.entries()) {
      for (const [column, value] of Object.entries(row)) {
        const found = again[at]![column];
        if (typeof value === 'number') expect(found, column).toBeCloseTo(value, 5);
        else expect(found === '' ? null : found, column).toBe(value);
      }
    }
  });
});
