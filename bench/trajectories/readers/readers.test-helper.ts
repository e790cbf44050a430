import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import type { ConfiguredAlgorithm } from '../../../algorithms/configured.ts';
import { createRandom } from '../../../core/random.ts';
import { createCodec } from '../../../policies/tokenizer/load.ts';
import { creditOf, type TurnCredit } from '../credit.ts';
import { growTree } from '../grow.ts';
import type { Merge } from '../merge.ts';
import type { Trajectory } from '../trajectory.ts';
import type { PlacedTrajectory, ReadOptions, TrajectoryReader } from './reader.ts';

/** A file that a framework wrote: scripts/golden/dumps.py and formats.py. */
export const fixture = (name: string): string => join(import.meta.dirname, 'fixtures', name);

/** The tokenizer of the tiny model that the dumps are of. */
export const codec = createCodec(
  JSON.parse(
    readFileSync(join(import.meta.dirname, '../../../policies/tokenizer/golden/qwen-style.json'), 'utf8'),
  ),
);

/** Writes files into a folder that is removed in the end. */
export function temporaryFiles(): (name: string, content: Uint8Array | string) => string {
  const folder = mkdtempSync(join(tmpdir(), 'creditbench-readers-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return (name, content) => {
    const path = join(folder, name);
    writeFileSync(path, content);
    return path;
  };
}

export async function placed(
  reader: TrajectoryReader,
  path: string,
  options: ReadOptions = {},
): Promise<readonly PlacedTrajectory[]> {
  const all: PlacedTrajectory[] = [];
  for await (const one of reader.read(path, options)) all.push(one);
  return all;
}

export async function trajectories(
  reader: TrajectoryReader,
  path: string,
  options: ReadOptions = {},
): Promise<readonly Trajectory[]> {
  return (await placed(reader, path, options)).map(({ trajectory }) => trajectory);
}

/** A method's credit by trajectory and turn, in their order; all of them one batch. */
export function creditByTrajectory(
  all: readonly Trajectory[],
  algorithm: ConfiguredAlgorithm,
  merge: Merge,
): readonly (readonly TurnCredit[])[] {
  const groups = new Map<string, Trajectory[]>();
  for (const one of all) groups.set(one.group, [...(groups.get(one.group) ?? []), one]);
  const credit = creditOf(
    [...groups.values()].map((group) => growTree(group, merge)),
    algorithm,
    createRandom(1),
  );
  if ('lacks' in credit) throw new Error(credit.lacks);
  const byTrajectory = new Map<Trajectory, readonly TurnCredit[]>();
  for (const [g, group] of [...groups.values()].entries()) {
    for (const [index, one] of group.entries()) byTrajectory.set(one, credit.credits[g]![index]!);
  }
  return all.map((one) => byTrajectory.get(one)!);
}
