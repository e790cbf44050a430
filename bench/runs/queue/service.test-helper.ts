import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { packageInfo } from '../../../core/package.ts';

const built = (file: string) => JSON.stringify(pathToFileURL(join(packageInfo().root, 'dist', file)).href);

/** A process that does what the options of a cell's algorithm say, and leaves a line per task in the log of the cache folder. */
export const FAKE_WORKER = `
import { appendFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { InputError } from ${built('core/errors.js')};
import { serveWorker } from ${built('bench/runs/protocol.js')};
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
serveWorker({
  async prepareCell(cell, code, context) {
    appendFileSync(join(context.cacheDirectory, 'log'), 'prepare\\n');
    await sleep(50);
  },
  async runCell(cell, code, context) {
    const declaration = { score: { name: 'f1', range: [0, 1] }, metrics: [] };
    const { behave, label } = cell.algorithm.options;
    context.onStartingPoint(process.env.FAKE_START ?? 'start');
    let step = context.checkpoint === undefined ? 0 : Number(Buffer.from(context.checkpoint).toString());
    appendFileSync(join(context.cacheDirectory, 'log'), label + ' from ' + step + '\\n');
    if (behave === 'throw') throw new RangeError('cannot go on');
    if (behave === 'input') throw new InputError('questions.json cannot be read (ENOENT)');
    if (behave === 'die') process.kill(process.pid, 'SIGKILL');
    if (behave === 'poison') process.kill(process.ppid, 'SIGKILL');
    for (; step < (behave === 'long' ? 40 : 2); step++) {
      context.onProgress({ stage: 'step ' + step, fraction: step / 40 });
      await context.onCheckpoint(Buffer.from(String(step)));
      await sleep(behave === 'long' ? 100 : 5);
    }
    while (behave === 'held' && !existsSync(join(context.cacheDirectory, 'release'))) await sleep(50);
    if (behave === 'odd') return { metrics: [{ iteration: 0, f2: 1 }], timings: [], fingerprint: 'f', declaration };
    const value = Math.sqrt(cell.seed + label.length);
    return {
      metrics: [{ iteration: 0, dev_f1: -0 }, { iteration: 1, dev_f1: value, loss: NaN, kl_k1: -Infinity, clip_fraction: 1e-320 }],
      timings: [{ iteration: 0 }, { iteration: 1, rollout_seconds: Math.random() }],
      fingerprint: 'f',
      declaration,
    };
  },
});
`;

/** A worker service, told by JSON what to serve. Its events are lines. */
export const SERVICE = `
import { parseQueueAddress } from ${built('bench/runs/queue/address.js')};
import { serveQueue } from ${built('bench/runs/queue/service.js')};
const { queue, ...options } = JSON.parse(process.argv[2]);
const stop = new AbortController();
process.on('SIGTERM', () => stop.abort());
const say = (text) => console.log(text);
try {
  await serveQueue({
    address: parseQueueAddress(queue),
    ...options,
    signal: stop.signal,
    onEvent: ({ type, cell, message }) => say([type, cell.algorithm.options.label, message].join(' ')),
    onNotice: (message) => say('note ' + message),
  });
} catch (error) {
  say(error.name + ' ' + error.message);
  process.exitCode = 2;
}
`;
