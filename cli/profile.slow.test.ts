import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { spawnCreditbench } from './spawn.test-helper.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'creditbench-profile-'));
  const mine = `import { CATALOG } from 'creditbench'; export default { ...CATALOG.algorithm('carl'), id: 'mine-with-a-long-name' };`;
  await writeFile(join(folder, 'mine.ts'), mine);
});
afterAll(() => rm(folder, { recursive: true }));

describe('creditbench profile', () => {
  it('stops cleanly on Ctrl-C', async () => {
    const args = ['profile', '--algorithm', './mine.ts', '--workers', '2', '--out', 'three'];
    const stopped = spawnCreditbench(folder, args, (line, kill) => {
      // It is listening soon after it has said that it loads the file.
      if (line.startsWith('note: ')) setTimeout(() => kill('SIGINT'), 3000);
    });
    const { code, stderr } = await stopped;
    expect(code).toBe(130);
    expect(stderr).toContain('stopped: what is finished is kept');
  });
});
