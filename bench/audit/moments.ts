/** Weighted first and second moments of a vector. */
export class Moments {
  readonly mean: Float64Array;
  readonly square: Float64Array;

  constructor(size: number) {
    this.mean = new Float64Array(size);
    this.square = new Float64Array(size);
  }

  add(values: Float64Array, weight: number): void {
    for (let index = 0; index < values.length; index++) {
      const value = values[index]!;
      this.mean[index]! += weight * value;
      this.square[index]! += weight * value * value;
    }
  }
}
