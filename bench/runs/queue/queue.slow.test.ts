import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packageInfo } from '../../../core/package.ts';
import type { NamedCell } from '../../cell.ts';
import { cellHash } from '../../identity.ts';
import { trainingSchema, warmStartSchema } from '../../training/options.ts';
import type { RunEvent } from '../events.ts';
import { type RunSummary, runSuite } from '../runner.ts';
import { parseQueueAddress } from './address.ts';
import { createQueueExecutor } from './executor.ts';
import { names } from './names.ts';
import { hasRedis, startRedis, type TestRedis } from './redis.test-helper.ts';
import { FAKE_WORKER, SERVICE } from './service.test-helper.ts';

interface Service {
  readonly process: ChildProcess;
  readonly lines: string[];
  /** Resolves when a line is said that contains the text. */
  says(text: string): Promise<void>;
  /** Resolves with the exit code. */
  readonly ended: Promise<number | null>;
}

let redis: TestRedis;
let folder: string;
let count = 0;
const services = new Map<string, Service[]>();

it('has its server in CI', () => {
  expect(hasRedis || process.env.CI === undefined).toBe(true);
});

beforeAll(async () => {
  if (!hasRedis) return;
  redis = await startRedis();
  folder = await mkdtemp(join(tmpdir(), 'creditbench-queue-'));
  await writeFile(join(folder, 'worker.mjs'), FAKE_WORKER);
  await writeFile(join(folder, 'service.mjs'), SERVICE);
});
afterAll(async () => {
  if (!hasRedis) return;
  await Promise.all([...services.keys()].map(endServices));
  await redis.remove();
  await rm(folder, { recursive: true });
});

/** Ends all workers of a version. */
async function endServices(code: string): Promise<void> {
  for (const { process, ended } of services.get(code) ?? []) {
    process.kill('SIGKILL');
    await ended;
  }
}

/** The queue of a test, in a database of its own. */
const queueOf = (code: string) => `redis://127.0.0.1:${redis.port}/${'abcdefghi'.indexOf(code)}`;
const cacheOf = (code: string) => join(folder, `cache-${code}`);

/** Starts a worker. */
function serve(
  code: string,
  more: object = {},
  variables: Record<string, string> = {},
  group = code,
): Service {
  mkdirSync(cacheOf(group), { recursive: true });
  const options = {
    ...{ queue: queueOf(group), code, backend: 'wasm', concurrency: 1, lostAfter: 2 },
    ...{ cacheDirectory: cacheOf(group), worker: join(folder, 'worker.mjs'), ...more },
  };
  const started = spawn(process.execPath, [join(folder, 'service.mjs'), JSON.stringify(options)], {
    env: { ...process.env, ...variables },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines: string[] = [];
  const waiting = new Map<string, () => void>();
  started.stdout!.setEncoding('utf8').on('data', (text: string) => {
    lines.push(...text.split('\n').filter((line) => line !== ''));
    for (const [wanted, resolve] of waiting) if (lines.some((line) => line.includes(wanted))) resolve();
  });
  const service: Service = {
    process: started,
    lines,
    says: (text) =>
      new Promise((resolve) => {
        waiting.set(text, resolve);
        if (lines.some((line) => line.includes(text))) resolve();
      }),
    ended: new Promise((resolve) => started.on('close', resolve)),
  };
  services.set(group, [...(services.get(group) ?? []), service]);
  return service;
}

function cellsOf(behaviours: Record<string, string>): NamedCell[] {
  return Object.entries(behaviours).map(([label, behave]) => ({
    name: label,
    cell: {
      environment: { id: 'walk/v1', options: {} },
      policy: { id: 'small', options: {} },
      algorithm: { id: 'grpo', options: { label, behave } },
      training: trainingSchema.parse({}),
      warmStart: warmStartSchema.parse({}),
      seed: 0,
      backend: 'wasm',
    },
  }));
}

interface Ran {
  readonly out: string;
  readonly summary: RunSummary;
  readonly events: readonly RunEvent[];
  readonly notices: readonly string[];
}

/** Runs cells over the queue. */
async function run(
  code: string,
  cells: readonly NamedCell[],
  { out = join(folder, `out${count++}`), signal }: { out?: string; signal?: AbortSignal } = {},
  onEvent: (event: RunEvent) => void = () => {},
): Promise<Ran> {
  const events: RunEvent[] = [];
  const notices: string[] = [];
  const address = parseQueueAddress(queueOf(code));
  const onNotice = (message: string) => notices.push(message);
  const executor = await createQueueExecutor({ address, backend: 'wasm', code, onNotice });
  try {
    const summary = await runSuite({
      ...{ cells, out, workers: 1, cacheDirectory: folder, checkpointSeconds: 0, executor },
      ...(signal === undefined ? {} : { signal }),
      onEvent: (event) => {
        events.push(event);
        onEvent(event);
      },
    });
    return { out, summary, events, notices };
  } finally {
    await executor.close();
  }
}

const statuses = ({ summary }: Ran) => summary.outcomes.map(({ name, status }) => `${name} ${status}`);
const failures = ({ summary }: Ran) =>
  summary.outcomes.flatMap((outcome) => (outcome.status === 'failed' ? [outcome.error.message] : []));
const log = async (code: string) => (await readFile(join(cacheOf(code), 'log'), 'utf8')).split('\n');
/** The steps from which a cell was begun. Its label begins with the version of its test. */
const starts = async (label: string) =>
  (await log(label[0]!))
    .filter((line) => line.startsWith(`${label} from`))
    .map((line) => Number(line.split(' ')[2]));

/** Every file but timings.csv and checkpoints (which failed cells keep, where they are computed), as text. */
async function contents(root: string): Promise<Record<string, string>> {
  const found = await readdir(root, { recursive: true, withFileTypes: true });
  const files = found.filter((file) => file.isFile() && !/^timings.csv$|\.checkpoint/.test(file.name));
  const entries = files.map(async ({ parentPath, name }) => {
    const path = join(parentPath, name);
    return [path.slice(root.length), await readFile(path, 'utf8')] as const;
  });
  return Object.fromEntries((await Promise.all(entries)).sort(([a], [b]) => (a < b ? -1 : 1)));
}

describe.skipIf(!hasRedis)('a queue', () => {
  it.concurrent('leaves the files of a local run, with NaN, infinities and failures, and nothing in Redis', async () => {
    const cells = cellsOf({ a1: 'ok', a2: 'ok', a3: 'throw', a4: 'odd', a5: 'ok', a6: 'ok' });
    const cacheDirectory = join(folder, 'local');
    const local = await runSuite({
      ...{ cells, out: join(folder, 'here'), workers: 2, cacheDirectory },
      worker: join(folder, 'worker.mjs'),
    });
    const workers = [serve('a'), serve('a', { concurrency: 2 })];
    const over = await run('a', cells);
    expect(statuses(over)).toEqual(local.outcomes.map(({ name, status }) => `${name} ${status}`));
    const [here, there] = [await contents(join(folder, 'here')), await contents(over.out)];
    expect(Object.keys(there)).toEqual(Object.keys(here));
    for (const [name, text] of Object.entries(here)) {
      if (!name.endsWith('.failed.json')) expect(there[name], name).toBe(text);
    }
    expect(Object.values(there).join()).toContain(',NaN,');
    expect(Object.values(there).join()).toContain(',-Infinity,');
    expect(failures(over)[0]).toMatch(/^cannot go on \(on .+\)$/);
    expect(Object.values(there).join()).toContain('RangeError: cannot go on\\n');
    // A cell that throws would throw again: one try.
    expect(await starts('a3')).toHaveLength(1);
    // Each worker has prepared once, before its cells.
    expect((await log('a')).filter((line) => line === 'prepare')).toHaveLength(2);
    const by = new Set(over.events.flatMap((event) => (event.type === 'cell-start' ? [event.worker] : [])));
    expect([...by].sort()).toEqual(
      workers.map(({ process }) => expect.stringMatching(`:${process.pid}$`)).sort(),
    );
    const client = new Redis(queueOf('a'));
    expect(await client.keys('creditbench:result:*')).toEqual([]);
    expect(await client.keys('creditbench:checkpoint:*')).toEqual([]);
    expect((await client.keys('creditbench:wasm-a:*')).filter((key) => /[0-9a-f]{64}/.test(key))).toEqual([]);
    await client.quit();
  });

  it.concurrent('tries again what may be the fault of a machine, then fails it and goes on', async () => {
    serve('b', { concurrency: 3 });
    const ran = await run('b', cellsOf({ b1: 'die', b2: 'input', b3: 'ok' }));
    expect(statuses(ran)).toEqual(['b1 failed', 'b2 failed', 'b3 finished']);
    expect(await starts('b1')).toHaveLength(3);
    expect(await starts('b2')).toHaveLength(3);
    expect(failures(ran)).toEqual([
      expect.stringMatching(/^the worker process was killed by SIGKILL \(on .+\)$/),
      expect.stringMatching(/^questions\.json cannot be read \(ENOENT\) \(on .+\)$/),
    ]);
    const notices = ran.events.flatMap((event) => (event.type === 'notice' ? [event.message] : []));
    expect(notices.filter((text) => /^try [12] of 3 failed: /.test(text))).toHaveLength(4);
  });

  it.concurrent('fails a cell that takes its workers with it, and goes on', async () => {
    // Whoever takes b1 dies; there is always another.
    let alive = true;
    const keepServing = (async () => {
      while (alive) await serve('c').ended;
    })();
    const ran = await run('c', cellsOf({ c1: 'poison', c2: 'ok' }));
    alive = false;
    await endServices('c');
    await keepServing;
    expect(statuses(ran)).toEqual(['c1 failed', 'c2 finished']);
    expect(failures(ran)[0]).toMatch(/^it has taken 3 workers with it, the last of them .+:\d+$/);
    expect(await starts('c1')).toHaveLength(3);
  });

  it.concurrent('takes over from the last checkpoint of a worker that was stopped, or killed', async () => {
    const cells = cellsOf({ d1: 'long' });
    const first = serve('d');
    let second: Service | undefined;
    let third: Service | undefined;
    const ran = await run('d', cells, {}, (event) => {
      if (event.type !== 'cell-progress') return;
      if (second === undefined && event.progress.fraction >= 0.25) {
        second = serve('d');
        first.process.kill('SIGTERM');
      } else if (third === undefined && event.progress.fraction >= 0.5) {
        third = serve('d');
        second!.process.kill('SIGKILL');
      }
    });
    expect(statuses(ran)).toEqual(['d1 finished']);
    expect(await first.ended).toBe(0);
    expect(first.lines.at(-1)).toBe('back d1 ');
    const [begun, resumed, again] = await starts('d1');
    expect(begun).toBe(0);
    expect(resumed).toBeGreaterThanOrEqual(9);
    expect(again).toBeGreaterThanOrEqual(19);
    expect(await starts('d1')).toHaveLength(3);
    const notices = ran.events.flatMap((event) => (event.type === 'notice' ? [event.message] : []));
    expect(notices).toContainEqual(expect.stringMatching(/^handed back by its worker \(.+\)$/));
    expect(notices).toContainEqual(
      expect.stringMatching(`^its worker .+:${second!.process.pid} is gone; another goes on`),
    );
  });

  it.concurrent('stops what a stopped run does not want any more; the next run goes on from there', async () => {
    const worker = serve('f');
    const stop = new AbortController();
    const cells = cellsOf({ f1: 'long', f2: 'long' });
    const stopped = await run('f', cells, { signal: stop.signal }, (event) => {
      if (event.type === 'cell-progress' && event.progress.fraction >= 0.25) stop.abort();
    });
    expect(statuses(stopped)).toEqual(['f1 missing', 'f2 missing']);
    // Either may have come to the queue first.
    const [begun, waiting] = (await starts('f1')).length > 0 ? ['f1', 'f2'] : ['f2', 'f1'];
    await worker.says(`stopped ${begun}`);
    expect(await starts(waiting)).toEqual([]);
    const ran = await run('f', cells, { out: stopped.out });
    expect(statuses(ran)).toEqual(['f1 finished', 'f2 finished']);
    expect((await starts(begun))[1]).toBeGreaterThanOrEqual(9);
  });

  it.concurrent('takes a result that came while no run was there, and computes a damaged one again', async () => {
    const worker = serve('g');
    const cells = cellsOf({ g1: 'ok', g2: 'ok' });
    // A run that is killed says nothing: its process ends here by never waiting for the jobs.
    const executor = await createQueueExecutor({
      address: parseQueueAddress(queueOf('g')),
      ...{ backend: 'wasm', code: 'g' },
    });
    const silent = { onStart() {}, onProgress() {}, onNotice() {}, onCheckpoint() {} };
    const signal = new AbortController().signal;
    for (const { cell } of cells) {
      await executor.execute({ ...silent, task: 'run', cell, code: {}, checkpointSeconds: 0, signal });
    }
    await executor.close();
    await worker.says('done g2');
    const client = new Redis(queueOf('g'));
    const stored = names.result(cellHash(cells[1]!.cell, 'g'));
    await client.set(stored, (await client.get(stored))!.slice(0, -2));
    await client.quit();
    const ran = await run('g', cells);
    expect(statuses(ran)).toEqual(['g1 finished', 'g2 finished']);
    expect(await starts('g1')).toHaveLength(1);
    expect(await starts('g2')).toHaveLength(2);
    const notices = ran.events.flatMap((event) => (event.type === 'notice' ? [event.message] : []));
    expect(notices).toEqual(['its result cannot be read: its checksum does not match; it is computed again']);
  });

  it.concurrent('refuses workers of another version, backend or rounding, in words', async () => {
    const cells = cellsOf({ h1: 'held' });
    const right = serve('h');
    await right.says('waiting for one');
    const early = serve('other', {}, {}, 'h');
    await early.says('waiting for one');
    let tried: Promise<void> | undefined;
    const refused: Service[] = [];
    const ran = await run('h', cells, {}, (event) => {
      if (event.type !== 'cell-progress') return;
      tried ??= (async () => {
        refused.push(
          serve('older', {}, {}, 'h'),
          serve('h', { backend: 'cpu' }),
          serve('h', {}, { FAKE_START: 'x' }),
        );
        await Promise.all(refused.slice(0, 2).map(({ ended }) => ended));
        right.process.kill('SIGTERM'); // the third one gets the cell, and hands it back
        await refused[2]!.ended;
        await writeFile(join(cacheOf('h'), 'release'), '');
        serve('h');
      })();
    });
    await tried;
    expect(statuses(ran)).toEqual(['h1 finished']);
    expect(await Promise.all(refused.map(({ ended }) => ended))).toEqual([2, 2, 2]);
    const [older, cpu, rounding] = refused.map(({ lines }) => lines.join('\n'));
    const version = packageInfo().version;
    expect(older).toContain(
      `InputError --queue: the run wants creditbench ${version} (code h, backend wasm) (wanted by `,
    );
    expect(older).toContain(`is creditbench ${version} (code older, backend wasm); valid: the same version`);
    expect(cpu).toContain('is creditbench 0.1.0 (code h, backend cpu)'.replace('0.1.0', version));
    expect(rounding).toMatch(/InputError this worker cannot take part: data, starting weights or rounding/);
    // Who waits already is told, and so is the run.
    expect(early.lines.join('\n')).toContain(`note --queue: the run wants creditbench ${version} (code h,`);
    expect(ran.notices).toContainEqual(expect.stringContaining('a worker cannot take part: '));
  });

  it.concurrent('refuses a job that is stopped before it begins, and leaves nothing of it', async () => {
    const executor = await createQueueExecutor({
      address: parseQueueAddress(queueOf('i')),
      ...{ backend: 'wasm', code: 'i' },
    });
    const silent = { onStart() {}, onProgress() {}, onNotice() {}, onCheckpoint() {} };
    const { cell } = cellsOf({ i1: 'ok' })[0]!;
    const signal = AbortSignal.abort();
    const stopped = executor.execute({
      ...silent,
      task: 'run',
      cell,
      code: {},
      checkpointSeconds: 0,
      signal,
    });
    await expect(stopped).rejects.toThrow('stopped');
    await executor.close();
    const client = new Redis(queueOf('i'));
    expect((await client.keys('*')).filter((key) => /[0-9a-f]{64}/.test(key))).toEqual([]);
    await client.quit();
  });

  // Last and alone: the others need their server.
  it('waits for a server that goes away for longer than locks last, and nobody loses a cell', async () => {
    const worker = serve('e');
    let away: Promise<void> | undefined;
    const ran = await run('e', cellsOf({ e1: 'long', e2: 'ok' }), {}, (event) => {
      if (event.type !== 'cell-progress' || event.progress.fraction < 0.25) return;
      away ??= redis
        .stop()
        .then(() => new Promise((resolve) => setTimeout(resolve, 5000)))
        .then(redis.start);
    });
    await away;
    expect(statuses(ran)).toEqual(['e1 finished', 'e2 finished']);
    expect(await starts('e1')).toEqual([0]);
    const said = [/^lost the connection to redis:/, /^connected to redis:.* again$/].map((text) =>
      expect.stringMatching(text),
    );
    expect(ran.notices).toEqual(expect.arrayContaining(said));
    expect(worker.lines.join('\n')).toMatch(/note lost the connection to redis:.*note connected to redis:/s);
  });
});
