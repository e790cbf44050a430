import {
  advance,
  type Code,
  defineFunction,
  type FunctionBuilder,
  f32,
  f32x4,
  i32,
  loopTo,
  sequence,
  when,
} from './assembler.ts';

/** Columns of a packed panel: two vectors. */
export const PANEL = 8;
const TILE_ROWS = 4;

/**
 * pack(source, rowStride, columnStride, rows, columns, target): copies a matrix into panels of 8 columns,
 * each row by row, filled up with zeros. Strides in bytes, so a transposed matrix costs nothing extra.
 */
export function packFunction(): FunctionBuilder {
  const f = defineFunction('pack', ['i32', 'i32', 'i32', 'i32', 'i32', 'i32']);
  const [source, rowStride, columnStride, rows, columns, target] = f.params as Params;
  const [column, row, from, cell, left] = [
    f.local('i32'),
    f.local('i32'),
    f.local('i32'),
    f.local('i32'),
    f.local('i32'),
  ];
  const copyCells = sequence(
    cell.set(from.get),
    ...Array.from({ length: PANEL }, (_, index) =>
      sequence(f32.store(target.get, f32.load(cell.get), 4 * index), advance(cell, columnStride.get)),
    ),
  );
  const copyVectors = sequence(
    f32x4.store(target.get, f32x4.load(from.get)),
    f32x4.store(target.get, f32x4.load(from.get, 16), 16),
  );
  const copySome = sequence(
    cell.set(from.get),
    ...Array.from({ length: PANEL }, (_, index) =>
      sequence(
        when(
          i32.lt(i32.const(index), left.get),
          f32.store(target.get, f32.load(cell.get), 4 * index),
          f32.store(target.get, f32.const(0), 4 * index),
        ),
        advance(cell, columnStride.get),
      ),
    ),
  );
  const eachRow = (copy: Code): Code =>
    sequence(
      row.set(i32.const(0)),
      loopTo(row, rows.get, 1, sequence(copy, advance(from, rowStride.get), advance(target, 4 * PANEL))),
    );
  f.body = loopTo(
    column,
    columns.get,
    PANEL,
    sequence(
      from.set(i32.add(source.get, i32.mul(column.get, columnStride.get))),
      left.set(i32.sub(columns.get, column.get)),
      when(
        i32.lt(left.get, i32.const(PANEL)),
        eachRow(copySome),
        when(i32.eq(columnStride.get, i32.const(4)), eachRow(copyVectors), eachRow(copyCells)),
      ),
    ),
  );
  return f;
}

type Local = FunctionBuilder['params'][number];
type Params = readonly [Local, Local, Local, Local, Local, Local, Local, Local, Local, Local, Local, Local];

/**
 * gemm(a, aRow, aStep, panels, packedDepth, c, cRow, rows, columns, depth, accumulate, scratch): C = A·B or
 * C += A·B with the first `depth` of the `packedDepth` rows of a packed B. `aRow` and `aStep` are the bytes
 * between rows of A and between neighbours along the depth, `cRow` those between rows of C.
 * Every element of C is one sum over the depth in order, whatever tile it falls in: a row's bits do not
 * depend on the other rows. `scratch` holds 128 bytes for tiles that stick out on the right.
 */
export function gemmFunction(): FunctionBuilder {
  const f = defineFunction(
    'gemm',
    Array.from({ length: 12 }, () => 'i32'),
  );
  const [a, aRow, aStep, panels, packedDepth, c, cRow, rows, columns, depth, accumulate, scratch] =
    f.params as Params;
  const int = (): Local => f.local('i32');
  const [column, row, step, panel, aTile, cTile, out, outRow, left, add] = [
    int(),
    int(),
    int(),
    int(),
    int(),
    int(),
    int(),
    int(),
    int(),
    int(),
  ];
  const [copyRow, copyColumn, from, to] = [int(), int(), int(), int()];
  const pointers = Array.from({ length: TILE_ROWS }, int);
  const sums = Array.from({ length: 2 * TILE_ROWS }, () => f.local('v128'));
  const [right0, right1, splat] = [f.local('v128'), f.local('v128'), f.local('v128')];

  // Unrolling the depth halves the speed in V8: it runs out of vector registers and spills the sums.
  const multiplyStep = (tileRows: number): Code =>
    sequence(
      right0.set(f32x4.load(panel.get)),
      right1.set(f32x4.load(panel.get, 16)),
      ...pointers
        .slice(0, tileRows)
        .map((pointer, r) =>
          sequence(
            splat.set(f32x4.loadSplat(pointer.get)),
            sums[2 * r]!.set(f32x4.add(sums[2 * r]!.get, f32x4.mul(splat.get, right0.get))),
            sums[2 * r + 1]!.set(f32x4.add(sums[2 * r + 1]!.get, f32x4.mul(splat.get, right1.get))),
            advance(pointer, aStep.get),
          ),
        ),
      advance(panel, 4 * PANEL),
    );
  const tile = (tileRows: number): Code =>
    sequence(
      ...pointers
        .slice(0, tileRows)
        .map((pointer, r) => pointer.set(r === 0 ? aTile.get : i32.add(pointers[r - 1]!.get, aRow.get))),
      ...sums.slice(0, 2 * tileRows).map((sum) => sum.set(f32x4.const(0))),
      panel.set(i32.add(panels.get, i32.mul(column.get, i32.mul(packedDepth.get, i32.const(4))))),
      step.set(i32.const(0)),
      loopTo(step, depth.get, 1, multiplyStep(tileRows)),
      out.set(cTile.get),
      outRow.set(cRow.get),
      add.set(accumulate.get),
      when(
        i32.lt(left.get, i32.const(PANEL)),
        sequence(out.set(scratch.get), outRow.set(i32.const(4 * PANEL)), add.set(i32.const(0))),
      ),
      ...Array.from({ length: tileRows }, (_, r) =>
        sequence(
          when(
            add.get,
            sequence(
              sums[2 * r]!.set(f32x4.add(f32x4.load(out.get), sums[2 * r]!.get)),
              sums[2 * r + 1]!.set(f32x4.add(f32x4.load(out.get, 16), sums[2 * r + 1]!.get)),
            ),
          ),
          f32x4.store(out.get, sums[2 * r]!.get),
          f32x4.store(out.get, sums[2 * r + 1]!.get, 16),
          advance(out, outRow.get),
        ),
      ),
      when(i32.lt(left.get, i32.const(PANEL)), copyTile(tileRows)),
    );
  const copyTile = (tileRows: number): Code =>
    sequence(
      copyRow.set(i32.const(0)),
      loopTo(
        copyRow,
        i32.const(tileRows),
        1,
        sequence(
          from.set(i32.add(scratch.get, i32.mul(copyRow.get, i32.const(4 * PANEL)))),
          to.set(i32.add(cTile.get, i32.mul(copyRow.get, cRow.get))),
          copyColumn.set(i32.const(0)),
          loopTo(
            copyColumn,
            left.get,
            1,
            sequence(
              when(
                accumulate.get,
                f32.store(to.get, f32.add(f32.load(to.get), f32.load(from.get))),
                f32.store(to.get, f32.load(from.get)),
              ),
              advance(from, 4),
              advance(to, 4),
            ),
          ),
        ),
      ),
    );
  const nextTile = (tileRows: number): Code =>
    sequence(
      advance(aTile, i32.mul(aRow.get, i32.const(tileRows))),
      advance(cTile, i32.mul(cRow.get, i32.const(tileRows))),
    );
  f.body = loopTo(
    column,
    columns.get,
    PANEL,
    sequence(
      left.set(i32.sub(columns.get, column.get)),
      aTile.set(a.get),
      cTile.set(i32.add(c.get, i32.mul(column.get, i32.const(4)))),
      row.set(i32.const(0)),
      loopTo(
        row,
        i32.sub(rows.get, i32.const(TILE_ROWS - 1)),
        TILE_ROWS,
        sequence(tile(TILE_ROWS), nextTile(TILE_ROWS)),
      ),
      loopTo(row, rows.get, 1, sequence(tile(1), nextTile(1))),
    ),
  );
  return f;
}
