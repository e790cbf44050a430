import {
  advance,
  type Code,
  defineFunction,
  type FunctionBuilder,
  f32,
  f32x4,
  i32,
  type Local,
  laneSum,
  loopTo,
  sequence,
} from './assembler.ts';

type Params = readonly [Local, Local, Local, Local, Local, Local, Local, Local, Local, Local];

/** Pointer walks: all widths are multiples of 4, in floats; `rows` rows lie one after the other. */
const VECTOR = 16;

/** rmsNorm(x, gain, y, rows, width, epsilon): y = x · gain / √(mean(x²) + epsilon). */
export function rmsNormFunction(): FunctionBuilder {
  const f = defineFunction('rmsNorm', ['i32', 'i32', 'i32', 'i32', 'i32', 'f32']);
  const [x, gain, y, rows, width, epsilon] = f.params as Params;
  const [row, at, g, end] = [f.local('i32'), f.local('i32'), f.local('i32'), f.local('i32')];
  const sum = f.local('v128');
  f.body = loopTo(
    row,
    rows.get,
    1,
    sequence(
      end.set(i32.add(x.get, i32.mul(width.get, i32.const(4)))),
      sum.set(f32x4.const(0)),
      at.set(x.get),
      loopTo(at, end.get, VECTOR, squareInto(sum, at)),
      sum.set(f32x4.splat(inverseNorm(sum, width, epsilon))),
      g.set(gain.get),
      loopTo(
        x,
        end.get,
        VECTOR,
        sequence(
          f32x4.store(y.get, f32x4.mul(f32x4.mul(f32x4.load(x.get), sum.get), f32x4.load(g.get))),
          advance(g, VECTOR),
          advance(y, VECTOR),
        ),
      ),
    ),
  );
  return f;
}

const squareInto = (sum: Local, at: Local): Code =>
  sum.set(f32x4.add(sum.get, f32x4.mul(f32x4.load(at.get), f32x4.load(at.get))));
/** 1 / √(mean + epsilon) from the lanes of a sum of squares. */
const inverseNorm = (sum: Local, width: Local, epsilon: Local): Code =>
  f32.div(f32.const(1), f32.sqrt(f32.add(f32.div(laneSum(sum), f32.fromInteger(width.get)), epsilon.get)));

/**
 * rmsNormGradient(x, gain, gradients, dx, dgain, rows, width, epsilon). With n = x / norm:
 * dx = (gain · gradient - n · mean(n · gain · gradient)) / norm, and `dgain` (zeros at first) gains n · gradient.
 */
export function rmsNormGradientFunction(): FunctionBuilder {
  const f = defineFunction('rmsNormGradient', ['i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'f32']);
  const [x, gain, gradients, dx, dgain, rows, width, epsilon] = f.params as Params;
  const [row, at, s, g, dg, end] = Array.from({ length: 6 }, () => f.local('i32')) as unknown as Params;
  const [sum, dot, inverse, n, gs] = Array.from({ length: 5 }, () => f.local('v128')) as unknown as Params;
  f.body = loopTo(
    row,
    rows.get,
    1,
    sequence(
      end.set(i32.add(x.get, i32.mul(width.get, i32.const(4)))),
      sum.set(f32x4.const(0)),
      dot.set(f32x4.const(0)),
      at.set(x.get),
      s.set(gradients.get),
      g.set(gain.get),
      loopTo(
        at,
        end.get,
        VECTOR,
        sequence(
          squareInto(sum, at),
          gs.set(f32x4.mul(f32x4.load(g.get), f32x4.load(s.get))),
          dot.set(f32x4.add(dot.get, f32x4.mul(f32x4.load(at.get), gs.get))),
          advance(s, VECTOR),
          advance(g, VECTOR),
        ),
      ),
      inverse.set(f32x4.splat(inverseNorm(sum, width, epsilon))),
      // dot is Σ x · gain · gradient; times the inverse norm it is Σ n · gain · gradient.
      dot.set(f32x4.mul(f32x4.splat(f32.div(laneSum(dot), f32.fromInteger(width.get))), inverse.get)),
      g.set(gain.get),
      dg.set(dgain.get),
      loopTo(
        x,
        end.get,
        VECTOR,
        sequence(
          n.set(f32x4.mul(f32x4.load(x.get), inverse.get)),
          gs.set(f32x4.mul(f32x4.load(g.get), f32x4.load(gradients.get))),
          f32x4.store(dx.get, f32x4.mul(f32x4.sub(gs.get, f32x4.mul(n.get, dot.get)), inverse.get)),
          f32x4.store(dg.get, f32x4.add(f32x4.load(dg.get), f32x4.mul(n.get, f32x4.load(gradients.get)))),
          ...[g, dg, gradients, dx].map((pointer) => advance(pointer, VECTOR)),
        ),
      ),
    ),
  );
  return f;
}

/**
 * rotate(x, y, cos, sin, rows, heads, half, direction): rotates every head of every row by its position's
 * angles; row r uses row r of cos and sin (`half` entries each). `rest` floats after the heads are copied.
 * `direction` is 1, or -1 for the inverse. A head's pairs are (i, i + half).
 */
export function rotateFunction(): FunctionBuilder {
  const f = defineFunction('rotate', ['i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'f32']);
  const [x, y, cos, sin, rows, heads, half, rest, direction] = f.params as Params;
  const [row, head, c, s, end] = Array.from({ length: 5 }, () => f.local('i32')) as unknown as Params;
  const [first, second, cosine, sine, sign] = Array.from({ length: 5 }, () =>
    f.local('v128'),
  ) as unknown as Params;
  const halfBytes = i32.mul(half.get, i32.const(4));
  const [xFar, yFar] = [i32.add(x.get, halfBytes), i32.add(y.get, halfBytes)];
  f.body = sequence(
    sign.set(f32x4.splat(direction.get)),
    loopTo(
      row,
      rows.get,
      1,
      sequence(
        head.set(i32.const(0)),
        loopTo(
          head,
          heads.get,
          1,
          sequence(
            c.set(cos.get),
            s.set(sin.get),
            end.set(xFar),
            loopTo(
              x,
              end.get,
              VECTOR,
              sequence(
                first.set(f32x4.load(x.get)),
                second.set(f32x4.load(xFar)),
                cosine.set(f32x4.load(c.get)),
                sine.set(f32x4.mul(f32x4.load(s.get), sign.get)),
                f32x4.store(
                  y.get,
                  f32x4.sub(f32x4.mul(first.get, cosine.get), f32x4.mul(second.get, sine.get)),
                ),
                f32x4.store(
                  yFar,
                  f32x4.add(f32x4.mul(second.get, cosine.get), f32x4.mul(first.get, sine.get)),
                ),
                ...[c, s, y].map((pointer) => advance(pointer, VECTOR)),
              ),
            ),
            advance(x, halfBytes),
            advance(y, halfBytes),
          ),
        ),
        end.set(i32.add(x.get, i32.mul(rest.get, i32.const(4)))),
        loopTo(x, end.get, VECTOR, sequence(f32x4.store(y.get, f32x4.load(x.get)), advance(y, VECTOR))),
        advance(cos, halfBytes),
        advance(sin, halfBytes),
      ),
    ),
  );
  return f;
}

/**
 * scatterRows(source, indices, target, rows, width): adds row r of source to row indices[r] of target,
 * in the order of r.
 */
export function scatterRowsFunction(): FunctionBuilder {
  const f = defineFunction('scatterRows', ['i32', 'i32', 'i32', 'i32', 'i32']);
  const [source, indices, target, rows, width] = f.params as Params;
  const [row, to, end] = [f.local('i32'), f.local('i32'), f.local('i32')];
  const rowBytes = i32.mul(width.get, i32.const(4));
  f.body = loopTo(
    row,
    rows.get,
    1,
    sequence(
      to.set(i32.add(target.get, i32.mul(i32.load(indices.get), rowBytes))),
      end.set(i32.add(source.get, rowBytes)),
      loopTo(
        source,
        end.get,
        VECTOR,
        sequence(
          f32x4.store(to.get, f32x4.add(f32x4.load(to.get), f32x4.load(source.get))),
          advance(to, VECTOR),
        ),
      ),
      advance(indices, 4),
    ),
  );
  return f;
}

/**
 * scaleRows(matrix, scales, out, rows, width): out = matrix with row r times scales[r].
 */
export function scaleRowsFunction(): FunctionBuilder {
  const f = defineFunction('scaleRows', ['i32', 'i32', 'i32', 'i32', 'i32']);
  const [matrix, scales, out, rows, width] = f.params as Params;
  const [row, end, scale] = [f.local('i32'), f.local('i32'), f.local('v128')];
  f.body = loopTo(
    row,
    rows.get,
    1,
    sequence(
      scale.set(f32x4.loadSplat(scales.get)),
      end.set(i32.add(matrix.get, i32.mul(width.get, i32.const(4)))),
      loopTo(
        matrix,
        end.get,
        VECTOR,
        sequence(f32x4.store(out.get, f32x4.mul(f32x4.load(matrix.get), scale.get)), advance(out, VECTOR)),
      ),
      advance(scales, 4),
    ),
  );
  return f;
}

/** takeRows(source, indices, target, rows, width): row r of target is row indices[r] of source. */
export function takeRowsFunction(): FunctionBuilder {
  const f = defineFunction('takeRows', ['i32', 'i32', 'i32', 'i32', 'i32']);
  const [source, indices, target, rows, width] = f.params as Params;
  const [row, from, end] = [f.local('i32'), f.local('i32'), f.local('i32')];
  const rowBytes = i32.mul(width.get, i32.const(4));
  f.body = loopTo(
    row,
    rows.get,
    1,
    sequence(
      from.set(i32.add(source.get, i32.mul(i32.load(indices.get), rowBytes))),
      end.set(i32.add(target.get, rowBytes)),
      loopTo(
        target,
        end.get,
        VECTOR,
        sequence(f32x4.store(target.get, f32x4.load(from.get)), advance(from, VECTOR)),
      ),
      advance(indices, 4),
    ),
  );
  return f;
}
