import { LANES, type Program, program } from './program.ts';

/*
 * A draw from softmax in three programs without barriers, over blocks of `LANES` columns: the highest score of each block,
 * its sums, and a walk over blocks and then over the columns of one.
 */

/** Blocks of a row. */
export const blocksOf = (columns: number): number => Math.ceil(columns / LANES);

const COLUMNS = `
    fn columns() -> i32 { return uniforms.logitsShape.y; }
    fn blocks() -> i32 { return (columns() + ${LANES - 1}) / ${LANES}; }
    fn end(block : i32) -> i32 { return min((block + 1) * ${LANES}, columns()); }
    fn score(row : i32, column : i32) -> f32 {
      return logits[row * columns() + column] / uniforms.temperature;
    }`;

const HIGHEST = `
    fn highest(row : i32) -> f32 {
      var top = tops[row * blocks()];
      for (var block = 1; block < blocks(); block++) {
        top = max(top, tops[row * blocks() + block]);
      }
      return top;
    }`;

const TEMPERATURE = 'temperature : f32,';

/** The highest score of every block. */
export function blockTopsProgram(rows: number, columns: number): Program {
  const code = `${COLUMNS}
    fn main(index : i32) {
      if (index < uniforms.size) {
        let row = index / blocks();
        let block = index % blocks();
        var top = score(row, block * ${LANES});
        for (var column = block * ${LANES} + 1; column < end(block); column++) {
          top = max(top, score(row, column));
        }
        result[index] = top;
      }
    }`;
  const blocks = blocksOf(columns);
  return program('blockTops', [rows, blocks], ['logits'], rows * blocks, code, {
    size: true,
    uniforms: TEMPERATURE,
  });
}

/** With d for a score less the highest of its row: the sums of exp d over every block, then those of d exp d. */
export function blockSumsProgram(rows: number, columns: number): Program {
  const code = `${COLUMNS}${HIGHEST}
    fn main(index : i32) {
      if (index < uniforms.topsShape.x * blocks()) {
        let row = index / blocks();
        let block = index % blocks();
        let top = highest(row);
        var sum = 0.0;
        var mean = 0.0;
        for (var column = block * ${LANES}; column < end(block); column++) {
          let difference = score(row, column) - top;
          let weight = exp(difference);
          sum += weight;
          mean += weight * difference;
        }
        result[2 * row * blocks() + block] = sum;
        result[(2 * row + 1) * blocks() + block] = mean;
      }
    }`;
  const blocks = blocksOf(columns);
  return program('blockSums', [rows, 2 * blocks], ['logits', 'tops'], rows * blocks, code, {
    uniforms: TEMPERATURE,
  });
}

/** Id, difference to the highest score, sum of exp d and sum of d exp d of every draw. */
export function drawProgram(draws: number): Program {
  const code = `${COLUMNS}${HIGHEST}
    // Never a block of weight 0, as no column of weight 0 below.
    fn chosenBlock(row : i32, rest : ptr<function, f32>) -> i32 {
      var last = 0;
      for (var block = 0; block < blocks(); block++) {
        let sum = sums[2 * row * blocks() + block];
        if (sum > 0.0) {
          last = block;
          if (*rest < sum) {
            break;
          }
          *rest -= sum;
        }
      }
      return last;
    }
    fn chosenColumn(row : i32, top : f32, point : f32) -> i32 {
      var rest = point;
      let block = chosenBlock(row, &rest);
      var last = block * ${LANES};
      for (var column = last; column < end(block); column++) {
        let weight = exp(score(row, column) - top);
        if (weight > 0.0) {
          last = column;
          if (rest < weight) {
            break;
          }
          rest -= weight;
        }
      }
      return last;
    }
    fn bestColumn(row : i32, top : f32) -> i32 {
      var block = 0;
      while (tops[row * blocks() + block] < top) {
        block++;
      }
      var column = block * ${LANES};
      while (column < end(block) - 1 && score(row, column) < top) {
        column++;
      }
      return column;
    }
    fn main(index : i32) {
      if (index < uniforms.rowsShape) {
        let row = rows[index];
        let top = highest(row);
        var sum = 0.0;
        var mean = 0.0;
        for (var block = 0; block < blocks(); block++) {
          sum += sums[2 * row * blocks() + block];
          mean += sums[(2 * row + 1) * blocks() + block];
        }
        var id = 0;
        if (uniforms.greedy == 1) {
          id = bestColumn(row, top);
        } else {
          id = chosenColumn(row, top, points[index] * sum);
        }
        result[4 * index] = f32(id);
        result[4 * index + 1] = score(row, id) - top;
        result[4 * index + 2] = sum;
        result[4 * index + 3] = mean;
      }
    }`;
  // The uniform numbers have another name: tfjs calls the parameters of every program `uniforms`.
  return program('draw', [draws, 4], ['logits', 'tops', 'sums', 'rows', 'points'], draws, code, {
    uniforms: `${TEMPERATURE} greedy : i32,`,
  });
}
