import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { dirname, resolve } from 'node:path';
import { Command, Option } from 'commander';
import { InputError } from '../core/errors.ts';
import { packageInfo } from '../core/package.ts';
import { printableJson } from '../core/printable.ts';
import type { NativeKind } from '../policies/tensor/native/install.ts';
import { type BackendReport, describeBackends } from './backends.ts';
import { installNative } from './install-native.ts';
import { layoutOf } from './layout.ts';
import { DEFAULT_CACHE } from './options.ts';
import { renderTable } from './table.ts';
import { print } from './terminal.ts';
import { wrapText } from './wrap.ts';

const NODE_REQUIRED = [20, 19] as const;

const EXAMPLES = `
--install-tensorflow needs Linux on x64, pip, npm, make and g++. It takes libtensorflow from the wheel of the
Python package, through pip and its settings. What it does, what was tried: docs/backends.md

Examples:
  creditbench doctor
  creditbench doctor --server http://127.0.0.1:8080 --tokenizer my-model

Exit codes: 0 ready, 1 something that creditbench needs is not there.
`;

/** One thing that creditbench needs. */
interface Check {
  readonly ok: boolean;
  readonly value: string;
  /** What is wrong or worth knowing; '' when nothing is. */
  readonly note: string;
}

/** What `doctor --json` prints. */
interface DoctorReport {
  /** Suites can run: Node is new enough, the cache folder can be written, a backend works. */
  readonly ready: boolean;
  /** Version of creditbench. */
  readonly creditbench: string;
  readonly node: Check;
  /** The default of `run --workers`. */
  readonly cores: number;
  readonly cache: Check;
  readonly backends: readonly BackendReport[];
}

interface DoctorFlags {
  readonly cache: string;
  readonly json?: boolean;
  readonly installTensorflow?: NativeKind;
  readonly server?: string;
  readonly tokenizer?: string;
}

/** `creditbench doctor`: whether this machine can run suites, and what is missing. */
export function doctorCommand(setExitCode: (code: number) => void): Command {
  return new Command('doctor')
    .description('shows what this machine has and how to get what is missing')
    .option('--cache <folder>', 'where data and starting weights are kept', DEFAULT_CACHE)
    .option('--json', 'print JSON')
    .addOption(
      new Option('--install-tensorflow [kind]', 'first gets the tensorflow backend: cpu, gpu')
        .choices(['cpu', 'gpu'])
        .preset('cpu'),
    )
    .option('--server <url>', 'says what a server of language models can do, and nothing else')
    .option('--tokenizer <folder>', "with --server: the model's Hugging Face folder, or its tokenizer.json")
    .addHelpText('after', EXAMPLES)
    .action(async ({ cache, json, installTensorflow, server, tokenizer }: DoctorFlags) => {
      if (server !== undefined) {
        // Loaded here because only --server needs it.
        const { describeServer, examineServer } = await import('./server-report.ts');
        const report = await examineServer(server, tokenizer);
        print(json ? `${printableJson(report)}\n` : describeServer(report));
        return;
      }
      if (tokenizer !== undefined) {
        throw new InputError('--tokenizer: not valid without --server; valid: with --server <url>');
      }
      if (installTensorflow !== undefined) await installNative(installTensorflow);
      const report = await examine(cache);
      print(json ? `${printableJson(report)}\n` : describe(report));
      setExitCode(report.ready ? 0 : 1);
    });
}

async function examine(folder: string): Promise<DoctorReport> {
  const node = checkNode(process.versions.node);
  const cache = await checkCache(folder);
  const backends = await describeBackends();
  return {
    ready: node.ok && cache.ok && backends.some(({ available }) => available),
    creditbench: packageInfo().version,
    node,
    cores: availableParallelism(),
    cache,
    backends,
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

function describe(report: DoctorReport): string {
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
  const layout = layoutOf();
  const columns = ['', 'there', '', 'note'].map((name) => ({ name, rank: 0 }));
  const table = renderTable(columns, checks, layout);
  const fixes = report.backends
    .filter(({ fix }) => fix !== '')
    .map(({ name, fix }) => `for ${name}: ${fix}\n`);
  const below = `${fixes.join('')}${report.ready ? 'ready: creditbench run quick' : 'not ready'}\n`;
  return `${table}\n${wrapText(below, layout.width)}`;
}
