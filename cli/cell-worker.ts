// Entry point of a worker process: the runner starts one per cell.
import type { Catalog } from '../bench/catalog/catalog.ts';
import { withCellCode } from '../bench/catalog/cell-code.ts';
import type { Cell, CodeFiles } from '../bench/cell.ts';
import { serveWorker } from '../bench/runs/protocol.ts';
import { prepareCell, runCell } from '../bench/training/train.ts';
import { CATALOG } from '../catalog.ts';

const catalogOf = (cell: Cell, code: CodeFiles): Promise<Catalog> => withCellCode(CATALOG, cell, code);

serveWorker({
  runCell: async (cell, code, context) => runCell(cell, await catalogOf(cell, code), context),
  prepareCell: async (cell, code, context) => prepareCell(cell, await catalogOf(cell, code), context),
});
