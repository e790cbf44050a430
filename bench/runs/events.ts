import type { CellProgress, CellResult, NamedCell } from '../cell.ts';
import type { CellError } from './storage.ts';

/** What happens while a suite runs. `cell-skipped`: finished by another run. `cell-left`: failed before, not run. */
export type RunEvent =
  | { readonly type: 'prepare-start' | 'prepare-done'; readonly cell: NamedCell }
  | { readonly type: 'prepare-progress'; readonly cell: NamedCell; readonly progress: CellProgress }
  | { readonly type: 'cell-done'; readonly cell: NamedCell; readonly result: CellResult }
  | { readonly type: 'cell-skipped'; readonly cell: NamedCell }
  /** Again when another worker takes over. `worker` names one that may be on another machine. */
  | { readonly type: 'cell-start'; readonly cell: NamedCell; readonly worker?: string }
  | { readonly type: 'cell-progress'; readonly cell: NamedCell; readonly progress: CellProgress }
  | { readonly type: 'cell-failed' | 'cell-left'; readonly cell: NamedCell; readonly error: CellError }
  | { readonly type: 'notice'; readonly cell: NamedCell; readonly message: string };
