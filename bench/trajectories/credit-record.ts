import { z } from 'zod';
import type { TurnCredit } from './credit.ts';
import type { Trajectory } from './trajectory.ts';

/** Name and version of the format of advantages, on every line. */
export const CREDIT_FORMAT = 'creditbench-credit';
export const CREDIT_VERSION = 1;

const name = z.string().min(1).max(1000);

/** What methods say of one trajectory: one line of a file of advantages. */
export const creditRecordSchema = z
  .strictObject({
    format: z.literal(CREDIT_FORMAT),
    version: z.literal(CREDIT_VERSION),
    group: name.describe("The trajectory's."),
    id: name.describe("The trajectory's."),
    advantages: z
      .record(
        z.string(),
        z
          .array(
            z
              .array(
                z.number().nullable().describe('Null: the token is not trained. 0: it is, with advantage 0.'),
              )
              .nullable()
              .describe(
                'One number per token of the action. Null: the action is not trained in this trajectory.',
              ),
          )
          .describe('By turn.'),
      )
      .describe('By method. A method that can say nothing of the trajectory is not there.'),
  })
  .describe('creditbench credit: the advantages of one trajectory, by method, turn and token.');

/** The JSON Schema of a line. */
export function creditJsonSchema(): object {
  return z.toJSONSchema(creditRecordSchema, { io: 'input' });
}

/**
 * What methods say of one trajectory. A token of null is not trained; 0 is trained with advantage 0.
 * @experimental
 */
export type CreditRecord = z.infer<typeof creditRecordSchema>;

/**
 * The advantages of one trajectory as a file has them.
 * @param turns by method. @param round applied to every advantage. Default: none is changed.
 */
export function creditRecord(
  { group, id }: Pick<Trajectory, 'group' | 'id'>,
  turns: Readonly<Record<string, readonly TurnCredit[]>>,
  round: (value: number) => number = (value) => value,
): CreditRecord {
  const written = (turn: TurnCredit): (number | null)[] | null =>
    turn === undefined ? null : Array.from(turn, (value) => (Number.isNaN(value) ? null : round(value) + 0));
  const advantages = Object.fromEntries(
    Object.entries(turns).map(([method, credits]) => [method, credits.map(written)]),
  );
  return { format: CREDIT_FORMAT, version: CREDIT_VERSION, group, id, advantages };
}

/** The advantages of a line, by method and turn. */
export function readCreditRecord({
  advantages,
}: CreditRecord): Readonly<Record<string, readonly TurnCredit[]>> {
  const read = (turn: readonly (number | null)[] | null): TurnCredit =>
    turn === null ? undefined : Float64Array.from(turn, (value) => value ?? Number.NaN);
  return Object.fromEntries(Object.entries(advantages).map(([method, turns]) => [method, turns.map(read)]));
}
