import * as tf from '@tensorflow/tfjs';
import { overwriteRows } from './in-place.ts';
import { attendHeads, causalMask, takeRows } from './ops.ts';
import { PAGE, type PagedTokens, type PageShape, type PageStore } from './page-store.ts';

/** Floats of keys that are laid out at once, about; the values are as many again. */
const BATCH_FLOATS = 1 << 24;

/** Tokens of one sequence that stand side by side. */
interface Run {
  /** Row of its first token. */
  readonly first: number;
  readonly queries: number;
  /** Its pages up to that of its last token. */
  readonly pages: Int32Array;
  /** Of its first token. */
  readonly position: number;
}

/** Runs that are padded to `most` queries and `pages` pages. */
interface RunBatch {
  readonly runs: readonly Run[];
  readonly most: number;
  readonly pages: number;
}

/** Where a batch's numbers are, on the device: for all layers. */
interface BatchPlaces {
  readonly batch: RunBatch;
  /** Rows of its queries. */
  readonly asked: tf.Tensor1D;
  /** Heads of pages. */
  readonly pages: tf.Tensor1D;
  readonly mask: tf.Tensor;
}

/** Where the numbers of tokens are. */
interface Places {
  /** Heads of positions that the new keys and values are written to. */
  readonly written: tf.Tensor1D;
  readonly batches: readonly BatchPlaces[];
  /** Each token's row in the rows of all batches. */
  readonly rows: tf.Tensor1D;
}

/**
 * Pages on the device, for the backends `tensorflow` and `cpu`, in plain operations: new keys and values are written in
 * place; the pages of sequences of about one length are gathered side by side and attended to as a batch. Every layer has
 * its keys and its values, page by page and head by head, [PAGE, headSize] each.
 */
export function operationStore(shape: PageShape, pagesPerSlab: number): PageStore {
  const { layers, heads, kvHeads, headSize } = shape;
  const floats = kvHeads * PAGE * headSize;
  const empty = (pages: number) => tf.zeros<tf.Rank.R2>([pages * kvHeads, PAGE * headSize]);
  /** Keys and values of every layer, one row per head of a page, and the same numbers one row per position of it. */
  let caches: readonly tf.Tensor2D[] = Array.from({ length: 2 * layers }, () => empty(0));
  let positions: readonly tf.Tensor2D[] = [];
  let size = 0;
  let current: { readonly tokens: PagedTokens; readonly places: Places } | undefined;

  const forget = (): void => {
    if (current === undefined) return;
    const { written, rows, batches } = current.places;
    tf.dispose([written, rows, ...batches.flatMap(({ asked, pages, mask }) => [asked, pages, mask])]);
    current = undefined;
  };

  /** The same for all layers: made for the first and kept for the others. */
  const placesOf = (tokens: PagedTokens): Places => {
    if (current?.tokens === tokens) return current.places;
    forget();
    const runs = runsOf(tokens);
    const batches = batchesOf(runs, floats);
    const places = {
      written: indices(writtenBy(runs, tokens.positions.length, kvHeads)),
      batches: batches.map((batch) => batchPlaces(batch, kvHeads)),
      rows: indices(rowsOf(batches, tokens.positions.length)),
    };
    current = { tokens, places };
    return places;
  };

  const attendBatch = (
    all: tf.Tensor2D,
    { batch: { runs, most, pages }, ...places }: BatchPlaces,
    layer: number,
  ): tf.Tensor2D => {
    const group = heads / kvHeads;
    const taken = takeRows(all, places.asked);
    const apart =
      most === 1
        ? taken
        : tf.transpose(tf.reshape(taken, [runs.length, most, kvHeads, group, headSize]), [0, 2, 3, 1, 4]);
    const [keys, values] = [0, 1].map((kind) =>
      tf.reshape(takeRows(caches[2 * layer + kind]!, places.pages), [
        runs.length * kvHeads,
        pages * PAGE,
        headSize,
      ]),
    ) as [tf.Tensor3D, tf.Tensor3D];
    const queries = tf.reshape<tf.Rank.R3>(apart, [runs.length * kvHeads, group * most, headSize]);
    return attendHeads({ queries, keys, values }, places.mask, shape);
  };

  return {
    get size() {
      return size;
    },
    most: Number.POSITIVE_INFINITY,
    grow: () => {
      const old = [...caches, ...positions];
      caches = caches.map((cache) => tf.keep(tf.tidy(() => tf.concat([cache, empty(pagesPerSlab)]))));
      positions = caches.map((cache) => tf.keep(tf.reshape(cache, [-1, headSize])));
      tf.dispose(old);
      size += pagesPerSlab;
    },
    copy: (from, to) =>
      tf.tidy(() => {
        const target = indices(Int32Array.from({ length: kvHeads }, (_, head) => to * kvHeads + head));
        for (const cache of caches) {
          overwriteRows(cache, target, tf.slice(cache, [from * kvHeads, 0], [kvHeads, PAGE * headSize]));
        }
        target.dispose();
      }),
    attend: (x, tokens, layer) => {
      const mixed = tf.tidy(() => {
        const parts = tf.split(x, [heads * headSize, kvHeads * headSize, kvHeads * headSize], 1);
        const [queries, ...written] = parts as [tf.Tensor2D, tf.Tensor2D, tf.Tensor2D];
        const places = placesOf(tokens);
        for (const [kind, rows] of written.entries()) {
          const cache = positions[2 * layer + kind]!;
          overwriteRows(cache, places.written, tf.reshape(rows, [-1, headSize]));
        }
        const found = places.batches.map((batch) => attendBatch(queries, batch, layer));
        return takeRows(found.length === 1 ? found[0]! : tf.concat(found), places.rows);
      });
      if (layer === layers - 1) forget();
      return mixed;
    },
    dispose: () => {
      forget();
      tf.dispose([...caches, ...positions]);
    },
  };
}

/** Kept until they are disposed of. */
const indices = (values: Int32Array): tf.Tensor1D => tf.keep(tf.tensor1d(values, 'int32'));

function batchPlaces(batch: RunBatch, kvHeads: number): BatchPlaces {
  const { runs, most, pages: longest } = batch;
  const asked = new Int32Array(runs.length * most);
  const positions = new Int32Array(runs.length * most);
  const pages = new Int32Array(runs.length * kvHeads * longest);
  for (const [run, { first, queries, position, ...of }] of runs.entries()) {
    for (let query = 0; query < most; query++) {
      const known = Math.min(query, queries - 1);
      asked[run * most + query] = first + known;
      positions[run * most + query] = position + known;
    }
    for (let head = 0; head < kvHeads; head++) {
      for (let at = 0; at < longest; at++) {
        // Padding is of the run's own, so that what is masked is at least a number.
        const page = of.pages[at] ?? of.pages[0]!;
        pages[(run * kvHeads + head) * longest + at] = page * kvHeads + head;
      }
    }
  }
  const at = tf.tensor2d(positions, [runs.length, most], 'int32');
  const mask = tf.keep(causalMask(at, longest * PAGE));
  at.dispose();
  return { batch, asked: indices(asked), pages: indices(pages), mask };
}

/** Heads of the positions of all tokens. */
function writtenBy(runs: readonly Run[], tokens: number, kvHeads: number): Int32Array {
  const written = new Int32Array(tokens * kvHeads);
  let next = 0;
  for (const { pages, position, queries } of runs) {
    for (let at = position; at < position + queries; at++) {
      const page = pages[Math.floor(at / PAGE)]!;
      for (let head = 0; head < kvHeads; head++)
        written[next++] = (page * kvHeads + head) * PAGE + (at % PAGE);
    }
  }
  return written;
}

function runsOf({ pages, starts, positions }: PagedTokens): readonly Run[] {
  const runs: Run[] = [];
  for (let first = 0; first < starts.length; ) {
    const start = starts[first]!;
    let end = first + 1;
    while (end < starts.length && starts[end] === start) end++;
    const last = positions[end - 1]!;
    runs.push({
      first,
      queries: end - first,
      pages: pages.subarray(start, start + Math.floor(last / PAGE) + 1),
      position: positions[first]!,
    });
    first = end;
  }
  return runs;
}

/** Floats that are as fast to gather and attend to as the operations of one more batch are to start, about. */
const PADDING_FLOATS = 1 << 18;

/**
 * Runs with the same power of two above their queries, by their pages: a batch ends where padding the shorter to the
 * longest would take longer than another batch.
 */
function batchesOf(runs: readonly Run[], floatsPerPage: number): readonly RunBatch[] {
  const groups = new Map<number, Run[]>();
  for (const run of runs) {
    const size = 2 ** Math.ceil(Math.log2(run.queries));
    const group = groups.get(size) ?? [];
    groups.set(size, group);
    group.push(run);
  }
  return [...groups.values()].flatMap((group) => {
    const batches: Run[][] = [];
    let padding = 0;
    // The longest first.
    for (const run of group.toSorted((a, b) => b.pages.length - a.pages.length)) {
      const batch = batches.at(-1);
      const { length: count = 0, 0: longest } = batch ?? [];
      const pages = (longest ?? run).pages.length;
      padding += (pages - run.pages.length) * floatsPerPage;
      const floats = (count + 1) * pages * floatsPerPage;
      if (batch !== undefined && padding <= PADDING_FLOATS && floats <= BATCH_FLOATS) {
        batch.push(run);
      } else {
        batches.push([run]);
        padding = 0;
      }
    }
    return batches.map((batch) => ({
      runs: batch,
      most: Math.max(...batch.map(({ queries }) => queries)),
      pages: batch[0]!.pages.length,
    }));
  });
}

/** Where each token's row is in the rows of all batches. */
function rowsOf(batches: readonly RunBatch[], tokens: number): Int32Array {
  const rows = new Int32Array(tokens);
  let offset = 0;
  for (const { runs, most } of batches) {
    for (const { first, queries } of runs) {
      for (let query = 0; query < queries; query++) rows[first + query] = offset + query;
      offset += most;
    }
  }
  return rows;
}
