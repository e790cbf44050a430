import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort, installed, script } from '../servers.test-helper.ts';

export interface SkyRl {
  readonly url: string;
  readonly port: number;
  /** Ends it at once, as a lost machine does; what it has saved stays. */
  kill(): Promise<void>;
}

/**
 * SkyRL's server of the Tinker API on a model, on the CPU. It compiles every new shape: what it has compiled is kept beside
 * the servers, and few shapes are made (samples in batches of one size, training in pairs).
 * @param folder its database, its checkpoints and its log are here.
 */
export async function startSkyRl(model: string, folder: string, port?: number): Promise<SkyRl> {
  const at = port ?? (await freePort());
  const config = {
    max_lora_adapters: 24,
    max_lora_rank: 8,
    sample_max_num_sequences: 8,
    train_micro_batch_size: 2,
  };
  const database = join(folder, 'database');
  const child = spawn(
    installed('skyrl', 'bin', 'python'),
    [script('tinker_server.py'), 'api', model, String(at), database, JSON.stringify(config)],
    {
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...process.env,
        JAX_PLATFORMS: 'cpu',
        // Compiles twice as fast, and there is little to compute.
        XLA_FLAGS: '--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true',
        JAX_COMPILATION_CACHE_DIR: installed('jax-cache'),
        JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS: '0',
        JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES: '0',
      },
    },
  );
  const log = createWriteStream(join(folder, 'log'), { flags: 'a' });
  child.stdout!.pipe(log);
  child.stderr!.pipe(log);
  const url = `http://127.0.0.1:${at}`;
  await untilHealthy(url, child, join(folder, 'log'));
  return { url, port: at, kill: () => end(child) };
}

async function untilHealthy(url: string, child: ChildProcess, log: string): Promise<void> {
  for (let second = 0; second < 240; second++) {
    if (child.exitCode !== null) throw new Error(`SkyRL's server ended with ${child.exitCode}: ${log}`);
    const found = await fetch(`${url}/api/v1/healthz`).catch(() => undefined);
    if (found?.ok === true) return;
    await sleep(1000);
  }
  await end(child);
  throw new Error(`SkyRL's server did not start in 240 s: ${log}`);
}

/** Its engine is a process of its own: the group ends. */
async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  process.kill(-child.pid!, 'SIGKILL');
  await ended;
}
