import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { AnyAlgorithm } from '../../algorithms/algorithm.ts';
import { configured } from '../../algorithms/configured.ts';
import { ALGORITHMS } from '../../algorithms/registry.ts';
import { CATALOG } from '../../catalog.ts';
import { createRandom } from '../../core/random.ts';
import { loadEnvironment } from '../catalog/load-environment.ts';
import { loadSuite } from '../suites/load.ts';
import { samplingOf } from '../training/train.ts';
import { startingPolicy } from '../training/warm-start.ts';
import { creditOf } from './credit.ts';
import { type ExportedBatch, exportedTrees } from './export.ts';
import { creditFile } from './files/file-credit.ts';
import { openTrajectories } from './files/open.ts';
import type { CreditedTrajectory } from './files/row.ts';
import { trajectoriesOf } from './from-trees.ts';
import { growTree } from './grow.ts';
import { expectSameCredit } from './round-trip.test-helper.ts';

const folder = mkdtempSync(join(tmpdir(), 'creditbench-export-'));
const { suite } = await loadSuite('search', CATALOG, { backend: 'wasm' });
const environment = suite.environments[0]!;
const context = { cacheDirectory: join(folder, 'cache') };
const loaded = await loadEnvironment(CATALOG.environment(environment.id), environment.options, context);
const { policy } = await startingPolicy(
  { ...environment, environment, backend: 'wasm' },
  CATALOG,
  loaded,
  context,
);
afterAll(() => {
  policy.dispose();
  rmSync(folder, { recursive: true });
});

const QUESTIONS = 3;

describe('rollouts of search/v1, by a transformer that writes text, exported and read again', () => {
  it.each(ALGORITHMS.map((algorithm) => [algorithm.id, algorithm as AnyAlgorithm] as const))(
    'have the same credit, bit for bit: %s',
    async (id, algorithm) => {
      const method = configured(algorithm, algorithm.budget(6));
      const exported: ExportedBatch[] = [];
      const requested = exportedTrees({
        ...{ loaded, policy, algorithm: method, tasks: loaded.tasks.dev.slice(0, QUESTIONS) },
        ...{ sampling: samplingOf(environment.training, policy), batch: 2, random: createRandom(4) },
      });
      for await (const batch of requested) exported.push(batch);
      expect(exported.map(({ trees }) => trees.length)).toEqual([2, 1]);
      const path = join(folder, `${id}.jsonl`);
      const trajectories = exported.flatMap((batch) => batch.trajectories);
      writeFileSync(path, trajectories.map((one) => `${JSON.stringify(one)}\n`).join(''));

      const rows: CreditedTrajectory[] = [];
      const file = await openTrajectories({ path });
      const summary = await creditFile({
        ...{ name: path, read: file.read, methods: [{ name: id, algorithm: method }] },
        // What the file says counts, whatever is asked for.
        ...{ merge: 'tokens', questions: 1, random: createRandom(8) },
        rows: { spool: `${path}.spool`, sink: { write: (row) => void rows.push(row) } },
      });
      expect(summary).toMatchObject({ batches: 2, groups: QUESTIONS, hasBatches: true });
      const said = exported.flatMap(({ trees }, batch) => {
        expectSameCredit(method, trees);
        // The trees themselves, as no file has been written: expectSameCredit compares them with the method's own rows.
        const grown = trees.map((tree, index) => growTree(trajectoriesOf(tree, `${index}`), 'none'));
        const credit = creditOf(grown, method, createRandom(8).split('batch', batch));
        if ('lacks' in credit) throw new Error(credit.lacks);
        return credit.credits.flat();
      });
      expect(rows.map(({ credits }) => credits[id])).toEqual(said);
      expect(rows.length).toBeGreaterThanOrEqual(QUESTIONS);
    },
  );
});
