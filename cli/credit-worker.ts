// Entry point of the process in which `creditbench serve` computes, until the server lets it go.
import { replyTo } from './credit-reply.ts';

process.on('SIGINT', () => {}); // its parent ends it
process.on('disconnect', () => process.exit(0));
process.on('message', (body) => process.send!(replyTo(body as Uint8Array)));
