import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { AnyAlgorithm } from '../../../algorithms/algorithm.ts';
import { carl } from '../../../algorithms/carl/index.ts';
import { configured } from '../../../algorithms/configured.ts';
import { grpo } from '../../../algorithms/grpo/index.ts';
import { randomCredit } from '../../../algorithms/random-credit/index.ts';
import { reinforcePp } from '../../../algorithms/reinforce-pp/index.ts';
import { taoRl } from '../../../algorithms/tao-rl/index.ts';
import { createRandom, shuffled } from '../../../core/random.ts';
import { creditOf } from '../credit.ts';
import { growTree } from '../grow.ts';
import { trajectoryOf, turnOf } from '../made-up.test-helper.ts';
import type { Trajectory } from '../trajectory.ts';
import { creditFile, type FileCreditRequest } from './file-credit.ts';
import { heldBytes } from './file-plan.ts';
import type { CreditedTrajectory } from './row.ts';

const folder = mkdtempSync(join(tmpdir(), 'creditbench-file-credit-'));
afterAll(() => rmSync(folder, { recursive: true }));

const METHODS = [grpo, carl, taoRl, reinforcePp, randomCredit].map((algorithm) => ({
  name: algorithm.id,
  algorithm: configured(algorithm as AnyAlgorithm),
}));

/** Groups of four rollouts; two of them share their first turn. */
function groups(count: number, more: (group: number) => Partial<Trajectory> = () => ({})): Trajectory[] {
  const random = createRandom(5);
  const turn = (tokens: readonly number[]) =>
    turnOf(tokens, { entropies: tokens.map(() => random.uniform()), observation: { tokens: [1] } });
  return Array.from({ length: count }, (_, group) =>
    Array.from({ length: 4 }, (_, member) =>
      trajectoryOf(
        `${member}`,
        [turn(member < 2 ? [9, 8] : [member]), turn([member, 5, 6])],
        Math.round(random.uniform() * 4),
        { group: `q${group}`, ...more(group) },
      ),
    ),
  ).flat();
}

const reading = (trajectories: readonly Trajectory[]): Pick<FileCreditRequest, 'name' | 'read'> => ({
  name: 'rollouts.jsonl',
  read: async function* () {
    for (const [index, trajectory] of trajectories.entries()) yield { trajectory, at: `line ${index + 1}` };
  },
});

async function credited(trajectories: readonly Trajectory[], more: Partial<FileCreditRequest> = {}) {
  const rows: CreditedTrajectory[] = [];
  const spool = join(folder, 'spool');
  const summary = await creditFile({
    ...{ ...reading(trajectories), methods: METHODS, merge: 'turns', random: createRandom(3) },
    rows: { spool, sink: { write: (row) => void rows.push(row) } },
    ...more,
  });
  expect(existsSync(spool)).toBe(false);
  return { rows, summary };
}

/** What a method says of groups that are normalised together, without any file. */
function expected(batch: readonly (readonly Trajectory[])[], method: string, place: number) {
  const { algorithm } = METHODS.find(({ name }) => name === method)!;
  const said = creditOf(
    batch.map((group) => growTree(group, 'turns')),
    algorithm,
    createRandom(3).split('batch', place),
  );
  if ('lacks' in said) throw new Error(said.lacks);
  return said.credits.flatMap((group, index) =>
    group.map((turns, member) => [`${batch[index]![0]!.group}/${batch[index]![member]!.id}`, turns] as const),
  );
}

const byGroup = (trajectories: readonly Trajectory[]): Trajectory[][] =>
  [...new Set(trajectories.map(({ group }) => group))].map((name) =>
    trajectories.filter(({ group }) => group === name),
  );

describe('the credit of a file', () => {
  it.each([
    ['as sampled', (all: Trajectory[]) => all],
    ['with the groups mixed', (all: Trajectory[]) => shuffled(all, createRandom(11))],
    ['backwards', (all: Trajectory[]) => all.toReversed()],
  ])('is that of its groups and batches, in the order of its lines, %s', async (_, order) => {
    const all = order(groups(7));
    const { rows, summary } = await credited(all, { questions: 3 });
    expect(rows.map(({ group, id }) => `${group}/${id}`)).toEqual(
      all.map(({ group, id }) => `${group}/${id}`),
    );
    const own = byGroup(all);
    for (const { name } of METHODS) {
      const whole = new Map(
        [own.slice(0, 3), own.slice(3, 6), own.slice(6)].flatMap((batch, place) =>
          expected(batch, name, place),
        ),
      );
      for (const { group, id, credits } of rows) expect(credits[name]).toEqual(whole.get(`${group}/${id}`));
    }
    expect(summary).toMatchObject({
      trajectories: 28,
      groups: 7,
      batches: 3,
      sharing: 14,
      hasBatches: false,
    });
  });

  it('is normalised by the batches that the file names, whatever else is asked for; the same group may be in two', async () => {
    const all = [...groups(2, () => ({ batch: 0 })), ...groups(3, () => ({ batch: 'last' }))];
    const { rows, summary } = await credited(all, { questions: 1 });
    expect(summary).toMatchObject({ groups: 5, batches: 2, hasBatches: true });
    const batches = [byGroup(all.slice(0, 8)), byGroup(all.slice(8))];
    for (const { name } of METHODS) {
      const whole = batches.flatMap((batch, place) => expected(batch, name, place).map(([, turns]) => turns));
      expect(rows.map(({ credits }) => credits[name])).toEqual(whole);
    }
  });

  it('has nothing of a method in batches that lack what it needs, and says so', async () => {
    const all = groups(3);
    const without = all.map((one, index) =>
      index < 4 ? { ...one, turns: one.turns.map(({ entropies: _, ...turn }) => turn) } : one,
    );
    const { rows, summary } = await credited(without, { questions: 1 });
    expect(rows.map(({ credits }) => 'tao-rl' in credits)).toEqual(all.map((_, index) => index >= 4));
    const tao = summary.methods.find(({ method }) => method === 'tao-rl')!;
    expect(tao).toMatchObject({
      batches: 2,
      groups: 2,
      lacks: [
        { batches: 1, fields: 'entropies of the distributions that the tokens were drawn from (entropies)' },
      ],
    });
  });

  it('needs no rows', async () => {
    const { rows: _, ...request } = { rows: 0, ...reading(groups(2)) };
    const summary = await creditFile({
      ...request,
      methods: METHODS,
      merge: 'turns',
      random: createRandom(3),
    });
    expect(summary.trajectories).toBe(8);
  });
});

describe('what is refused', () => {
  const size = heldBytes(groups(1)[0]!);

  it('groups so far apart that more than there is room for would be held, with both places', async () => {
    const all = groups(10);
    const apart = [all[0]!, ...all.slice(4), ...all.slice(1, 4)];
    await credited(apart, { questions: 1, hold: 45 * size });
    await expect(credited(apart, { questions: 1, hold: 4.5 * size })).rejects.toThrow(
      "rollouts.jsonl: more of it would have to be in memory at once than there is room for: group 'q0' has 4 trajectories, from line 1 to line 40, and is held until it is complete; valid: at most ",
    );
    // Sorted, a tenth of it is enough.
    await credited(all, { questions: 1, hold: 4.5 * size });
  });

  it('batches that are too large', async () => {
    await expect(credited(groups(10), { questions: 5, hold: 6 * size })).rejects.toThrow(
      'the 5 groups from line 1 to line 20 are normalised together; valid: at most 0 MiB (--hold), or fewer --questions',
    );
    const named = groups(10, () => ({ batch: 'b' }));
    await expect(credited(named, { hold: 6 * size })).rejects.toThrow(
      "batch 'b' goes from line 1 to line 40, and is held until it is complete",
    );
  });

  it.each<[string, Trajectory[], string]>([
    ['nothing', [], 'rollouts.jsonl: no trajectories; valid: one at least'],
    [
      'batches of some',
      [...groups(1), ...groups(1, () => ({ group: 'x', batch: 1 }))],
      'rollouts.jsonl: line 5 has a batch, and line 1 has none; valid: all trajectories or none',
    ],
    [
      'an id that comes twice',
      [...groups(1), groups(1)[1]!],
      "rollouts.jsonl, line 1 to line 5: group 'q0': two trajectories have the id '1'",
    ],
    [
      'a fork of nothing',
      groups(1).map((one) => ({ ...one, fork: { of: 'x', turn: 1 } })),
      "rollouts.jsonl, line 1 to line 4: group 'q0': trajectory '0' forks from 'x', which is not there",
    ],
  ])('%s', async (_, trajectories, message) => {
    await expect(credited(trajectories)).rejects.toThrow(message);
  });

  it('a file that is not the same when it is read again', async () => {
    for (const second of [groups(3).slice(0, 11), [...groups(3), ...groups(1)], groups(3).toReversed()]) {
      let times = 0;
      const read = () => reading(times++ === 0 ? groups(3) : second).read();
      await expect(credited(groups(3), { read, questions: 1 })).rejects.toThrow(
        'it changed while it was read',
      );
    }
  });

  it('what comes after a signal', async () => {
    const controller = new AbortController();
    let done = 0;
    const stopped = credited(groups(20), {
      questions: 1,
      signal: controller.signal,
      onProgress: (stage, trajectories) => {
        if (stage === 'crediting' && trajectories === 8) controller.abort(new Error('stop'));
        done = trajectories;
      },
    });
    await expect(stopped).rejects.toThrow('stop');
    expect(done).toBe(8);
    expect(existsSync(join(folder, 'spool'))).toBe(false);
  });
});
