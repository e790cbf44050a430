import {
  advance,
  type Code,
  defineFunction,
  type FunctionBuilder,
  f32x4,
  i32,
  type Local,
  loopTo,
  sequence,
  when,
} from './assembler.ts';

/** Positions per page, as in ../paged.ts, in vectors of 4. */
const VECTORS = 4;
const POSITIONS = 4 * VECTORS;
/** Bytes of one number per position. */
const PAGE_BYTES = 4 * POSITIONS;

type Params = readonly [Local, Local, Local, Local, Local, Local];

/**
 * pageScores(query, pages, offset, count, headSize, scores): the products of one query with the keys of the
 * first `count` positions; `scores` has room for whole pages and is filled up with products of whatever is there.
 * `pages` points to the pages' addresses; a head's keys begin `offset` bytes into each, one row of all 16
 * positions per dimension. Every product is one sum over the dimensions in order.
 */
export function pageScoresFunction(): FunctionBuilder {
  const f = defineFunction('pageScores', ['i32', 'i32', 'i32', 'i32', 'i32', 'i32']);
  const [query, pages, offset, count, headSize, scores] = f.params as Params;
  const [position, key, q, end] = [f.local('i32'), f.local('i32'), f.local('i32'), f.local('i32')];
  const sums = Array.from({ length: VECTORS }, () => f.local('v128'));
  const splat = f.local('v128');
  f.body = sequence(
    end.set(i32.add(query.get, i32.mul(headSize.get, i32.const(4)))),
    loopTo(
      position,
      count.get,
      POSITIONS,
      sequence(
        key.set(i32.add(i32.load(pages.get), offset.get)),
        q.set(query.get),
        ...sums.map((sum) => sum.set(f32x4.const(0))),
        loopTo(
          q,
          end.get,
          4,
          sequence(
            splat.set(f32x4.loadSplat(q.get)),
            ...sums.map((sum, index) =>
              sum.set(f32x4.add(sum.get, f32x4.mul(splat.get, f32x4.load(key.get, 16 * index)))),
            ),
            advance(key, PAGE_BYTES),
          ),
        ),
        ...sums.map((sum, index) => f32x4.store(scores.get, sum.get, 16 * index)),
        advance(scores, PAGE_BYTES),
        advance(pages, 4),
      ),
    ),
  );
  return f;
}

/**
 * pageMix(weights, pages, offset, count, headSize, out): Σ weight · value over the first `count` positions, in
 * their order. A head's values begin `offset` bytes into each page, one row of `headSize` per position.
 */
export function pageMixFunction(): FunctionBuilder {
  const f = defineFunction('pageMix', ['i32', 'i32', 'i32', 'i32', 'i32', 'i32']);
  const [weights, pages, offset, count, headSize, out] = f.params as Params;
  const [column, position, page, weight, end, value] = Array.from({ length: 6 }, () =>
    f.local('i32'),
  ) as unknown as Params;
  const [low, high, splat] = [f.local('v128'), f.local('v128'), f.local('v128')];
  const rowBytes = i32.mul(headSize.get, i32.const(4));
  const eachPage: Code = sequence(
    value.set(i32.add(i32.add(i32.load(page.get), offset.get), i32.mul(column.get, i32.const(4)))),
    when(
      i32.lt(i32.const(POSITIONS - 1), i32.sub(count.get, position.get)),
      end.set(i32.add(weight.get, i32.const(PAGE_BYTES))),
      end.set(i32.add(weight.get, i32.mul(i32.sub(count.get, position.get), i32.const(4)))),
    ),
    loopTo(
      weight,
      end.get,
      4,
      sequence(
        splat.set(f32x4.loadSplat(weight.get)),
        low.set(f32x4.add(low.get, f32x4.mul(splat.get, f32x4.load(value.get)))),
        high.set(f32x4.add(high.get, f32x4.mul(splat.get, f32x4.load(value.get, 16)))),
        advance(value, rowBytes),
      ),
    ),
    advance(page, 4),
  );
  f.body = loopTo(
    column,
    headSize.get,
    8,
    sequence(
      low.set(f32x4.const(0)),
      high.set(f32x4.const(0)),
      weight.set(weights.get),
      page.set(pages.get),
      position.set(i32.const(0)),
      loopTo(position, count.get, POSITIONS, eachPage),
      f32x4.store(out.get, low.get),
      f32x4.store(out.get, high.get, 16),
      advance(out, 32),
    ),
  );
  return f;
}
