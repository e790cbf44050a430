#!/usr/bin/env node
import { main } from './program.ts';

// It is no error if the reader closes the pipe early (| head).
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(0);
});
process.exitCode = await main(process.argv.slice(2));
