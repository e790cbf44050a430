import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A folder made by scripts/servers/install.sh; undefined where there is none. */
export const SERVERS = process.env.CREDITBENCH_SERVERS;

/** What transformers says of every id after the first, given those before it. */
export function transformersLogProbs(folder: string, ids: readonly number[]): readonly number[] {
  const script = fileURLToPath(new URL('../../scripts/servers/log_probs.py', import.meta.url));
  const python = join(SERVERS!, 'skyrl/bin/python');
  const options = {
    input: JSON.stringify(ids),
    encoding: 'utf8',
    stdio: ['pipe', 'pipe', 'ignore'],
  } as const;
  return JSON.parse(execFileSync(python, [script, folder], options)) as number[];
}
