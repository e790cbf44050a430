import { availableParallelism, hostname } from 'node:os';
import { Command } from 'commander';
import type { Cell } from '../bench/cell.ts';
import type { QueueAddress } from '../bench/runs/queue/address.ts';
import type { ServiceEvent } from '../bench/runs/queue/service.ts';
import { InputError } from '../core/errors.ts';
import { checkBackend } from './backends.ts';
import { DEFAULT_CACHE, wholeNumber } from './options.ts';
import { queueOption } from './queue-option.ts';
import { stopSignals } from './stop-signals.ts';
import { tell } from './terminal.ts';

interface WorkerFlags {
  readonly queue?: QueueAddress;
  readonly backend?: string;
  readonly concurrency?: number;
  readonly cache: string;
  readonly lostAfter: number;
}

const NOTES = `
Examples:
  creditbench worker --queue redis://head-node
  creditbench worker --queue rediss://me:password@head-node:6380/0 --concurrency 4
  CREDITBENCH_QUEUE=redis://me:password@head-node creditbench worker

It takes cells of 'creditbench run <suite> --queue ...' of the same version until it is stopped (docs/clusters.md).
Ctrl-C and SIGTERM hand its cells back, with their checkpoints, and end with exit code 0; a second one ends at once.
Exit codes: 0 stopped, 2 something given is wrong: also when the run is of another version.
`;

/** `creditbench worker`: computes cells of a run on another machine. */
export function workerCommand(): Command {
  return new Command('worker')
    .description('computes cells of runs on other machines, from a queue in Redis or Valkey')
    .addOption(queueOption('where the queue is: redis://host:port/db, or rediss:// (encrypted)'))
    .option('--backend <name>', 'takes only cells of this tensor backend (default: wasm)')
    .option(
      '--concurrency <n>',
      'cells at the same time, 1 to 256 (default: the number of cores)',
      wholeNumber('--concurrency', 1, 256),
    )
    .option('--cache <folder>', 'where this machine keeps data and starting weights', DEFAULT_CACHE)
    .option(
      '--lost-after <seconds>',
      'others take over its cells when it has not been heard of for so long, 1 to 3600',
      wholeNumber('--lost-after', 1, 3600),
      30,
    )
    .addHelpText('after', NOTES)
    .action(work);
}

async function work(flags: WorkerFlags): Promise<void> {
  if (flags.queue === undefined) {
    throw new InputError('--queue: is missing; valid: redis://host:port/db, or CREDITBENCH_QUEUE with one');
  }
  const backend = await checkBackend(flags.backend);
  const concurrency = flags.concurrency ?? Math.min(availableParallelism(), 256);
  const { signal, release } = stopSignals();
  // Loaded here because no other command needs these libraries.
  const { serveQueue } = await import('../bench/runs/queue/service.ts');
  const say = (text: string) => tell(`[${hostname()}:${process.pid}] ${text}\n`);
  try {
    const { queue } = flags;
    await serveQueue({
      address: queue,
      backend,
      concurrency,
      cacheDirectory: flags.cache,
      lostAfter: flags.lostAfter,
      signal,
      onReady: () =>
        say(`waits for cells of backend ${backend} at ${queue.shown}, ${concurrency} at the same time`),
      onEvent: (event) => say(describeEvent(event)),
      onNotice: (message) => say(`note    ${message}`),
    });
    say('stopped');
  } finally {
    release();
  }
}

const WORDS: Readonly<Record<ServiceEvent['type'], string>> = {
  start: 'start  ',
  done: 'done   ',
  failed: 'FAILED ',
  again: 'failed, and is tried again:',
  back: 'handed back:',
  stopped: 'stopped, the run does not want it any more:',
  lost: 'left, another worker has taken it over:',
};

function describeEvent({ type, cell, message }: ServiceEvent): string {
  return `${WORDS[type]} ${label(cell)}${message === undefined ? '' : `: ${message}`}`;
}

const label = ({ environment, algorithm, seed }: Cell) => `${environment.id} ${algorithm.id} seed ${seed}`;
