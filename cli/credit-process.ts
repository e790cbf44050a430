import { type ChildProcess, fork } from 'node:child_process';
import { totalmem } from 'node:os';
import { join } from 'node:path';
import { packageInfo } from '../core/package.ts';
import { type Reply, refusal } from './credit-reply.ts';

/** Milliseconds that a request may take to compute. */
const LIMIT = 600_000;

/** Computes the replies to requests, one after the other. */
export interface Computing {
  reply(body: Uint8Array): Promise<Reply>;
  /** Ends what is being computed. */
  close(): void;
}

/**
 * A process that computes. One that ends, as when a request takes all its memory, is replaced, and its request refused: a
 * thread would take the server with it.
 */
export function creditProcess(): Computing {
  let child: ChildProcess | undefined;
  let last: Promise<unknown> = Promise.resolve();
  /** Takes the reply to what is being computed. */
  let settle: (reply: Reply) => void = () => {};
  const lose = (own: ChildProcess, reply: Reply): void => {
    if (child !== own) return;
    child = undefined;
    own.kill('SIGKILL');
    settle(reply);
  };
  const start = (): ChildProcess => {
    const megabytes = Math.floor(Math.min(4096, totalmem() / 2 ** 21));
    const own = fork(join(packageInfo().root, 'dist', 'cli', 'credit-worker.js'), [], {
      serialization: 'advanced',
      execArgv: [`--max-old-space-size=${megabytes}`],
      // What Node says of its memory when it ends is not for whoever runs the server.
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    own.on('message', (reply: Reply) => settle(reply));
    const isLost = (): void =>
      lose(own, refusal(413, 'the request takes more memory than there is; valid: a smaller one'));
    own.on('exit', isLost).on('error', isLost);
    return own;
  };
  const compute = (body: Uint8Array): Promise<Reply> =>
    new Promise((resolve) => {
      child ??= start();
      const own = child;
      const timer = setTimeout(() => {
        const text = `the request takes longer than ${LIMIT / 1000} seconds; valid: a smaller one`;
        lose(own, refusal(503, text));
      }, LIMIT);
      settle = (reply) => {
        clearTimeout(timer);
        settle = () => {};
        resolve(reply);
      };
      own.send(body);
    });
  return {
    reply: (body) => {
      const reply = last.then(() => compute(body));
      last = reply;
      return reply;
    },
    close: () => child?.kill('SIGKILL'),
  };
}
