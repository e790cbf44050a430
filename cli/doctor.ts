import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { dirname, resolve } from 'node:path';
import { Command } from 'commander';
import { packageInfo } from '../bench/package.ts';
import { printableJson } from '../core/printable.ts';
import { describeBackends } from './backends.ts';
import { DEFAULT_CACHE } from './options.ts';
import { renderTable } from './table.ts';
import { print } from './terminal.ts';

const NODE_REQUIRED = [20, 19] as const;

const EXAMPLES = `
Exit codes: 0 ready, 1 something that creditbench needs is not there.
`;

interface Check {
  readonly ok: boolean;
  readonly value: string;
  readonly note: string;
}

/** `creditbench doctor`: whether this machine can run suites, and what is missing. */
export function doctorCommand(setExitCode: (code: number) => void): Command {
  return new Command('doctor')
    .description('shows what this machine has and how to get what is missing')
    .option('--cache <folder>', 'where data and starting weights are kept', DEFAULT_CACHE)
    .option('--json', 'print JSON')
    .addHelpText('after', EXAMPLES)
    .action(async ({ cache, json }: { cache: string; json?: boolean }) => {
      const report = await examine(cache);
      const ready = report.node.ok && report.cache.ok && report.backends.some(({ available }) => available);
      print(json ? `${printableJson({ ready, ...report })}\n` : describe(ready, report));
      setExitCode(ready ? 0 : 1);
    });
}

async function examine(cache: string) {
  return {
    creditbench: packageInfo().version,
    node: checkNode(process.versions.node),
    cores: availableParallelism(),
    cache: await checkCache(cache),
    backends: await describeBackends(),
  };
}

function checkNode(version: string): Check {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const ok = major > NODE_REQUIRED[0] || (major === NODE_REQUIRED[0] && minor >= NODE_REQUIRED[1]);
  return { ok, value: version, note: ok ? '' : `needs ${NODE_REQUIRED.join('.')} or newer` };
}

/** A cache folder that does not exist yet is fine when it can be made. */
async function checkCache(folder: string): Promise<Check> {
  const value = resolve(folder);
  for (let at = value; ; at = dirname(at)) {
    try {
      await access(at, constants.W_OK | constants.X_OK);
      return { ok: true, value, note: at === value ? '' : 'made by the first run' };
    } catch (error) {
      const absent = (error as NodeJS.ErrnoException).code === 'ENOENT';
      if (!absent || at === dirname(at)) {
        return {
          ok: false,
          value,
          note: `not writable (${(error as Error).message}); choose another with --cache`,
        };
      }
    }
  }
}

function describe(ready: boolean, report: Awaited<ReturnType<typeof examine>>): string {
  const yes = (ok: boolean) => (ok ? 'yes' : 'NO');
  const checks = [
    ['creditbench', 'yes', report.creditbench, ''],
    ['node', yes(report.node.ok), report.node.value, report.node.note],
    ['cores', 'yes', String(report.cores), 'the default of run --workers'],
    ['cache folder', yes(report.cache.ok), report.cache.value, report.cache.note],
    ...report.backends.map(({ name, available, note }) => [
      `backend ${name}`,
      available ? 'yes' : 'no',
      '',
      note,
    ]),
  ];
  const table = renderTable(['', 'there', '', 'note'], checks, { ascii: !process.stdout.isTTY });
  return `${table}\n${ready ? 'ready: creditbench run quick' : 'not ready'}\n`;
}
