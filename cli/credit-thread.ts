import { totalmem } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { packageInfo } from '../core/package.ts';
import { bugReply, type Reply, refusal } from './credit-reply.ts';

/** Milliseconds that a request may take to compute. */
const LIMIT = 600_000;

/** Computes the replies to requests, one after the other. */
export interface Computing {
  reply(body: Uint8Array): Promise<Reply>;
  /** Ends what is being computed. */
  close(): Promise<void>;
}

/** A thread that computes. One that runs out of memory or time is replaced, and its request refused. */
export function creditThread(): Computing {
  let worker: Worker | undefined;
  let last: Promise<unknown> = Promise.resolve();
  /** Takes the reply to what is being computed. */
  let settle: (reply: Reply) => void = () => {};
  const lose = (own: Worker, reply: Reply): void => {
    if (worker !== own) return;
    worker = undefined;
    void own.terminate();
    settle(reply);
  };
  const start = (): Worker => {
    const megabytes = Math.floor(Math.min(4096, totalmem() / 2 ** 21));
    const own = new Worker(join(packageInfo().root, 'dist', 'cli', 'credit-worker.js'), {
      resourceLimits: { maxOldGenerationSizeMb: megabytes },
    });
    own.on('message', (reply: Reply) => settle(reply));
    own.on('error', (error: NodeJS.ErrnoException) =>
      lose(
        own,
        error.code === 'ERR_WORKER_OUT_OF_MEMORY'
          ? refusal(413, 'the request takes more memory than there is; valid: a smaller one')
          : bugReply(error),
      ),
    );
    own.on('exit', () => lose(own, refusal(503, 'the server is ending')));
    own.unref();
    return own;
  };
  const compute = (body: Uint8Array): Promise<Reply> =>
    new Promise((resolve) => {
      worker ??= start();
      const own = worker;
      const timer = setTimeout(() => {
        const text = `the request takes longer than ${LIMIT / 1000} seconds; valid: a smaller one`;
        lose(own, refusal(503, text));
      }, LIMIT);
      settle = (reply) => {
        clearTimeout(timer);
        settle = () => {};
        resolve(reply);
      };
      own.postMessage(body, [body.buffer as ArrayBuffer]);
    });
  return {
    reply: (body) => {
      const reply = last.then(() => compute(body));
      last = reply;
      return reply;
    },
    close: async () => {
      await worker?.terminate();
    },
  };
}
