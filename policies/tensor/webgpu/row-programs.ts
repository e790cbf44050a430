import type { HeadLayout } from '../layout.ts';
import { LANES, type Program, program } from './program.ts';

/** The rows of a matrix at given indices. */
export function takeRowsProgram(count: number, width: number): Program {
  const code = `
    fn main(index : i32) {
      if (index < uniforms.size) {
        let width = uniforms.outShape.y;
        result[index] = matrix[indices[index / width] * width + index % width];
      }
    }`;
  return program('takeRows', [count, width], ['matrix', 'indices'], count * width, code, { size: true });
}

/**
 * Sums of the rows with the same index, in their order: tfjs's own adds them up in the order in which threads come by,
 * and two runs differ.
 */
export function scatterRowsProgram(count: number, width: number): Program {
  const lanes = width % 4 === 0 ? 4 : 1;
  const type = lanes === 4 ? 'vec4<f32>' : 'f32';
  const code = `
    fn main(index : i32) {
      let width = uniforms.outShape.y / ${lanes};
      if (index < uniforms.outShape.x * width) {
        let row = index / width;
        var sum = ${type}(0.0);
        for (var at = 0; at < uniforms.indicesShape; at++) {
          if (indices[at] == row) {
            sum += rows[at * width + index % width];
          }
        }
        result[index] = sum;
      }
    }`;
  return program(`scatterRows${lanes}`, [count, width], ['rows', 'indices'], (count * width) / lanes, code, {
    outputComponent: lanes,
    variableComponents: [lanes, 1],
  });
}

/** 1 / √(mean square + epsilon) of every row of x. */
export function inverseNormProgram(rows: number): Program {
  const code = `
    fn main(index : i32) {
      if (index < uniforms.outShape) {
        let width = uniforms.xShape.y;
        var sum = 0.0;
        for (var at = index * width; at < (index + 1) * width; at++) {
          sum += x[at] * x[at];
        }
        result[index] = inverseSqrt(sum / f32(width) + uniforms.epsilon);
      }
    }`;
  return program('inverseNorm', [rows], ['x'], rows, code, { uniforms: 'epsilon : f32,' });
}

/** x · gain · inverse of its row. */
export function scaledRowsProgram(rows: number, width: number): Program {
  const code = `
    fn main(index : i32) {
      if (index < uniforms.size) {
        let width = uniforms.outShape.y;
        result[index] = x[index] * inverse[index / width] * gain[index % width];
      }
    }`;
  return program('scaledRows', [rows, width], ['x', 'gain', 'inverse'], rows * width, code, { size: true });
}

/** How much of a row's gradients is along the row itself, where normalisation takes it out: one factor of x per row. */
export function alongRowsProgram(rows: number): Program {
  const code = `
    fn main(index : i32) {
      if (index < uniforms.outShape) {
        let width = uniforms.xShape.y;
        var sum = 0.0;
        for (var column = 0; column < width; column++) {
          let at = index * width + column;
          sum += gradients[at] * gain[column] * x[at];
        }
        result[index] = sum * pow(inverse[index], 3.0) / f32(width);
      }
    }`;
  return program('alongRows', [rows], ['x', 'gain', 'gradients', 'inverse'], rows, code);
}

/** Gradients of x in the normalisation of rows. */
export function normGradientsProgram(rows: number, width: number): Program {
  const code = `
    fn main(index : i32) {
      if (index < uniforms.size) {
        let width = uniforms.outShape.y;
        let row = index / width;
        result[index] = gradients[index] * gain[index % width] * inverse[row] - x[index] * along[row];
      }
    }`;
  const inputs = ['x', 'gain', 'gradients', 'inverse', 'along'];
  return program('normGradients', [rows, width], inputs, rows * width, code, { size: true });
}

/** Gradients of the gain in the normalisation of rows: sums over `LANES` rows at a time. */
export function gainGradientsProgram(rows: number, width: number): Program {
  const blocks = Math.ceil(rows / LANES);
  const code = `
    fn main(index : i32) {
      if (index < uniforms.size) {
        let width = uniforms.outShape.y;
        let first = index / width * ${LANES};
        var sum = 0.0;
        for (var row = first; row < min(first + ${LANES}, uniforms.xShape.x); row++) {
          let at = row * width + index % width;
          sum += gradients[at] * x[at] * inverse[row];
        }
        result[index] = sum;
      }
    }`;
  const inputs = ['x', 'gradients', 'inverse'];
  return program('gainGradients', [blocks, width], inputs, blocks * width, code, { size: true });
}

/** Sums over rows. */
export function sumRowsProgram(width: number): Program {
  const code = `
    fn main(index : i32) {
      if (index < uniforms.outShape) {
        var sum = 0.0;
        for (var row = 0; row < uniforms.xShape.x; row++) {
          sum += x[row * uniforms.outShape + index];
        }
        result[index] = sum;
      }
    }`;
  return program('sumRows', [width], ['x'], width, code);
}

/** silu(gate) · up for rows [gate, up]. */
export function swiGluProgram(rows: number, width: number): Program {
  const code = `
    fn main(index : i32) {
      if (index < uniforms.size) {
        let width = uniforms.outShape.y;
        let at = index / width * 2 * width + index % width;
        result[index] = x[at] / (1.0 + exp(-x[at])) * x[at + width];
      }
    }`;
  return program('swiGlu', [rows, width], ['x'], rows * width, code, { size: true });
}

/** Gradients of rows [gate, up]. */
export function swiGluGradientsProgram(rows: number, width: number): Program {
  const code = `
    fn main(index : i32) {
      if (index < uniforms.size) {
        let both = uniforms.outShape.y;
        let width = both / 2;
        let row = index / both;
        let column = index % width;
        let gradient = gradients[row * width + column];
        let gate = x[row * both + column];
        let sigmoid = 1.0 / (1.0 + exp(-gate));
        if (index % both < width) {
          let up = x[row * both + width + column];
          result[index] = gradient * up * sigmoid * (1.0 + gate * (1.0 - sigmoid));
        } else {
          result[index] = gradient * gate * sigmoid;
        }
      }
    }`;
  return program('swiGluGradients', [rows, 2 * width], ['x', 'gradients'], rows * 2 * width, code, {
    size: true,
  });
}

/** Turns pairs of numbers of queries and keys by the angles of their row; values stay. */
export function rotateProgram(rows: number, { heads, kvHeads, headSize }: HeadLayout): Program {
  const width = (heads + 2 * kvHeads) * headSize;
  const code = `
    fn main(index : i32) {
      if (index < uniforms.size) {
        let column = index % ${width};
        let within = column % ${headSize};
        let other = index + select(-${headSize / 2}, ${headSize / 2}, within < ${headSize / 2});
        let sign = select(uniforms.direction, -uniforms.direction, within < ${headSize / 2});
        let angle = index / ${width} % uniforms.cos_Shape.x * ${headSize / 2} + within % ${headSize / 2};
        if (column < ${(heads + kvHeads) * headSize}) {
          result[index] = x[index] * cos_[angle] + sign * x[other] * sin_[angle];
        } else {
          result[index] = x[index];
        }
      }
    }`;
  const key = `rotate_${heads}_${kvHeads}_${headSize}`;
  return program(key, [rows, width], ['x', 'cos_', 'sin_'], rows * width, code, {
    size: true,
    uniforms: 'direction : f32,',
  });
}
