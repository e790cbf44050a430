import { setTimeout as sleep } from 'node:timers/promises';
import type { ZodType } from 'zod';
import { InputError, MachineError } from '../../core/errors.ts';
import { NoAnswer } from '../http.ts';
import { ask, type Call, type Connection, StatusError } from './http.ts';
import { future } from './schemas.ts';

/** Most servers hold a poll open until the result is there; one that takes longer is asked again. */
const POLL_SECONDS = 45;

/** A request whose result comes later. */
export interface Promised<Answer> extends Omit<Call<{ readonly request_id: string }>, 'repeatable'> {
  readonly repeatable: boolean;
  /** Of the result. */
  readonly result: ZodType<Answer>;
}

/**
 * Sends a request and polls for its result.
 * @param seconds how long the result may take.
 * @throws as `ask`; InputError also if the server says that the request was at fault, MachineError if it is not done in time.
 */
export async function resultOf<Answer>(
  connection: Connection,
  call: Promised<Answer>,
  seconds: number,
): Promise<Answer> {
  for (let sent = 0; ; sent++) {
    const { request_id } = await ask(connection, call);
    const found = await poll(connection, call, request_id, seconds);
    if (found !== 'gone') return found.answer;
    if (!call.repeatable || sent === connection.retries) {
      throw new MachineError(
        `tinker server ${connection.server}, ${call.name}${call.about ?? ''}: the server has lost the request before its result was read`,
      );
    }
  }
}

/** The result; 'gone' if the server has forgotten the request, which may then be sent again. */
async function poll<Answer>(
  connection: Connection,
  { name, about = '', result }: Promised<Answer>,
  id: string,
  seconds: number,
): Promise<{ readonly answer: Answer } | 'gone'> {
  const { server, signal, requestSeconds, backoffSeconds } = connection;
  const where = `tinker server ${server}, ${name}${about}`;
  const end = performance.now() + 1000 * seconds;
  let metadata = true;
  for (;;) {
    signal.throwIfAborted();
    if (performance.now() > end) throw new MachineError(`${where}: no result after ${seconds} s`);
    try {
      const given = await ask(
        { ...connection, requestSeconds: Math.min(requestSeconds, POLL_SECONDS) },
        {
          name: 'retrieve_future',
          about: ` for ${name}${about}`,
          body: { request_id: id, ...(metadata ? { allow_metadata_only: true } : {}) },
          schema: future,
          repeatable: true,
        },
      );
      if (given.type === 'try_again') {
        await sleep(Math.min(1000 * backoffSeconds, 1000), undefined, { signal });
      } else if (given.status === 'complete_metadata') {
        metadata = false;
      } else if (typeof given.error === 'string') {
        throw failed(where, given.error, given.category === 'user');
      } else {
        const read = result.safeParse(given);
        if (read.success) return { answer: read.data };
        const { path, message } = read.error.issues[0]!;
        throw new Error(`${where}: the result's ${path.join('.') || 'content'} is wrong: ${message}`);
      }
    } catch (error) {
      if (error instanceof NoAnswer && error.why === 'hang') continue;
      if (!(error instanceof StatusError)) throw error;
      // 408 is a poll that the server has ended; after 410 the request itself has to be sent again.
      if (error.status === 410) return 'gone';
      if (error.status !== 408) throw error;
    }
  }
}

const failed = (where: string, said: string, isInput: boolean): Error =>
  new (isInput ? InputError : MachineError)(
    `${where}: the server says that it failed: ${said.slice(0, 1000)}`,
  );
