import { z } from 'zod';
import { printableJsonLine } from '../../core/printable.ts';
import type { TurnCredit } from './credit.ts';

/** Name and version of the format, on every line. */
export const CREDIT_FORMAT = 'creditbench-credit';
export const CREDIT_VERSION = 1;

const name = z.string().min(1).max(1000);

/** One line of a file of credit, version 1: what methods say of one trajectory. */
const creditRowSchema = z
  .strictObject({
    format: z.literal(CREDIT_FORMAT),
    version: z.literal(CREDIT_VERSION),
    group: name.describe("The trajectory's."),
    id: name.describe("The trajectory's."),
    advantages: z
      .record(
        z.string().min(1),
        z.array(
          z
            .array(z.number().nullable().describe('Null: the token is not trained.'))
            .nullable()
            .describe('One number per token of the action. Null: the action is not trained in this row.'),
        ),
      )
      .describe('By method: the advantage by turn and token. A method that could say nothing is not there.'),
  })
  .describe('creditbench credit: the advantages of one trajectory, by method, turn and token.');

/** The JSON Schema of a line. */
export function creditJsonSchema(): object {
  return z.toJSONSchema(creditRowSchema, { io: 'input' });
}

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
 * A line of a file of credit, without its end.
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
