import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { packageInfo } from '../core/package.ts';

/** The folder that scripts/servers/install.sh made; undefined: tests that need it are skipped. */
const folder = process.env.CREDITBENCH_SERVERS;

/** Why tests with a part of that folder are skipped; undefined if they are not. With CI=1 nothing is skipped. */
export function missing(...parts: readonly string[]): string | undefined {
  const absent = parts.find((part) => folder === undefined || !existsSync(join(folder, part)));
  if (absent === undefined) return undefined;
  const reason =
    folder === undefined
      ? 'CREDITBENCH_SERVERS is not set: scripts/servers/install.sh FOLDER, then CREDITBENCH_SERVERS=FOLDER'
      : `${join(folder, absent)} is not there (scripts/servers/install.sh)`;
  if (process.env.CI !== undefined) throw new Error(reason);
  return reason;
}

/** A path in that folder. */
export const installed = (...parts: readonly string[]): string => join(folder ?? '', ...parts);

/** A script of scripts/servers. */
export const script = (name: string): string => join(packageInfo().root, 'scripts', 'servers', name);

/** A port that nothing listens on. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Starts a server and waits until it answers at a path. */
export async function startServer(
  file: string,
  args: readonly string[],
  health: string,
  variables: Readonly<Record<string, string>> = {},
): Promise<ChildProcess> {
  const child = spawn(file, args, {
    env: { ...process.env, ...variables },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (text) => {
      said = (said + String(text)).slice(-4000);
    });
  }
  for (let attempt = 0; attempt < 600; attempt++) {
    if (child.exitCode !== null) throw new Error(`${file} ended with ${child.exitCode}:\n${said}`);
    const answers = await fetch(health).then(
      ({ ok }) => ok,
      () => false,
    );
    if (answers) return child;
    await sleep(500);
  }
  child.kill('SIGKILL');
  throw new Error(`${file} does not answer at ${health}:\n${said}`);
}

/** Starts vLLM on the CPU, in float32, with a model folder. */
export async function startVllm(
  model: string,
  context: number,
): Promise<{ readonly server: ChildProcess; readonly url: string }> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const server = await startServer(
    installed('vllm', 'bin', 'vllm'),
    [
      ...['serve', model, '--dtype', 'float32', '--enforce-eager', '--max-model-len', String(context)],
      ...['--host', '127.0.0.1', '--port', String(port), '--max-num-seqs', '8'],
    ],
    `${url}/health`,
    {
      VLLM_TARGET_DEVICE: 'cpu',
      VLLM_CPU_KVCACHE_SPACE: '1',
      OMP_NUM_THREADS: '1',
      VLLM_CPU_OMP_THREADS_BIND: 'nobind',
    },
  );
  return { server, url };
}

/** Stops a server and waits until it has ended. */
export async function stopServer(server: ChildProcess | undefined): Promise<void> {
  if (server === undefined || server.exitCode !== null) return;
  server.kill('SIGINT');
  await new Promise((resolve) => server.on('close', resolve));
}

/** Runs a program with the interpreter that has transformers and PyTorch: JSON in, JSON out. */
export function python(code: string, args: readonly string[], input: unknown): unknown {
  const text = execFileSync(installed('skyrl', 'bin', 'python'), ['-c', code, ...args], {
    input: JSON.stringify(input),
    encoding: 'utf8',
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  return JSON.parse(text);
}

/** What transformers says, in float32 on the weights of a folder, of every id after the first, given those before it. */
export const transformersLogProbs = (
  folder: string,
  texts: readonly (readonly number[])[],
): readonly (readonly number[])[] => python(LOG_PROBS, [folder], texts) as readonly (readonly number[])[];

const LOG_PROBS = `
import json, sys, torch
from transformers import AutoModelForCausalLM
torch.set_num_threads(1)
model = AutoModelForCausalLM.from_pretrained(sys.argv[1], dtype=torch.float32).eval()
out = []
with torch.no_grad():
    for ids in json.load(sys.stdin):
        scores = model(torch.tensor([ids])).logits[0, :-1].double().log_softmax(-1)
        out.append(scores.gather(-1, torch.tensor(ids[1:])[:, None])[:, 0].tolist())
print(json.dumps(out))
`;
