import { type FileHandle, open, rm } from 'node:fs/promises';
import type { TurnCredit } from '../credit.ts';
import { isConstant } from './row.ts';

/** Numbers that are kept before they are written. */
const BUFFERED = 2 ** 17;

/**
 * Keeps the credit of rows until their turn comes: methods come one after the other, and batches in another order than rows.
 * In a file, because it may be more than there is memory for.
 */
export class CreditSpool {
  private readonly path: string;
  private readonly methods: number;
  private file: FileHandle | undefined;
  private readonly buffer = new Float64Array(BUFFERED);
  private buffered = 0;
  /** Numbers in the file. */
  private written = 0;
  /** By row: where the numbers of every method are, and how many. */
  private readonly places = new Map<number, Float64Array>();

  /** @param path of the file, which is made and removed. */
  constructor(path: string, methods: number) {
    this.path = path;
    this.methods = methods;
  }

  async put(row: number, method: number, turns: readonly TurnCredit[]): Promise<void> {
    const numbers = encoded(turns);
    let places = this.places.get(row);
    if (places === undefined) {
      places = new Float64Array(2 * this.methods);
      this.places.set(row, places);
    }
    if (this.buffered + numbers.length > BUFFERED) await this.flush();
    places[2 * method] = this.written + this.buffered;
    places[2 * method + 1] = numbers.length;
    if (numbers.length > BUFFERED) {
      await this.append(numbers);
    } else {
      this.buffer.set(numbers, this.buffered);
      this.buffered += numbers.length;
    }
  }

  /** The credit of a row by method, which is then forgotten; undefined of a method that could say nothing. */
  async take(row: number): Promise<readonly (readonly TurnCredit[] | undefined)[]> {
    const places = this.places.get(row);
    const found: (readonly TurnCredit[] | undefined)[] = [];
    for (let method = 0; method < this.methods; method++) {
      const length = places?.[2 * method + 1] ?? 0;
      found.push(length === 0 ? undefined : decoded(await this.read(places![2 * method]!, length)));
    }
    this.places.delete(row);
    if (this.places.size === 0) {
      // All of it has been taken: the file begins anew.
      this.buffered = 0;
      this.written = 0;
    }
    return found;
  }

  async close(): Promise<void> {
    await this.file?.close();
    this.file = undefined;
    await rm(this.path, { force: true });
  }

  private async read(from: number, length: number): Promise<Float64Array> {
    if (from >= this.written) {
      return this.buffer.slice(from - this.written, from - this.written + length);
    }
    const numbers = new Float64Array(length);
    const bytes = new Uint8Array(numbers.buffer);
    for (let filled = 0; filled < bytes.length; ) {
      const { bytesRead } = await this.file!.read(bytes, filled, bytes.length - filled, 8 * from + filled);
      if (bytesRead === 0) throw new Error(`${this.path}: shorter than it was written`);
      filled += bytesRead;
    }
    return numbers;
  }

  private async flush(): Promise<void> {
    const numbers = this.buffer.subarray(0, this.buffered);
    this.buffered = 0;
    await this.append(numbers);
  }

  private async append(numbers: Float64Array): Promise<void> {
    this.file ??= await open(this.path, 'w+');
    const bytes = new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);
    for (let done = 0; done < bytes.length; ) {
      const at = 8 * this.written + done;
      done += (await this.file.write(bytes, done, bytes.length - done, at)).bytesWritten;
    }
    this.written += numbers.length;
  }
}

/** Of every turn: its tokens (0: not trained), then one number for all, or one each. */
function encoded(turns: readonly TurnCredit[]): Float64Array {
  const constant = turns.map((turn) => turn !== undefined && isConstant(turn));
  const sizes = turns.map((turn, index) => (turn === undefined ? 1 : constant[index] ? 2 : 1 + turn.length));
  const numbers = new Float64Array(sizes.reduce((sum, size) => sum + size, 0));
  let at = 0;
  for (const [index, turn] of turns.entries()) {
    if (turn !== undefined) {
      // Negative: one number for all.
      numbers[at] = constant[index] ? -turn.length : turn.length;
      if (constant[index]) numbers[at + 1] = turn[0]!;
      else numbers.set(turn, at + 1);
    }
    at += sizes[index]!;
  }
  return numbers;
}

function decoded(numbers: Float64Array): readonly TurnCredit[] {
  const turns: TurnCredit[] = [];
  for (let at = 0; at < numbers.length; ) {
    const count = numbers[at]!;
    if (count === 0) {
      turns.push(undefined);
      at += 1;
    } else if (count < 0) {
      turns.push(new Float64Array(-count).fill(numbers[at + 1]!));
      at += 2;
    } else {
      turns.push(numbers.slice(at + 1, at + 1 + count));
      at += 1 + count;
    }
  }
  return turns;
}
