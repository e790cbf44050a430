import { printableJsonLine } from '../../../core/printable.ts';
import type { TurnCredit } from '../credit.ts';
import { CREDIT_FORMAT, CREDIT_VERSION } from '../credit-record.ts';

/**
 * What methods say of one trajectory: by method and turn. A method that could say nothing has no entry.
 * @experimental
 */
export interface CreditedTrajectory {
  readonly group: string;
  readonly id: string;
  readonly credits: Readonly<Record<string, readonly TurnCredit[]>>;
}

/**
 * A line of a file of credit (`CreditRecord`), without its end: made piece by piece, since most are one number many times.
 * @experimental
 */
export function creditLine({ group, id, credits }: CreditedTrajectory): string {
  const head = printableJsonLine({ format: CREDIT_FORMAT, version: CREDIT_VERSION, group, id });
  const methods = Object.entries(credits).map(
    ([method, turns]) => `${printableJsonLine(method)}:[${turns.map(turnText).join(',')}]`,
  );
  return `${head.slice(0, -1)},"advantages":{${methods.join(',')}}}`;
}

function turnText(turn: TurnCredit): string {
  if (turn === undefined) return 'null';
  if (isConstant(turn)) return `[${`${numberText(turn[0]!)},`.repeat(turn.length).slice(0, -1)}]`;
  return `[${Array.from(turn, numberText).join(',')}]`;
}

const numberText = (value: number): string => (Number.isNaN(value) ? 'null' : String(value));

/** Whether all values are one and the same: the advantage of a whole action, mostly. */
export function isConstant(values: Float64Array): boolean {
  const first = values[0]!;
  for (let index = 1; index < values.length; index++) if (!Object.is(values[index], first)) return false;
  return true;
}
