import { Command } from 'commander';
import { describeUnlisted } from '../bench/runs/run-folder.ts';
import { type CellStatus, type FolderStatus, readStatus } from '../bench/runs/status.ts';
import { addTableOptions, layoutOf, type TableFlags } from './layout.ts';
import { renderTable, type TableColumn } from './table.ts';
import { print } from './terminal.ts';
import { wrapText } from './wrap.ts';

const EXAMPLES = `
Examples:
  creditbench status results/quick
  creditbench status results/quick --json

It may be asked while runs are under way, on this machine or others. The JSON is described in
docs/interrupted-runs.md.
Exit codes: 0 all cells are finished, 1 a cell failed or is damaged, 2 the folder is no output folder,
3 nothing failed and cells are not finished.
`;

const COLUMNS: readonly TableColumn[] = [
  { name: 'status', rank: 0 },
  { name: 'environment', rank: 0 },
  { name: 'algorithm', rank: 0 },
  { name: 'seed', rank: 0, number: true },
  { name: 'when' },
  { name: 'what', title: '', rank: 0 },
];

/** `creditbench status`: where the cells of an output folder stand. */
export function statusCommand(setExitCode: (code: number) => void): Command {
  const command = new Command('status')
    .description('shows which cells of an output folder are finished, running, failed or waiting')
    .argument('<folder>', "output folder of 'creditbench run'");
  return addTableOptions(
    command,
    COLUMNS.map(({ name }) => name),
  )
    .option('--json', 'print JSON')
    .addHelpText('after', EXAMPLES)
    .action(async (folder: string, { json, ...flags }: TableFlags & { readonly json?: boolean }) => {
      const status = await readStatus(folder);
      print(json ? `${JSON.stringify(status, null, 2)}\n` : describe(status, folder, flags));
      setExitCode(exitCode(status));
    });
}

function exitCode({ counts, cells }: FolderStatus): number {
  if (counts.failed + counts.damaged > 0) return 1;
  return counts.finished === cells.length ? 0 : 3;
}

function describe(
  { suite, counts, cells, unlisted }: FolderStatus,
  folder: string,
  flags: TableFlags,
): string {
  const layout = layoutOf(flags);
  const table = renderTable(
    COLUMNS,
    cells.map((cell) => [
      cell.status,
      cell.environment,
      cell.algorithm,
      String(cell.seed),
      'at' in cell ? cell.at.replace(/\.\d+Z$/, 'Z') : '',
      wordsOf(cell),
    ]),
    layout,
  );
  const some = Object.entries(counts).filter(([, count]) => count > 0);
  const summary = some.map(([status, count]) => `${count} ${status}`).join(', ');
  const notices = describeUnlisted(folder, unlisted).map((notice) => `note: ${notice}\n`);
  const below = `suite ${suite}, ${cells.length} cells: ${summary}\n${notices.join('')}`;
  return `${table}\n${wrapText(below, layout.width)}`;
}

function wordsOf(cell: CellStatus): string {
  switch (cell.status) {
    case 'running':
    case 'interrupted': {
      const owner = cell.owner === null ? '' : `process ${cell.owner.pid} on ${cell.owner.host}`;
      const left = cell.status === 'interrupted' && owner !== '' ? `left behind by ${owner}` : owner;
      return [cell.stage, left].filter((part) => part !== '').join(', ');
    }
    case 'failed': {
      const again = cell.cause === 'machine' ? 'goes on with the same command' : 'needs --retry-failed';
      return `${cell.reason.split('\n')[0]} (${again})`;
    }
    case 'damaged':
      return cell.reason;
    default:
      return '';
  }
}
