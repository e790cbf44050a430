#!/usr/bin/env node
import { Console } from 'node:console';
import { main } from './program.ts';
import { tell } from './terminal.ts';

// stdout is for what commands print (terminal.ts). What users' code and libraries say goes beside it.
Object.assign(console, new Console(process.stderr, process.stderr));

let isDone = false;
// Node's exit codes for that: 0, and 13 if it waits.
process.on('exit', (code) => {
  if (isDone || (code !== 0 && code !== 13)) return;
  tell(
    'error: ended before it was done: code that it runs calls process.exit, or waits for something that never comes\n',
  );
  process.exitCode = 1;
});

// It is no error if the reader closes the pipe early (| head).
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  isDone = true;
  process.exit(0);
});
process.exitCode = await main(process.argv.slice(2));
isDone = true;
