import { resolve } from 'node:path';
import type { AnyAlgorithm } from '../../algorithms/algorithm.ts';
import { type ConfiguredAlgorithm, configured } from '../../algorithms/configured.ts';
import { type KeptCell, readKeptTrees } from '../../bench/runs/kept-trees.ts';
import { shortLabels } from '../../bench/runs/results.ts';
import { readSuiteFile } from '../../bench/runs/run-folder.ts';
import { creditOf, type MethodCredit, type NoCredit } from '../../bench/trajectories/credit.ts';
import { type GrownTree, growTree } from '../../bench/trajectories/grow.ts';
import { createRandom } from '../../core/random.ts';
import type { ShownTree, TreeCredit } from './input.ts';

/** What a cell's own training gave, among the methods of the page. */
export const AS_TRAINED = 'as trained';

/** Said on a page of kept trees. */
export const KEPT_NOTES = [
  `Of each algorithm, what it sampled in the last iteration of its first seed that has kept trees. “${AS_TRAINED}” is the credit that the algorithm of each tree trained with there.`,
  'The other methods are asked about the same trees afterwards. Those that normalise over a batch had these trees alone; critics and measurements are those of the run, where it had them.',
];

/** A cell that has kept trees, and how the page calls it. */
interface NamedCell {
  readonly environment: string;
  readonly algorithm: string;
  readonly seed: number;
  readonly kept: KeptCell;
}

/**
 * The trees that runs have kept (`creditbench run --keep-trees`): of every algorithm those of its first seed that has
 * some, with what it was trained on there and what other methods say of them.
 * @param folders of runs. @param algorithms that can be asked, with the options of the run or their defaults.
 * @throws InputError when a suite.json cannot be read.
 */
export async function readShownTrees(
  folders: readonly string[],
  algorithms: readonly AnyAlgorithm[],
): Promise<readonly ShownTree[]> {
  const labels = shortLabels(folders.map((folder) => resolve(folder)));
  const cells: NamedCell[] = [];
  for (const [index, folder] of folders.entries()) {
    const found = new Set<string>();
    const { cells: all } = await readSuiteFile(folder);
    for (const { environment, algorithm, seed, cell, status } of all.toSorted((a, b) => a.seed - b.seed)) {
      const key = JSON.stringify([environment, algorithm]);
      if (status !== 'finished' || found.has(key)) continue;
      const kept = await readKeptTrees(folder, cell);
      if (kept === undefined) continue;
      found.add(key);
      const name = folders.length === 1 ? algorithm : `${algorithm} (${labels[index]})`;
      cells.push({ environment, algorithm: name, seed, kept });
    }
  }
  const methods = methodsOf(cells, algorithms);
  const isOne = new Set(cells.map(({ environment }) => environment)).size === 1;
  return cells.flatMap((cell) => shownTrees(cell, methods, isOne ? '' : `${cell.environment}: `));
}

/** The methods of the runs that come with creditbench, by their names there, then all others with their defaults. */
function methodsOf(
  cells: readonly NamedCell[],
  algorithms: readonly AnyAlgorithm[],
): ReadonlyMap<string, ConfiguredAlgorithm> {
  const methods = new Map<string, ConfiguredAlgorithm>();
  const named = new Set<string>();
  for (const { algorithm, kept } of cells) {
    const { id, options, isOwn } = kept.algorithm;
    const known = isOwn ? undefined : algorithms.find((one) => one.id === id);
    // Options of another version may not be valid any more.
    if (known === undefined || methods.has(algorithm) || !known.schema.safeParse(options).success) continue;
    methods.set(algorithm, configured(known, options));
    named.add(id);
  }
  for (const one of algorithms) if (!named.has(one.id)) methods.set(one.id, configured(one));
  return methods;
}

function shownTrees(
  { algorithm, seed, kept }: NamedCell,
  methods: ReadonlyMap<string, ConfiguredAlgorithm>,
  prefix: string,
): readonly ShownTree[] {
  const grown = kept.questions.map(({ trajectories }) => growTree(trajectories, 'none'));
  const others = [...methods].map(([name, method]) => [name, creditsOf(grown, method)] as const);
  return kept.questions.map(({ trajectories, credit }, index) => {
    const { question, group } = trajectories[0]!;
    const credits = others.map(([name, all]): [string, TreeCredit] => [
      name,
      'lacks' in all ? all : all[index]!,
    ]);
    return {
      question: prefix + (question === undefined || question === '' ? group : question),
      label: `${algorithm}, seed ${seed}`,
      ...{ grown: grown[index]!, trajectories },
      credits: Object.fromEntries([[AS_TRAINED, credit], ...credits]),
    };
  });
}

/** By tree. */
function creditsOf(
  grown: readonly GrownTree[],
  method: ConfiguredAlgorithm,
): MethodCredit['credits'] | NoCredit {
  const credit = creditOf(grown, method, createRandom(0).split('trees'));
  return 'lacks' in credit ? credit : credit.credits;
}
