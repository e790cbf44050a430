import { InputError } from '../../core/errors.ts';
import type { Cell, CodeFiles } from '../cell.ts';
import { type Catalog, ownItem } from './catalog.ts';
import { withUserCode } from './user-code.ts';

/**
 * The catalog with the users' own code that a cell names.
 * @param files where its sources lie.
 * @throws InputError when a file is not there or cannot be loaded, or is not the code of the cell's identity.
 */
export async function withCellCode(catalog: Catalog, cell: Cell, files: CodeFiles): Promise<Catalog> {
  const wanted = (['algorithm', 'environment', 'policy'] as const).flatMap((kind) => {
    const { code } = cell[kind];
    return code === undefined ? [] : [{ kind, ...code }];
  });
  const found = await withUserCode(catalog, wanted, { files });
  for (const { kind, source, sha256 } of wanted) {
    const own = ownItem(found, kind, source)!;
    if (own.code.sha256 !== sha256) {
      throw new InputError(
        `${own.file} is not the code of ${source} that the run began with: it has changed since, or is another on this machine`,
      );
    }
  }
  return found;
}
