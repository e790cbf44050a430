import { InputError } from '../core/errors.ts';

/** A commander parser for whole numbers of a range. */
export function wholeNumber(option: string, minimum: number, maximum: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^-?\d+$/.test(text) || value < minimum || value > maximum) {
      throw new InputError(
        `${option}: '${text}' is not valid; valid: whole number from ${minimum} to ${maximum}`,
      );
    }
    return value;
  };
}

/** A commander parser for numbers of a range. */
export function decimalIn(option: string, minimum: number, maximum: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() === '' || !(value >= minimum && value <= maximum)) {
      throw new InputError(`${option}: '${text}' is not valid; valid: number from ${minimum} to ${maximum}`);
    }
    return value;
  };
}

/** A commander parser for numbers above 0. */
export function positive(option: string): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!(value > 0 && value < Number.POSITIVE_INFINITY)) {
      throw new InputError(`${option}: '${text}' is not valid; valid: number above 0`);
    }
    return value;
  };
}

/** A commander parser for any number. */
export function finite(option: string): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() === '' || !Number.isFinite(value)) {
      throw new InputError(`${option}: '${text}' is not valid; valid: number`);
    }
    return value;
  };
}

/** A commander parser for options that may be given more than once. */
export function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

/** Default folder for caches, in the current folder. */
export const DEFAULT_CACHE = '.creditbench';
