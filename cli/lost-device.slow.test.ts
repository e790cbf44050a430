import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { packageInfo } from '../core/package.ts';
import {
  hasSoftwareVulkan,
  requireSoftwareVulkanInCi,
  SOFTWARE_VULKAN,
} from '../policies/tensor/webgpu/software-vulkan.test-helper.ts';
import { spawnCreditbench } from './spawn.test-helper.ts';

const folder = mkdtempSync(join(tmpdir(), 'creditbench-lost-device-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Milliseconds: the software driver takes a minute for all of it, and several where others compute beside it. */
const SLOW = 900_000;

const SUITE = {
  name: 'lost',
  environments: ['multihop'],
  policy: 'transformer',
  algorithms: [
    { id: 'grpo', options: { groupSize: 2 } },
    { id: 'carl-lite', options: { forks: 2 } },
    { id: 'rloo', options: { groupSize: 2 } },
  ],
  seeds: 1,
  training: { iterations: 1, questions: 1, evaluateEvery: 1, evaluationQuestions: 1, evaluationEpisodes: 1 },
  warmStart: { steps: 1, episodes: 1 },
};

/** Loaded into every process of the run: where the file `now` appears, the GPU goes away. */
const LOSER = `
import { rmSync } from 'node:fs';
import { createRequire } from 'node:module';
const tf = createRequire(process.env.LOSE_ROOT)('@tensorflow/tfjs');
setInterval(() => {
  if (tf.getBackend() !== 'webgpu') return;
  try {
    rmSync(process.env.LOSE_DEVICE);
  } catch {
    return;
  }
  tf.backend().device.destroy();
}, 20).unref();
`;

requireSoftwareVulkanInCi('a run that loses its GPU');

it.skipIf(!hasSoftwareVulkan)(
  'a GPU that is lost in a run costs the cell that was on it, and says so',
  async () => {
    const now = join(folder, 'now');
    writeFileSync(join(folder, 'suite.json'), JSON.stringify(SUITE));
    writeFileSync(join(folder, 'loser.mjs'), LOSER);
    const command = ['run', 'suite.json', '--backend', 'webgpu', '--workers', '1', '--out', 'out'];
    const lose = (line: string): void => {
      if (line.includes('start') && line.includes('carl-lite')) writeFileSync(now, '');
    };
    const { code, stderr } = await spawnCreditbench(folder, command, lose, {
      ...SOFTWARE_VULKAN,
      LOSE_DEVICE: now,
      LOSE_ROOT: join(packageInfo().root, 'package.json'),
      NODE_OPTIONS: `--import=${join(folder, 'loser.mjs')}`,
    });
    expect(stderr).toContain('FAILED  multihop/v1 carl-lite seed 0: backend: webgpu: the device was lost: ');
    expect(code).toBe(1);
    const states = async (): Promise<readonly string[]> => {
      const { stdout } = await spawnCreditbench(folder, ['status', 'out', '--json']);
      return (JSON.parse(stdout) as { cells: { status: string }[] }).cells.map(({ status }) => status);
    };
    expect(await states()).toEqual(['finished', 'failed', 'finished']);
    // The cell is not to blame: the same command goes on with it.
    const again = await spawnCreditbench(folder, command, undefined, SOFTWARE_VULKAN);
    expect(again.code).toBe(0);
    expect(await states()).toEqual(['finished', 'finished', 'finished']);
  },
  SLOW,
);
