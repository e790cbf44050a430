import { Option } from 'commander';
import { hidePasswords, parseQueueAddress, type QueueAddress } from '../bench/runs/queue/address.ts';

/** The option --queue, or CREDITBENCH_QUEUE. */
export function queueOption(description: string): Option {
  return new Option('--queue <address>', description)
    .env('CREDITBENCH_QUEUE')
    .argParser((text: string): QueueAddress => {
      // Other users of the machine can read command lines; this replaces the one that they see. No space in its first
      // 15 letters: they become the name of the process, and Slurm's proctrack/linuxproc loses processes by spaces.
      process.title = `creditbench-${hidePasswords(process.argv.slice(2).join(' '))}`;
      return parseQueueAddress(text);
    });
}
