import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { InputError } from '../core/errors.ts';
import { packageInfo } from '../core/package.ts';
import type { Seconds } from './case.ts';

/** A case in the terms of torch_loop.py. */
export type TorchCase = Readonly<Record<string, unknown>> & { readonly name: string; readonly runs: number };

export interface TorchOptions {
  /** The Python that has torch. */
  readonly python: string;
  /** Where PyTorch computes: 'cpu', 'cuda'. */
  readonly device: string;
  /** Threads of PyTorch on the CPU. */
  readonly threads: number;
  readonly signal?: AbortSignal;
}

/** What PyTorch needed, by the names of the cases. */
export interface TorchRun {
  readonly version: string;
  readonly device: string;
  readonly threads: number;
  readonly seconds: ReadonlyMap<string, Seconds>;
}

/**
 * Measures the cases in PyTorch, in a process of its own.
 * @throws InputError when Python does not start or has no torch.
 */
export async function runTorch(cases: readonly TorchCase[], options: TorchOptions): Promise<TorchRun> {
  const { python, device, threads, signal } = options;
  const folder = await mkdtemp(join(tmpdir(), 'creditbench-torch-'));
  try {
    const file = join(folder, 'cases.json');
    await writeFile(file, JSON.stringify({ device, threads, cases }));
    const script = join(packageInfo().root, 'performance', 'torch_loop.py');
    const { stdout } = await promisify(execFile)(python, [script, file], {
      maxBuffer: 1 << 26,
      ...(signal === undefined ? {} : { signal }),
    });
    const answer = JSON.parse(stdout) as {
      torch: string;
      device: string;
      threads: number;
      results: (Seconds & { readonly name: string & number; readonly runs: number })[];
    };
    return {
      version: answer.torch,
      device: answer.device,
      threads: answer.threads,
      seconds: new Map(answer.results.map(({ name, runs: _, ...seconds }) => [name, seconds as Seconds])),
    };
  } catch (error) {
    if (signal?.aborted) throw error;
    const lines = String((error as { stderr?: string }).stderr || (error as Error).message).trim();
    throw new InputError(`--torch: ${python} could not run the comparison: ${lines.split('\n').at(-1)}`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
