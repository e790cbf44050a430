/** A record as the file has it. */
export interface RawRecord {
  readonly value: unknown;
  /** 'line 12', 'row 3', 'record 5 (line 120)'. */
  readonly at: string;
  /** From 0. */
  readonly index: number;
  /** Its key, where the file is one JSON object. */
  readonly key?: string;
}
