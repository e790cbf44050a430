import { writeFile } from 'node:fs/promises';
import { availableParallelism, cpus } from 'node:os';
import { Command } from 'commander';
import { CATALOG } from '../catalog.ts';
import { InputError } from '../core/errors.ts';
import { packageInfo } from '../core/package.ts';
import { printableJson } from '../core/printable.ts';
import type { SpeedResult } from '../performance/case.ts';
import { chooseCases, SPEED_CASES } from '../performance/cases.ts';
import { timeCase } from '../performance/time.ts';
import { runTorch, type TorchRun } from '../performance/torch.ts';
import type { BackendName } from '../policies/tensor/backend.ts';
import { checkBackend } from './backends.ts';
import { addTableOptions, type Layout, layoutOf, type TableFlags } from './layout.ts';
import { DEFAULT_CACHE, wholeNumber } from './options.ts';
import { renderTable, type TableColumn } from './table.ts';
import { print, tell } from './terminal.ts';

interface BenchFlags extends TableFlags {
  readonly backend?: string;
  /** A file; true: stdout. */
  readonly json?: string | true;
  readonly torch?: string;
  readonly torchDevice: string;
  readonly torchThreads: number;
  readonly cache: string;
}

const EXAMPLES = `
Examples:
  creditbench bench train-step decode
  creditbench bench iteration/search --backend webgpu
  creditbench bench --torch python3 --json speed.json

Times are medians. What they mean and what to expect: docs/performance.md
`;

const COLUMNS: readonly TableColumn[] = [
  { name: 'what', rank: 0 },
  { name: 'backend', rank: 4 },
  { name: 'time', number: true, rank: 0 },
  { name: 'rate', title: 'rate or parts', number: true, rank: 2 },
  { name: 'torch', title: 'PyTorch', number: true, rank: 3 },
  { name: 'ratio', title: 'ours / PyTorch', number: true, rank: 1 },
];

/** `creditbench bench`: how fast this machine is. */
export function benchCommand(): Command {
  const command = new Command('bench')
    .description('measures speed on this machine, beside PyTorch where it is there')
    .argument('[cases...]', 'names of cases or how they begin (default: all)')
    .option('--backend <name>', 'tensor backend (see: creditbench doctor; default: wasm)')
    .option(
      '--torch <python>',
      'also runs the same in PyTorch, with this Python (torch 2.13.0 is what was tried)',
    )
    .option('--torch-device <name>', 'where PyTorch computes: cpu, cuda', 'cpu')
    .option('--torch-threads <n>', 'threads of PyTorch, 1 to 256', wholeNumber('--torch-threads', 1, 256), 1)
    .option('--cache <folder>', 'where data and starting weights are kept', DEFAULT_CACHE);
  return addTableOptions(
    command,
    COLUMNS.map(({ name }) => name),
  )
    .option(
      '--json [file]',
      'prints JSON instead of the table; with a file, writes it there beside the table',
    )
    .addHelpText('after', EXAMPLES)
    .action(bench);
}

async function bench(beginnings: readonly string[], flags: BenchFlags): Promise<void> {
  const cases = chooseCases(beginnings);
  const backend = (await checkBackend(flags.backend)) as BackendName;
  const json = fileOf(flags.json);
  const options = { python: flags.torch ?? '', device: flags.torchDevice, threads: flags.torchThreads };
  // Before anything is measured: whether PyTorch is there, and whether the file can be written.
  const torch = flags.torch === undefined ? undefined : await runTorch([], options);
  const results: SpeedResult[] = [];
  const save = async (): Promise<void> => {
    if (json === undefined) return;
    await writeFile(json, `${JSON.stringify({ ...machine(torch), results }, null, 2)}\n`).catch(
      (error: Error) => {
        throw new InputError(
          `--json: cannot write ${json} (${error.message}); valid: a file that can be written`,
        );
      },
    );
  };
  await save();
  for (const [index, one] of cases.entries()) {
    tell(`[${index + 1}/${cases.length}] ${one.title}\n`);
    const { result, torch: other } = await timeCase(one, {
      catalog: CATALOG,
      backend,
      cacheDirectory: flags.cache,
    });
    if (torch === undefined || other === undefined) {
      results.push(result);
    } else {
      // Right after ours, so that both meet the same machine.
      const { seconds } = await runTorch([other], options);
      results.push({ ...result, torch: seconds.get(result.id)! });
    }
    await save();
  }
  print(
    flags.json === true
      ? `${printableJson({ ...machine(torch), results })}\n`
      : `${speedTable(results, layoutOf(flags))}\n`,
  );
}

/** The file that --json names. A case behind --json is one that the option has swallowed. */
function fileOf(json: BenchFlags['json']): string | undefined {
  if (json === undefined || json === true) return undefined;
  if (SPEED_CASES.some(({ id }) => id.startsWith(json))) {
    throw new InputError(`--json: ${json} is a case; valid: a file, or --json behind the cases`);
  }
  return json;
}

/** Where it was measured. */
function machine(torch: TorchRun | undefined) {
  return {
    creditbench: packageInfo().version,
    node: process.versions.node,
    processor: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    ...(torch === undefined
      ? {}
      : { torch: { version: torch.version, device: torch.device, threads: torch.threads } }),
  };
}

const PARTS = ['rollout', 'credit', 'update'] as const;

/** One line per case; parts of an iteration in percent of it; the ratio is our time over PyTorch's. */
function speedTable(results: readonly SpeedResult[], layout: Layout): string {
  const time = (seconds: number): string =>
    seconds >= 1 ? `${seconds.toFixed(2)} s` : `${(1000 * seconds).toPrecision(3)} ms`;
  const rows = results.map(({ title, backend, median, work, torch }) => {
    const { seconds } = median;
    // Medians of parts need not add up to the median of the whole.
    const whole = PARTS.reduce((sum, part) => sum + (median[part] ?? 0), 0);
    const parts = PARTS.filter((part) => median[part] !== undefined).map(
      (part) => `${part} ${((100 * median[part]!) / whole).toFixed(1)} %`,
    );
    return [
      title,
      backend ?? '-',
      time(seconds),
      work === undefined ? parts.join(', ') : `${Math.round(work.amount / seconds)} ${work.unit}/s`,
      torch === undefined ? '-' : time(torch.seconds),
      torch === undefined ? '-' : (seconds / torch.seconds).toFixed(2),
    ];
  });
  const hasTorch = results.some(({ torch }) => torch !== undefined);
  const columns = COLUMNS.map((column) =>
    ['torch', 'ratio'].includes(column.name) ? { ...column, hidden: !hasTorch } : column,
  );
  return renderTable(columns, rows, layout);
}
