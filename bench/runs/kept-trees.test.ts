import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { configured } from '../../algorithms/configured.ts';
import { findAlgorithm } from '../../algorithms/registry.ts';
import { createRandom } from '../../core/random.ts';
import type { TokenCodec } from '../../policies/policy.ts';
import type { Cell, CellResult, LastTrees } from '../cell.ts';
import { cellHash } from '../identity.ts';
import { trainingSchema, warmStartSchema } from '../training/options.ts';
import { creditedRows } from '../training/update.ts';
import { goldenTrees } from '../trajectories/golden/golden.ts';
import { growTree } from '../trajectories/grow.ts';
import { trajectorySchema } from '../trajectories/trajectory.ts';
import { keptTrees, readKeptTrees } from './kept-trees.ts';
import { readResult, writeResult } from './queue/result-text.ts';
import { cellFolder, KEPT_FILES, openOutput, readCell, writeCell } from './storage.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'creditbench-kept-'));
});
afterAll(() => rm(folder, { recursive: true }));

const CARL = configured(findAlgorithm('carl'), {});
const KINDS = ['inside-action-forks', 'forks', 'chains'];
const trees = KINDS.map(
  (kind) => growTree(goldenTrees().find((tree) => tree.kind === kind)!.trajectories, 'none').tree,
);
const last = ({ codec, trees: given = trees }: Partial<LastTrees> = {}): LastTrees => ({
  trees: given,
  rows: creditedRows(given, CARL.credit(given, createRandom(1))),
  codec,
});
/** Stores the cell in an output folder of its own. */
async function stored(name: string, result: CellResult): Promise<string> {
  const out = join(folder, name);
  await openOutput(out);
  await writeCell(out, CELL, result);
  return out;
}
const linesOf = (text: string): readonly unknown[] =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);

const CELL: Cell = {
  environment: { id: 'walk/v1', options: {} },
  policy: { id: 'tabular', options: {} },
  algorithm: { id: 'carl', options: { forks: 3 } },
  training: trainingSchema.parse({}),
  warmStart: warmStartSchema.parse({}),
  seed: 0,
  backend: 'wasm',
};
const RESULT: CellResult = {
  metrics: [{ iteration: 0, dev_f1: 0.5 }],
  timings: [{ iteration: 0 }],
  fingerprint: 'f',
  declaration: { score: { name: 'f1', range: [0, 1] }, metrics: [] },
};
const kept = keptTrees(last(), 'carl');

describe('kept trees', () => {
  it('are the rollouts of two questions, and what they were trained with', async () => {
    const out = await stored('kept', { ...RESULT, kept });
    const found = (await readKeptTrees(out, cellHash(CELL)))!;
    expect(found.algorithm).toEqual({ id: 'carl', options: { forks: 3 }, isOwn: false });
    expect(found.questions.map(({ trajectories }) => trajectories[0]!.group)).toEqual([
      'inside-action-forks-0',
      'forks-0',
    ]);
    // Each edge has the credit of its rows, once.
    for (const [index, { trajectories, credit }] of found.questions.entries()) {
      const { tree, paths } = growTree(trajectories, 'none');
      const sums = tree.edges.map(() => 0);
      for (const [at, path] of paths.entries()) {
        for (const [turn, edge] of path.entries()) {
          for (const value of credit[at]![turn] ?? []) sums[edge]! += Number.isNaN(value) ? 0 : value;
        }
      }
      const expected = tree.edges.map(() => 0);
      for (const row of last().rows.filter((one) => one.tree === index)) {
        expected[row.edge]! += row.advantages.reduce(
          (sum, value, t) => sum + value * (row.weights?.[t] ?? 1),
          0,
        );
      }
      expect(expected.some((value) => value !== 0)).toBe(true);
      for (const [edge, sum] of sums.entries()) expect(sum).toBeCloseTo(expected[edge]!, 12);
    }
  });

  it('change no other file of a cell, and are not needed to read it', async () => {
    const one = await stored('with', { ...RESULT, kept });
    const other = await stored('without', RESULT);
    const at = (out: string) => cellFolder(out, cellHash(CELL));
    const names = await readdir(at(other));
    expect((await readdir(at(one))).sort()).toEqual([...names, ...Object.values(KEPT_FILES)].sort());
    for (const name of names) {
      expect(await readFile(join(at(one), name), 'utf8')).toBe(await readFile(join(at(other), name), 'utf8'));
    }
    expect(await readCell(one, CELL)).toEqual(await readCell(other, CELL));
    expect(await readKeptTrees(other, cellHash(CELL))).toBeUndefined();
  });

  it.each([
    ['cut off', (text: string) => text.slice(0, -20)],
    ['of other rollouts', (text: string) => text.replaceAll('forks-0', 'forks-1')],
    ['no JSON', () => 'x'],
    ['with a field that is not known', (text: string) => text.replaceAll('"group"', '"more":1,"group"')],
    ['short of a token', (text: string) => text.replace(/\[-?[\d.]+,/, '[')],
    ['short of a line', (text: string) => text.slice(text.indexOf('\n') + 1)],
  ])('that are damaged are none: %s', async (name, change) => {
    const out = await stored(name, { ...RESULT, kept });
    const file = join(cellFolder(out, cellHash(CELL)), KEPT_FILES.credit);
    const text = await readFile(file, 'utf8');
    expect(change(text)).not.toBe(text);
    await writeFile(file, change(text));
    expect(await readKeptTrees(out, cellHash(CELL))).toBeUndefined();
    expect((await readCell(out, CELL)).status).toBe('finished');
  });

  it('come through a queue', () => {
    expect(readResult(writeResult({ ...RESULT, kept })).kept).toEqual(kept);
    expect(readResult(writeResult(RESULT)).kept).toBeUndefined();
  });

  it('have the texts of tokens if the policy writes text', () => {
    const codec: TokenCodec = {
      encode: () => [],
      decode: (ids) => Array.from(ids, (id) => `<${id}>`).join(''),
    };
    const bare = trees.map((tree) => ({
      ...tree,
      edges: tree.edges.map(({ pieces: _, ...edge }) => edge),
    }));
    const [first] = linesOf(keptTrees(last({ trees: bare, codec }), 'carl').trajectories);
    const { turns } = trajectorySchema.parse(first);
    for (const { tokens, pieces } of turns) expect(pieces).toEqual(tokens.map((id) => `<${id}>`));
  });

  it('are whole questions, at most a megabyte', () => {
    const large = { ...trees[0]!, task: { ...trees[0]!.task, id: 'large', question: 'x'.repeat(2 ** 19) } };
    const groups = linesOf(
      keptTrees(last({ trees: [large, trees[1]!, trees[2]!] }), 'carl').trajectories,
    ).map((line) => trajectorySchema.parse(line).group);
    expect(new Set(groups)).toEqual(new Set(['forks-0']));
    const twice = linesOf(keptTrees(last({ trees: [trees[2]!, trees[2]!] }), 'carl').trajectories).map(
      (line) => trajectorySchema.parse(line).group,
    );
    expect(new Set(twice)).toEqual(new Set(['chains-0#0', 'chains-0#1']));
  });

  it('of a training that diverged are left out', () => {
    const broken = {
      ...trees[0]!,
      edges: trees[0]!.edges.map((edge) => ({ ...edge, entropies: edge.tokens.map(() => Number.NaN) })),
    };
    expect(keptTrees(last({ trees: [broken] }), 'carl')).toEqual({ trajectories: '', credit: '' });
  });
});
