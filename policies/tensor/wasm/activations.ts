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

/** 1.5 · 2^23: adding it to a small float rounds that to an integer, which then stands in the low bits. */
const ROUNDING = 12582912;

/**
 * e^x for every lane of `x`, written into `result` (Cephes' expf; about 2 units in the last place).
 * Exactly 0 below -87, so that masked positions add nothing, not even a denormal.
 */
function exponential(f: FunctionBuilder): (x: Code, result: Local) => Code {
  const [x, whole, rest, power] = [f.local('v128'), f.local('v128'), f.local('v128'), f.local('v128')];
  const coefficients = [1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1];
  return (input, result) =>
    sequence(
      x.set(f32x4.min(input, f32x4.const(88))),
      whole.set(f32x4.add(f32x4.mul(x.get, f32x4.const(Math.LOG2E)), f32x4.const(ROUNDING))),
      result.set(f32x4.sub(whole.get, f32x4.const(ROUNDING))),
      rest.set(f32x4.sub(x.get, f32x4.mul(result.get, f32x4.const(0.693359375)))),
      rest.set(f32x4.sub(rest.get, f32x4.mul(result.get, f32x4.const(-2.1219444e-4)))),
      power.set(f32x4.const(1.98756915e-4)),
      ...coefficients.map((value) =>
        power.set(f32x4.add(f32x4.mul(power.get, rest.get), f32x4.const(value))),
      ),
      power.set(f32x4.mul(power.get, f32x4.mul(rest.get, rest.get))),
      power.set(f32x4.add(f32x4.add(power.get, rest.get), f32x4.const(1))),
      // 2^whole by its exponent bits.
      whole.set(f32x4.shiftLeftBits(f32x4.addBits(whole.get, f32x4.splatBits(i32.const(127))), 23)),
      result.set(f32x4.andNot(f32x4.mul(power.get, whole.get), f32x4.less(x.get, f32x4.const(-87)))),
    );
}

/**
 * softmax(scores, stride, rows, visible, more, width, scale): turns each row of scores into softmax(scale · scores)
 * in place. Row r sees its first `visible + r · more` entries, the rest up to `width` becomes 0. `stride` in bytes.
 */
export function softmaxFunction(): FunctionBuilder {
  const f = defineFunction('softmax', ['i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'f32']);
  const [scores, stride, rows, visible, more, width, scale] = f.params as Params;
  const [row, at, end, limit] = [f.local('i32'), f.local('i32'), f.local('i32'), f.local('i32')];
  const [highest, value, sum, scales] = [f.local('v128'), f.local('v128'), f.local('v128'), f.local('v128')];
  const exp = exponential(f);
  const walk = (body: Code): Code => sequence(at.set(scores.get), loopTo(at, end.get, VECTOR, body));
  const bytes = (count: Code): Code => i32.mul(count, i32.const(4));
  f.body = sequence(
    scales.set(f32x4.splat(scale.get)),
    loopTo(
      row,
      rows.get,
      1,
      sequence(
        end.set(i32.add(scores.get, bytes(width.get))),
        limit.set(i32.add(visible.get, i32.mul(row.get, more.get))),
        at.set(i32.add(scores.get, bytes(limit.get))),
        loopTo(at, end.get, 4, f32.store(at.get, f32.const(-1e30))),
        highest.set(f32x4.const(-3e38)),
        walk(highest.set(f32x4.max(highest.get, f32x4.load(at.get)))),
        highest.set(
          f32x4.splat(
            f32.max(
              f32.max(f32x4.lane(highest.get, 0), f32x4.lane(highest.get, 1)),
              f32.max(f32x4.lane(highest.get, 2), f32x4.lane(highest.get, 3)),
            ),
          ),
        ),
        sum.set(f32x4.const(0)),
        walk(
          sequence(
            exp(f32x4.mul(f32x4.sub(f32x4.load(at.get), highest.get), scales.get), value),
            f32x4.store(at.get, value.get),
            sum.set(f32x4.add(sum.get, value.get)),
          ),
        ),
        sum.set(f32x4.splat(f32.div(f32.const(1), laneSum(sum)))),
        walk(f32x4.store(at.get, f32x4.mul(f32x4.load(at.get), sum.get))),
        advance(scores, stride.get),
      ),
    ),
  );
  return f;
}

/**
 * softmaxGradient(probabilities, gradients, stride, rows, width, scale): overwrites `gradients` (d loss / d
 * probability) with d loss / d score: scale · p · (gradient - Σ p · gradient).
 */
export function softmaxGradientFunction(): FunctionBuilder {
  const f = defineFunction('softmaxGradient', ['i32', 'i32', 'i32', 'i32', 'i32', 'f32']);
  const [probabilities, gradients, stride, rows, width, scale] = f.params as Params;
  const [row, p, s, end] = [f.local('i32'), f.local('i32'), f.local('i32'), f.local('i32')];
  const [sum, scales] = [f.local('v128'), f.local('v128')];
  const walk = (body: Code): Code =>
    sequence(
      p.set(probabilities.get),
      s.set(gradients.get),
      loopTo(p, end.get, VECTOR, sequence(body, advance(s, VECTOR))),
    );
  f.body = sequence(
    scales.set(f32x4.splat(scale.get)),
    loopTo(
      row,
      rows.get,
      1,
      sequence(
        end.set(i32.add(probabilities.get, i32.mul(width.get, i32.const(4)))),
        sum.set(f32x4.const(0)),
        walk(sum.set(f32x4.add(sum.get, f32x4.mul(f32x4.load(p.get), f32x4.load(s.get))))),
        sum.set(f32x4.splat(laneSum(sum))),
        walk(
          f32x4.store(
            s.get,
            f32x4.mul(f32x4.mul(f32x4.load(p.get), scales.get), f32x4.sub(f32x4.load(s.get), sum.get)),
          ),
        ),
        advance(probabilities, stride.get),
        advance(gradients, stride.get),
      ),
    ),
  );
  return f;
}

/** swiGlu(x, y, rows, width): x has rows [gate, up] of 2 · width, y = gate · sigmoid(gate) · up. */
export function swiGluFunction(): FunctionBuilder {
  const f = defineFunction('swiGlu', ['i32', 'i32', 'i32', 'i32']);
  const [x, y, rows, width] = f.params as Params;
  const [row, up, end] = [f.local('i32'), f.local('i32'), f.local('i32')];
  const [gate, power] = [f.local('v128'), f.local('v128')];
  const exp = exponential(f);
  f.body = loopTo(
    row,
    rows.get,
    1,
    sequence(
      end.set(i32.add(x.get, i32.mul(width.get, i32.const(4)))),
      up.set(end.get),
      loopTo(
        x,
        end.get,
        VECTOR,
        sequence(
          gate.set(f32x4.load(x.get)),
          exp(f32x4.neg(gate.get), power),
          f32x4.store(
            y.get,
            f32x4.mul(f32x4.div(gate.get, f32x4.add(power.get, f32x4.const(1))), f32x4.load(up.get)),
          ),
          advance(up, VECTOR),
          advance(y, VECTOR),
        ),
      ),
      x.set(up.get),
    ),
  );
  return f;
}

/** swiGluGradient(x, gradients, dx, rows, width): the gradient of `swiGlu` for both halves of x. */
export function swiGluGradientFunction(): FunctionBuilder {
  const f = defineFunction('swiGluGradient', ['i32', 'i32', 'i32', 'i32', 'i32']);
  const [x, gradients, dx, rows, width] = f.params as Params;
  const [row, up, dup, end] = [f.local('i32'), f.local('i32'), f.local('i32'), f.local('i32')];
  const [gate, sigmoid, silu, gradient] = Array.from({ length: 4 }, () =>
    f.local('v128'),
  ) as unknown as Params;
  const exp = exponential(f);
  f.body = loopTo(
    row,
    rows.get,
    1,
    sequence(
      end.set(i32.add(x.get, i32.mul(width.get, i32.const(4)))),
      up.set(end.get),
      dup.set(i32.add(dx.get, i32.mul(width.get, i32.const(4)))),
      loopTo(
        x,
        end.get,
        VECTOR,
        sequence(
          gate.set(f32x4.load(x.get)),
          gradient.set(f32x4.load(gradients.get)),
          exp(f32x4.neg(gate.get), sigmoid),
          sigmoid.set(f32x4.div(f32x4.const(1), f32x4.add(sigmoid.get, f32x4.const(1)))),
          silu.set(f32x4.mul(gate.get, sigmoid.get)),
          f32x4.store(dup.get, f32x4.mul(gradient.get, silu.get)),
          // d silu / d gate = sigmoid · (1 + gate - silu)
          f32x4.store(
            dx.get,
            f32x4.mul(
              f32x4.mul(gradient.get, f32x4.load(up.get)),
              f32x4.mul(sigmoid.get, f32x4.add(f32x4.const(1), f32x4.sub(gate.get, silu.get))),
            ),
          ),
          ...[up, dup, dx, gradients].map((pointer) => advance(pointer, VECTOR)),
        ),
      ),
      x.set(up.get),
      dx.set(dup.get),
    ),
  );
  return f;
}
