// Entry point of the thread in which `creditbench serve` computes: a request that takes all memory ends it, not the server.
import { parentPort } from 'node:worker_threads';
import { replyTo } from './credit-reply.ts';

parentPort!.on('message', (body: Uint8Array) => {
  const reply = replyTo(body);
  parentPort!.postMessage(
    reply,
    reply.pieces.map(({ buffer }) => buffer as ArrayBuffer),
  );
});
