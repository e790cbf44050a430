import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { accessSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Debian's package redis-server. */
const PROGRAM = '/usr/bin/redis-server';

export const hasRedis = (() => {
  try {
    accessSync(PROGRAM);
    return true;
  } catch {
    return false;
  }
})();

/** A server of its own, on a free loopback port, that keeps what it is told over a stop and a start. */
export interface TestRedis {
  readonly port: number;
  /** Where what it needs lies, certificates among it. */
  readonly folder: string;
  start(): Promise<void>;
  /** Writes everything and ends. */
  stop(): Promise<void>;
  /** Stops and removes its files. */
  remove(): Promise<void>;
}

/** Starts a server with such further options. */
export async function startRedis(
  options: (folder: string, port: number) => readonly string[] = (_folder, port) => ['--port', String(port)],
): Promise<TestRedis> {
  const folder = await mkdtemp(join(tmpdir(), 'creditbench-redis-'));
  const port = await freePort();
  let server: ChildProcess | undefined;
  const start = async () => {
    const fixed = ['--bind', '127.0.0.1', '--save', '', '--appendonly', 'yes', '--dir', folder];
    const started = spawn(PROGRAM, [...fixed, ...options(folder, port)], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    server = started;
    await new Promise<void>((resolve, reject) => {
      let log = '';
      started.stdout!.setEncoding('utf8').on('data', (text: string) => {
        log += text;
        if (log.includes('Ready to accept connections')) resolve();
      });
      started.on('close', () => reject(new Error(`redis-server ended:\n${log}`)));
    });
  };
  const stop = async () => {
    const ended = server;
    server = undefined;
    if (ended === undefined) return;
    await new Promise<void>((resolve) => {
      ended.on('close', () => resolve());
      ended.kill('SIGTERM');
    });
  };
  const redis: TestRedis = {
    port,
    folder,
    start,
    stop,
    remove: async () => {
      await stop();
      await rm(folder, { recursive: true });
    },
  };
  try {
    await start();
  } catch (error) {
    await redis.remove();
    throw error;
  }
  return redis;
}

/** Writes ca.crt, and server.crt and server.key for 127.0.0.1 that it has signed. */
export function writeCertificates(folder: string): void {
  const openssl = (line: string) =>
    execFileSync('openssl', line.split(' '), { cwd: folder, stdio: 'ignore' });
  const key = '-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2';
  openssl(`req -x509 ${key} -keyout ca.key -out ca.crt -subj /CN=test`);
  openssl(
    `req -x509 ${key} -keyout server.key -out server.crt -subj /CN=server -CA ca.crt -CAkey ca.key -addext subjectAltName=IP:127.0.0.1`,
  );
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
