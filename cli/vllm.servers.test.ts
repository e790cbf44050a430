import type { ChildProcess } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { missing, startVllm, stopServer } from '../policies/servers.test-helper.ts';
import { spawnCreditbench } from './spawn.test-helper.ts';

const reason = missing('vllm/ready');

interface Scored {
  readonly f1: { readonly value: number; readonly low: number; readonly high: number };
  readonly answers: readonly string[];
}

// Our own policy, once computed here and once exported and served: the same answers, and equal scores.
describe.skipIf(reason !== undefined)(
  `an exported checkpoint behind vLLM${reason === undefined ? '' : ` (${reason})`}`,
  () => {
    let folder: string;
    let server: ChildProcess;
    let served: readonly string[];

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'creditbench-vllm-'));
      const args = ['export', 'search-facts', '--out', 'model', '--head-size', '64'];
      const { code, stderr } = await spawnCreditbench(folder, args);
      expect(code, stderr).toBe(0);
      let url: string;
      ({ server, url } = await startVllm(join(folder, 'model'), 2048));
      served = ['--server', url, '--tokenizer', 'model'];
    }, 600_000);
    afterAll(async () => {
      await stopServer(server);
      await rm(folder, { recursive: true });
    });

    async function evaluate(...args: readonly string[]): Promise<Scored> {
      const all = ['evaluate', 'search', ...args, '--json', '--out', 'episodes.csv'];
      const { code, stdout, stderr } = await spawnCreditbench(folder, all);
      expect(code, stderr).toBe(0);
      const { scores } = JSON.parse(stdout) as { scores: { name: string; value: number }[] };
      const rows: Record<string, string>[] = parse(await readFile(join(folder, 'episodes.csv')), {
        columns: true,
      });
      const f1 = scores.find(({ name }) => name === 'f1')! as unknown as Scored['f1'];
      return { f1, answers: rows.map((row) => `${row.question} ${row.answer}`) };
    }

    it('answers as the policy does here, greedily', async () => {
      const here = await evaluate('--questions', '40', '--greedy');
      const there = await evaluate('--questions', '40', '--greedy', ...served);
      const same = here.answers.filter((answer, index) => answer === there.answers[index]);
      // Two ids may be equally likely to the last bit of float32.
      expect(same.length).toBeGreaterThanOrEqual(38);
      expect(here.f1.value).toBeGreaterThan(0.1);
    });

    it('scores the same F1, within the sampling error', async () => {
      const here = await evaluate('--questions', '150');
      const there = await evaluate('--questions', '150', '--seed', '1', ...served);
      const halves = [here, there].map(({ f1 }) => (f1.high - f1.low) / 2);
      const error = Math.hypot(...halves) / 1.96;
      expect(Math.abs(here.f1.value - there.f1.value)).toBeLessThan(3.3 * error);
      expect(here.f1.value).toBeGreaterThan(0.1);
    });
  },
);
