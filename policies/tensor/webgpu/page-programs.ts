import { PAGE, type PageShape, pageFloats } from '../page-store.ts';
import { type Program, program } from './program.ts';

/** Overwrites one page with another, in place. */
export function copyPageProgram(pages: number, floats: number): Program {
  const code = `
    fn main(index : i32) {
      let floats = uniforms.outShape.y;
      if (index < floats) {
        result[uniforms.to * floats + index] = result[uniforms.from_ * floats + index];
      }
    }`;
  return program('copyPage', [pages, floats], [], floats, code, { uniforms: 'from_ : i32, to : i32,' });
}

/** Where things are in a page: as on wasm, layer by layer and head by head, [headSize][PAGE] keys, then values. */
const placesOf = (shape: PageShape): string => `
    const HEADS = ${shape.heads};
    const KV_HEADS = ${shape.kvHeads};
    const SIZE = ${shape.headSize};
    const PAGE = ${PAGE};
    const WIDTH = ${(shape.heads + 2 * shape.kvHeads) * shape.headSize};
    // Of what the processor knows: the pages, then where each token's sequence begins in them, then its position.
    fn start(token : i32) -> i32 { return places[uniforms.pages + token]; }
    fn position(token : i32) -> i32 { return places[uniforms.pages + uniforms.tokens + token]; }
    // Where keys of the page begin that has a position of the sequence that begins at \`begin\`.
    fn keysAt(begin : i32, at : i32, head : i32) -> i32 {
      return places[begin + at / PAGE] * ${pageFloats(shape)} + (uniforms.layer * KV_HEADS + head) * 2 * SIZE * PAGE;
    }`;

const PLACES = 'pages : i32, tokens : i32, layer : i32,';

const keyOf = ({ heads, kvHeads, headSize, layers }: PageShape): string =>
  [heads, kvHeads, headSize, layers].join('_');

/** Writes keys and values of a matrix of rows [queries, keys, values] into pages, in place. */
export function writePagesProgram(shape: PageShape, pages: number, tokens: number): Program {
  const code = `${placesOf(shape)}
    fn main(index : i32) {
      if (index < uniforms.tokens * KV_HEADS * SIZE) {
        let within = index % SIZE;
        let head = index / SIZE % KV_HEADS;
        let token = index / (SIZE * KV_HEADS);
        let at = position(token);
        let keys = keysAt(start(token), at, head);
        let source = token * WIDTH + (HEADS + head) * SIZE + within;
        result[keys + within * PAGE + at % PAGE] = x[source];
        result[keys + (PAGE + at % PAGE) * SIZE + within] = x[source + KV_HEADS * SIZE];
      }
    }`;
  const threads = tokens * shape.kvHeads * shape.headSize;
  return program(`writePages_${keyOf(shape)}`, [pages, pageFloats(shape)], ['x', 'places'], threads, code, {
    uniforms: PLACES,
  });
}

/*
 * Attention in three programs without barriers between threads, which software drivers are very slow at. Rows of
 * `scores` are [token, head], `longest` apart.
 */

/** Products of every query with the keys of its sequence up to its own position, over √headSize. */
export function scoresProgram(shape: PageShape, tokens: number, longest: number): Program {
  const { heads, kvHeads, headSize } = shape;
  const code = `${placesOf(shape)}
    fn main(index : i32) {
      if (index < uniforms.size) {
        let longest = uniforms.outShape.y;
        let at = index % longest;
        let head = index / longest % HEADS;
        let token = index / longest / HEADS;
        if (at <= position(token)) {
          let query = token * WIDTH + head * SIZE;
          let keys = keysAt(start(token), at, head / ${heads / kvHeads}) + at % PAGE;
          var score = 0.0;
          for (var i = 0; i < SIZE; i++) {
            score += x[query + i] * cache[keys + i * PAGE];
          }
          result[index] = score * ${1 / Math.sqrt(headSize)};
        }
      }
    }`;
  const rows = tokens * heads;
  return program(`scores_${keyOf(shape)}`, [rows, longest], ['cache', 'x', 'places'], rows * longest, code, {
    size: true,
    uniforms: PLACES,
  });
}

/** Softmax of the scores up to each token's own position, in place. */
export function weightsProgram(shape: PageShape, tokens: number, longest: number): Program {
  const rows = tokens * shape.heads;
  const code = `${placesOf(shape)}
    fn main(index : i32) {
      if (index < uniforms.outShape.x) {
        let from_ = index * uniforms.outShape.y;
        let end = from_ + position(index / HEADS) + 1;
        var largest = result[from_];
        for (var at = from_ + 1; at < end; at++) {
          largest = max(largest, result[at]);
        }
        var sum = 0.0;
        for (var at = from_; at < end; at++) {
          let weight = exp(result[at] - largest);
          sum += weight;
          result[at] = weight;
        }
        for (var at = from_; at < end; at++) {
          result[at] /= sum;
        }
      }
    }`;
  return program(`weights_${keyOf(shape)}`, [rows, longest], ['places'], rows, code, { uniforms: PLACES });
}

/** Sums of the values of a sequence, weighted, for every token and head. */
export function mixProgram(shape: PageShape, tokens: number): Program {
  const { heads, kvHeads, headSize } = shape;
  const code = `${placesOf(shape)}
    fn main(index : i32) {
      if (index < uniforms.size) {
        let row = index / SIZE;
        let token = row / HEADS;
        let begin = start(token);
        let head = row % HEADS / ${heads / kvHeads};
        var sum = 0.0;
        for (var at = 0; at <= position(token); at++) {
          let values = keysAt(begin, at, head) + (PAGE + at % PAGE) * SIZE;
          sum += weights[row * uniforms.weightsShape.y + at] * cache[values + index % SIZE];
        }
        result[index] = sum;
      }
    }`;
  const inputs = ['cache', 'weights', 'places'];
  const shapeOut = [tokens, heads * headSize] as const;
  return program(`mix_${keyOf(shape)}`, shapeOut, inputs, tokens * heads * headSize, code, {
    size: true,
    uniforms: PLACES,
  });
}
