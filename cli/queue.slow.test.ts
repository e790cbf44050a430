import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasRedis, startRedis, writeCertificates } from '../bench/runs/queue/redis.test-helper.ts';
import { packageInfo } from '../core/package.ts';
import { spawnCreditbench } from './spawn.test-helper.ts';

const MAIN = join(packageInfo().root, 'dist', 'cli', 'main.js');

/** A command under way. */
interface Running {
  readonly process: ChildProcess;
  output: string;
  /** Resolves when stderr has so many matches. */
  says(pattern: RegExp, times?: number): Promise<void>;
  readonly ended: Promise<number | null>;
}

let folder: string;
const started: Running[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'creditbench-queue-cli-'));
});
afterAll(async () => {
  for (const { process, ended } of started) {
    process.kill('SIGKILL');
    await ended;
  }
  await rm(folder, { recursive: true });
});

function start(args: readonly string[], variables: Record<string, string> = {}): Running {
  const child = spawn(process.execPath, [MAIN, ...args], {
    cwd: folder,
    env: { ...process.env, ...variables },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const waiting = new Set<() => void>();
  const running: Running = {
    process: child,
    output: '',
    says: (pattern, times = 1) =>
      new Promise((resolve, reject) => {
        const look = () => {
          if ((running.output.match(new RegExp(pattern, 'g')) ?? []).length < times) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
        child.on('close', () => reject(new Error(`ended without ${pattern}:\n${running.output}`)));
      }),
    ended: new Promise((resolve) => child.on('close', resolve)),
  };
  for (const stream of [child.stdout!, child.stderr!]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      running.output += text;
      for (const look of waiting) look();
    });
  }
  started.push(running);
  return running;
}

const PASSWORD = 'se:c@ret/';
const withPassword = (folder: string, port: number) => [
  '--port',
  String(port),
  '--requirepass',
  PASSWORD,
  '--dir',
  folder,
];

/** Twelve real cells that take seconds. */
const TWELVE = [
  ...['run', 'tiny', '--seeds', '3', '--set', 'environments=[multihop]'],
  ...['--set', 'training.iterations=2', '--set', 'training.evaluationQuestions=2'],
];

/** Every file of the run that must not depend on where it was computed. */
async function contents(out: string): Promise<Record<string, string>> {
  const root = join(folder, out);
  const found = await readdir(root, { recursive: true, withFileTypes: true });
  const files = found
    .map(({ parentPath, name }) => join(parentPath, name).slice(root.length + 1))
    .filter((name) => /\.(csv|json|md|tex)$/.test(name) && !name.endsWith('timings.csv'))
    .sort();
  return Object.fromEntries(
    await Promise.all(files.map(async (file) => [file, await readFile(join(root, file), 'utf8')])),
  );
}

describe.skipIf(!hasRedis)('run --queue and worker', () => {
  it('finish a suite to the bytes of a local run, whatever is killed or restarted on the way', async () => {
    const redis = await startRedis(withPassword);
    try {
      const address = `redis://:${encodeURIComponent(PASSWORD)}@127.0.0.1:${redis.port}/1`;
      const worker = (cache: string) =>
        start(['worker', '--queue', address, '--concurrency', '1', '--cache', cache, '--lost-after', '2']);
      const run = [...TWELVE, '--queue', address, '--out', 'far', '--cache', 'none'];
      const [first, second] = [worker('first'), worker('second')];
      await Promise.all([first.says(/waiting for one/), second.says(/waiting for one/)]);
      const coordinator = start(run);
      // A worker is killed while it computes.
      await coordinator.says(/\] done/, 2);
      await first.says(/start/, 2);
      first.process.kill('SIGKILL');
      const third = worker('first');
      // The server is stopped for longer than a worker may be silent, and started again.
      await coordinator.says(/\] done/, 4);
      await redis.stop();
      await second.says(/lost the connection/);
      await new Promise((resolve) => setTimeout(resolve, 2500));
      await redis.start();
      // The coordinator is killed; results come while it is not there; it is started again.
      await coordinator.says(/\] done/, 6);
      coordinator.process.kill('SIGKILL');
      await coordinator.ended;
      const before = second.output.match(/ done /g)?.length ?? 0;
      await second.says(/ done /, before + 1);
      const again = start(run);
      expect(await again.ended, again.output).toBe(0);
      expect(again.output).toMatch(/skip {4}multihop/);
      for (const one of [second, third]) {
        one.process.kill('SIGTERM');
        expect(await one.ended, one.output).toBe(0);
      }
      // Every cell is stored once, by one of the two coordinators.
      const stored = [coordinator.output, again.output].flatMap(
        (text) => text.match(/\] done {4}\S+ \S+ seed \d+/g) ?? [],
      );
      const skipped = again.output.match(/skip {4}/g)?.length ?? 0;
      expect(skipped + (again.output.match(/\] done /g)?.length ?? 0)).toBe(12);
      expect(new Set(stored).size).toBe(12);
      // Nobody has said the password, and the command line does not show it to others.
      for (const { output } of started) {
        expect(output).not.toContain(PASSWORD);
        expect(output).not.toContain(encodeURIComponent(PASSWORD));
      }
      const local = await spawnCreditbench(folder, [...TWELVE, '--out', 'near', '--cache', 'near-cache']);
      expect(local.code).toBe(0);
      const [far, near] = [await contents('far'), await contents('near')];
      expect(Object.keys(far).filter((name) => name.endsWith('done.json'))).toHaveLength(12);
      expect(far).toEqual(near);
      expect(JSON.stringify(far)).not.toContain(encodeURIComponent(PASSWORD));
    } finally {
      await redis.remove();
    }
  });

  it('speak TLS, with a certificate authority of their own', async () => {
    const redis = await startRedis((folder, port) => {
      writeCertificates(folder);
      const file = (name: string) => join(folder, name);
      return [
        ...['--port', '0', '--tls-port', String(port), '--tls-auth-clients', 'no', '--requirepass', PASSWORD],
        ...['--tls-cert-file', file('server.crt'), '--tls-key-file', file('server.key')],
        ...['--tls-ca-cert-file', file('ca.crt'), '--maxmemory-policy', 'allkeys-lru'],
      ];
    });
    try {
      const address = `rediss://default:${encodeURIComponent(PASSWORD)}@127.0.0.1:${redis.port}`;
      const args = ['worker', '--concurrency', '1', '--cache', 'tls'];
      const trusting = { NODE_EXTRA_CA_CERTS: join(redis.folder, 'ca.crt'), CREDITBENCH_QUEUE: address };
      const distrusting = await spawnCreditbench(folder, [...args, '--queue', address]);
      expect(distrusting).toMatchObject({ code: 2, stdout: '' });
      expect(distrusting.stderr).toMatch(/--queue: rediss:\/\/\*\*\*@127.*cannot be used \(.*certificate/);
      const plain = await spawnCreditbench(folder, [...args, '--queue', address.replace('rediss', 'redis')]);
      expect(plain).toMatchObject({ code: 2, stdout: '' });
      const wrong = await spawnCreditbench(folder, args, undefined, {
        ...trusting,
        CREDITBENCH_QUEUE: address.replace('ret', 'RET'),
      });
      expect(wrong).toMatchObject({ code: 2, stdout: '' });
      expect(wrong.stderr).toContain('WRONGPASS');
      const worker = start(args, trusting);
      await worker.says(/waiting for one/);
      expect(worker.output).toContain('maxmemory-policy allkeys-lru');
      const one = [
        ...TWELVE,
        '--seeds',
        '1',
        '--set',
        'algorithms=[rloo]',
        '--out',
        'tls',
        '--cache',
        'none',
      ];
      const run = await spawnCreditbench(folder, one, undefined, trusting);
      expect(run.code, run.stderr).toBe(0);
      worker.process.kill('SIGINT');
      expect(await worker.ended).toBe(0);
      for (const text of [distrusting.stderr, plain.stderr, wrong.stderr, worker.output, run.stderr]) {
        expect(text).not.toMatch(/se(:|%3A)c(@|%40)/i);
      }
    } finally {
      await redis.remove();
    }
  });
});
