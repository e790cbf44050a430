import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { RolloutTree } from '../../algorithms/tree.ts';
import { readBoundedText } from '../../core/bounded-file.ts';
import { groupBy } from '../../core/group-by.ts';
import { tokenPieces } from '../../policies/tokenizer/pieces.ts';
import type { KeptTrees, LastTrees } from '../cell.ts';
import { handedOut, type TurnCredit } from '../trajectories/credit.ts';
import { creditRecord, creditRecordSchema, readCreditRecord } from '../trajectories/credit-record.ts';
import { trajectoriesOf } from '../trajectories/from-trees.ts';
import { growTree } from '../trajectories/grow.ts';
import { type Trajectory, trajectoryProblem, trajectorySchema } from '../trajectories/trajectory.ts';
import { cellFolder, KEPT_FILES } from './storage.ts';

/** Questions of which a cell keeps the rollouts: the first so many of its last iteration. */
const MOST_QUESTIONS = 2;
/** Characters of the trajectories that a cell keeps. A question that would make it more is left out. */
const MOST_CHARACTERS = 2 ** 20;
/** Bytes of a file of a cell that is read: characters may have three, and numbers of credit come with them. */
const MOST_BYTES = 16 * 2 ** 20;

/** The rollouts of one question, and what the cell's own algorithm said of them in training. */
export interface KeptQuestion {
  readonly trajectories: readonly Trajectory[];
  /** By trajectory and turn. */
  readonly credit: readonly (readonly TurnCredit[])[];
}

/**
 * What a cell keeps of its last iteration: trajectories in our own format and what its training gave them, line by line.
 * Deterministic. Trees with numbers that JSON does not have (a training that diverged) are left out.
 * @param name of the algorithm in the credit.
 */
export function keptTrees({ trees, rows, codec }: LastTrees, name: string): KeptTrees {
  const kept = { trajectories: '', credit: '' };
  for (const [index, tree] of trees.slice(0, MOST_QUESTIONS).entries()) {
    const trajectories = trajectoriesOf(withPieces(tree, codec), groupName(trees, index));
    const lines = trajectories.map((trajectory) => JSON.stringify(trajectory));
    const isWritable = lines.every((line) => trajectorySchema.safeParse(JSON.parse(line)).success);
    const text = lines.map((line) => `${line}\n`).join('');
    if (!isWritable || kept.trajectories.length + text.length > MOST_CHARACTERS) continue;
    const credit = handedOut(
      growTree(trajectories, 'none'),
      rows.filter((row) => row.tree === index),
    );
    kept.trajectories += text;
    kept.credit += trajectories
      .map((trajectory, at) => `${JSON.stringify(creditRecord(trajectory, { [name]: credit[at]! }))}\n`)
      .join('');
  }
  return kept;
}

/** The id of a question; with its place, if the iteration had it twice. */
function groupName(trees: readonly RolloutTree[], index: number): string {
  const { id } = trees[index]!.task;
  const isOnly = id !== '' && trees.every(({ task }, other) => other === index || task.id !== id);
  return isOnly ? id.slice(0, 1000) : `${id.slice(0, 900)}#${index}`;
}

/** With what each token adds to the text, if the policy writes text. */
function withPieces(tree: RolloutTree, codec: LastTrees['codec']): RolloutTree {
  if (codec === undefined) return tree;
  const edges = tree.edges.map((edge) => ({
    ...edge,
    pieces: edge.pieces ?? tokenPieces(edge.tokens, codec),
  }));
  return { ...tree, edges };
}

const cellSchema = z.object({
  algorithm: z.object({
    id: z.string(),
    options: z.record(z.string(), z.unknown()),
    code: z.unknown().exactOptional(),
  }),
});

/** What a cell that has kept trees says of them. */
export interface KeptCell {
  readonly questions: readonly KeptQuestion[];
  /** Its algorithm, options complete; `isOwn` if it is code of a user's own. */
  readonly algorithm: {
    readonly id: string;
    readonly options: Readonly<Record<string, unknown>>;
    readonly isOwn: boolean;
  };
}

/**
 * The trees that a finished cell has kept; undefined if it has kept none, or they cannot be read: they are for looking at,
 * and no number depends on them.
 * @param hash of the cell, or its first 16 digits.
 */
export async function readKeptTrees(out: string, hash: string): Promise<KeptCell | undefined> {
  const folder = cellFolder(out, hash);
  if (!existsSync(join(folder, KEPT_FILES.trajectories))) return undefined;
  try {
    const { algorithm } = cellSchema.parse(JSON.parse(await readBoundedText(join(folder, 'cell.json'))));
    const trajectories = (await linesOf(folder, KEPT_FILES.trajectories)).map((line) =>
      trajectorySchema.parse(line),
    );
    const credits = (await linesOf(folder, KEPT_FILES.credit)).map((line) => creditRecordSchema.parse(line));
    const pairs = trajectories.map((trajectory, at) => {
      const record = credits[at];
      const credit = record && Object.values(readCreditRecord(record))[0];
      const isWhole =
        trajectoryProblem(trajectory) === undefined &&
        record?.group === trajectory.group &&
        record.id === trajectory.id &&
        credit?.length === trajectory.turns.length &&
        credit.every((turn, t) => turn === undefined || turn.length === trajectory.turns[t]!.tokens.length);
      if (!isWhole) throw new Error(`line ${at + 1}: the two files do not fit together`);
      return { trajectory, credit };
    });
    const questions = [...groupBy(pairs, ({ trajectory }) => trajectory.group).values()].map((group) => ({
      trajectories: group.map(({ trajectory }) => trajectory),
      credit: group.map(({ credit }) => credit),
    }));
    // What is no tree is met here, and not where it is drawn.
    for (const { trajectories: own } of questions) growTree(own, 'none');
    const { id, options, code } = algorithm;
    return { questions, algorithm: { id, options, isOwn: code !== undefined } };
  } catch {
    return undefined;
  }
}

async function linesOf(folder: string, file: string): Promise<readonly unknown[]> {
  const text = await readBoundedText(join(folder, file), MOST_BYTES);
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as unknown);
}
