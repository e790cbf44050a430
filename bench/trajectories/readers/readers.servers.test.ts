import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { configured } from '../../../algorithms/configured.ts';
import { grpo } from '../../../algorithms/grpo/index.ts';
import { packageInfo } from '../../../core/package.ts';
import { parquetRows } from '../../../envs/data/files/parquet.ts';
import { installed, missing } from '../../../policies/servers.test-helper.ts';
import { trajectoryProblem, trajectorySchema } from '../trajectory.ts';
import { codec, creditByTrajectory, fixture, trajectories } from './readers.test-helper.ts';
import { trl } from './trl.ts';
import { verifiers } from './verifiers/read.ts';
import { writeVerifiers } from './verifiers/write.ts';
import { verl } from './verl.ts';

const folder = mkdtempSync(join(tmpdir(), 'creditbench-dumps-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Has a script of scripts/golden make its files anew, with an installed environment. */
function make(environment: string, script: string, ...args: readonly string[]): string {
  return execFileSync(
    installed(environment, 'bin', 'python'),
    [join(packageInfo().root, 'scripts', 'golden', script), ...args],
    {
      encoding: 'utf8',
      env: { ...process.env, CUDA_VISIBLE_DEVICES: '', HF_HUB_OFFLINE: '1' },
      stdio: ['ignore', 'pipe', 'ignore'],
    },
  );
}

const reason = missing('peers');

describe.skipIf(reason !== undefined)('dumps that verl and TRL make now', () => {
  it("of verl's trainer and of a DataProto give verl's GRPO", async () => {
    make('peers', 'dumps.py', 'verl', folder);
    const expected = JSON.parse(readFileSync(join(folder, 'verl-grpo.json'), 'utf8'));
    const read = await trajectories(verl, join(folder, 'verl.jsonl'), { codec });
    expect(read).toHaveLength(12);
    const credits = creditByTrajectory(read, configured(grpo, {}), 'turns');
    for (const [row, [credit]] of credits.entries()) {
      for (const value of credit!) expect(value).toBeCloseTo(expected['verl.jsonl'][row][0], 5);
    }
    const lines = readFileSync(join(folder, 'verl-turns.jsonl'), 'utf8').trim().split('\n');
    const turns = lines.map((line) => trajectorySchema.parse(JSON.parse(line)));
    for (const one of turns) expect(trajectoryProblem(one)).toBeUndefined();
    for (const [row, one] of creditByTrajectory(turns, configured(grpo, {}), 'none').entries()) {
      // Where the mask is 0, verl has 0; everything else is the trajectory's.
      for (const value of one.flatMap((turn) => [...turn!])) {
        expect(value).toBeCloseTo(expected['verl-turns.jsonl'][row][0], 5);
      }
    }
  });

  it('of TRL give its advantages', async () => {
    make('peers', 'dumps.py', 'trl', folder);
    const path = join(folder, 'trl.parquet');
    const read = await trajectories(trl, path, { codec, rewards: { share_of_letters: 1, short: 0.5 } });
    const credits = creditByTrajectory(read, configured(grpo, { epsilon: 1e-4 }), 'turns');
    let index = 0;
    for await (const { value } of parquetRows(path, ['advantage'])) {
      const { advantage } = value as { advantage: number };
      for (const own of credits[index++]![0]!) expect(Math.abs(own - advantage)).toBeLessThan(2e-5);
    }
    expect(index).toBe(8);
  });

  it('have the same fields as those that are kept', () => {
    const keysOf = (path: string) => Object.keys(JSON.parse(readFileSync(path, 'utf8').split('\n')[0]!));
    for (const name of ['verl.jsonl', 'verl-dataproto.jsonl', 'verl-turns.jsonl']) {
      expect(keysOf(join(folder, name))).toEqual(keysOf(fixture(name)));
    }
  });
});

const without = missing('verifiers');

describe.skipIf(without !== undefined)('traces that verifiers makes now', () => {
  it('are read, and verifiers reads the advantages that are written into them', async () => {
    const made = join(folder, 'verifiers');
    make('verifiers', 'formats.py', 'verifiers', made);
    expect(readdirSync(made).sort()).toEqual([
      'verifiers-texts.jsonl',
      'verifiers-traces.jsonl',
      'verifiers.jsonl',
    ]);
    for (const name of ['verifiers.jsonl', 'verifiers-traces.jsonl']) {
      const path = join(made, name);
      const read = await trajectories(verifiers, path);
      expect(read).toEqual(await trajectories(verifiers, fixture(name)));
      const rows = read.map(({ group, id, turns }, index) => ({
        group,
        id,
        advantages: turns.map(({ tokens }, turn) => tokens.map((_, t) => index + turn / 4 + t / 64)),
      }));
      const lines: string[] = [];
      for await (const line of writeVerifiers(path, rows)) lines.push(line);
      const out = join(made, 'written.jsonl');
      writeFileSync(out, `${lines.join('\n')}\n`);
      const before = JSON.parse(make('verifiers', 'formats.py', 'read-verifiers', path));
      const after = JSON.parse(make('verifiers', 'formats.py', 'read-verifiers', out));
      // Nothing but the advantages has changed.
      const bare = (traces: { branches: object[] }[]) =>
        traces.map((trace) => ({
          ...trace,
          branches: trace.branches.map((branch) => ({ ...branch, advantages: undefined })),
        }));
      expect(bare(after)).toEqual(bare(before));
      let index = 0;
      for (const { branches } of after) {
        for (const { ids, mask, advantages } of branches) {
          // What verifiers lays out over a branch: the mean of three branches in the turn that they share.
          const shared = branches.length === 1 ? index : 1;
          const own = read[index]!.turns.map(({ tokens }, turn) =>
            tokens.map((_, t) => (turn === 0 ? shared : index + turn / 4) + t / 64),
          );
          expect(advantages.filter((_: number, at: number) => mask[at])).toEqual(own.flat());
          expect(
            advantages.filter((_: number, at: number) => !mask[at]).every((one: number) => one === 0),
          ).toBe(true);
          expect(ids.filter((_: number, at: number) => mask[at])).toEqual(
            read[index]!.turns.flatMap(({ tokens }) => tokens),
          );
          index++;
        }
      }
      expect(index).toBe(4);
    }
  });
});
