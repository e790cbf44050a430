import type { ChildProcess } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort, installed, missing, script, startServer } from '../policies/servers.test-helper.ts';
import { spawnCreditbench } from './spawn.test-helper.ts';

const reason = missing('llama/ready', 'gguf/smollm2.gguf', 'models/ready');

// Its answers are poor: a model of this size cannot do the task. That everything works is what counts here.
describe.skipIf(reason !== undefined)(
  `commands with llama.cpp${reason === undefined ? '' : ` (${reason})`}`,
  () => {
    let folder: string;
    let server: ChildProcess;
    let options: readonly string[];

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'creditbench-llama-'));
      const port = await freePort();
      const args = [script('llama_server.py'), installed('gguf', 'smollm2.gguf'), String(port), '2', '1'];
      const url = `http://127.0.0.1:${port}`;
      server = await startServer(installed('llama', 'bin', 'python'), args, `${url}/health`);
      options = [
        ...['--server', url, '--tokenizer', installed('models', 'smollm2')],
        ...['maxTurns=1', 'maxActionTokens=8'].flatMap((one) => [
          '--set',
          `environments.search.options.${one}`,
        ]),
      ];
    });
    afterAll(async () => {
      server?.kill('SIGKILL');
      await rm(folder, { recursive: true });
    });

    it('rollout', async () => {
      const { code, stdout } = await spawnCreditbench(folder, ['rollout', 'search', ...options, '--json']);
      expect(code).toBe(0);
      expect((JSON.parse(stdout) as { turns: object[] }).turns.length).toBe(2);
    });

    it('evaluate on 20 questions', async () => {
      const { code, stdout, stderr } = await spawnCreditbench(folder, [
        ...['evaluate', 'search', ...options, '--questions', '20', '--json', '--out', 'episodes.csv'],
      ]);
      expect({ code, stderr }).toMatchObject({ code: 0 });
      const { scores } = JSON.parse(stdout) as { scores: { name: string; value: number; n: number }[] };
      const f1 = scores.find(({ name }) => name === 'f1')!;
      expect(f1.n).toBe(20);
      expect(f1.value).toBeLessThan(0.2);
      expect((await readFile(join(folder, 'episodes.csv'), 'utf8')).trim().split('\n').length).toBe(21);
    });

    it('criticality on 10 questions', async () => {
      const { code, stdout } = await spawnCreditbench(folder, [
        ...['criticality', ...options, '--questions', '10', '--samples', '2', '--out', 'crit', '--json'],
      ]);
      expect(code).toBe(0);
      const { tables } = JSON.parse(stdout) as { tables: { groups: { states: number }[] } };
      expect(tables.groups[0]!.states).toBeGreaterThanOrEqual(10);
    });

    it('credit-quality of two methods, and of one more that goes on from them', async () => {
      const small = [
        '--questions',
        '2',
        '--rollouts',
        '2',
        '--budget',
        '16',
        '--truth',
        '2',
        '--actions',
        '2',
      ];
      const measure = (algorithms: string) =>
        spawnCreditbench(folder, [
          ...['credit-quality', 'search', ...options, '--algorithm', algorithms, ...small],
          ...['--out', 'quality', '--json'],
        ]);
      const { code, stderr } = await measure('grpo,carl');
      expect(code, stderr).toBe(0);
      const { stdout } = await measure('grpo,carl,rloo,ppo');
      const { methods, skipped } = JSON.parse(stdout) as Record<
        string,
        { algorithm: string; name: string }[]
      >;
      expect(methods!.map(({ algorithm }) => algorithm)).toEqual(['grpo', 'carl', 'rloo']);
      expect(skipped!.map(({ name }) => name)).toEqual(['ppo']);
    });
  },
);
