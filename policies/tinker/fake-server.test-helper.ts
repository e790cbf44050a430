// biome-ignore-all lint/suspicious/noExplicitAny: it takes requests apart that the client under test makes

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Scaling } from './scaling.ts';

/** How a fake server scales gradients. */
export type FakeScaling =
  | Scaling
  /** Divides by the square root of the number of sequences, which nobody expects. */
  | 'root';

/** What goes wrong with a request. */
export type Fault =
  | 'hang'
  /** The connection breaks in the middle of the reply. */
  | 'cut'
  /** The request is carried out, and the reply is lost. */
  | 'lost-reply'
  | { readonly status: number; readonly body?: unknown }
  | { readonly text: string }
  | { readonly json: unknown }
  | { readonly change: (answer: never) => unknown };

/** What outlives a server that is killed. */
export interface Disk {
  readonly weights: Map<string, Saved>;
  /** The last id that was given. */
  ids: number;
}

export const freshDisk = (): Disk => ({ weights: new Map(), ids: 0 });

interface Saved {
  readonly table: Float64Array;
  readonly first: Float64Array;
  readonly second: Float64Array;
  readonly steps: number;
}

interface Model {
  table: Float64Array;
  first: Float64Array;
  second: Float64Array;
  steps: number;
  /** Summed gradients of sequences, divided as the scaling wants it only when the step is taken. */
  gradient: Float64Array;
  sequences: number;
  trained: number;
}

export interface FakeOptions {
  readonly vocabularySize: number;
  readonly scaling?: FakeScaling;
  /** Whether a step tells the gradient's norm. Default: true. */
  readonly tellsNorm?: boolean;
  /** Logits by previous token, at the start. Default: 0. */
  readonly start?: (previous: number, next: number) => number;
  readonly disk?: Disk;
  readonly port?: number;
  /** Asked before each request is answered; `count` is how often that call has come before. */
  readonly fault?: (call: string, count: number, body: Record<string, never>) => Fault | undefined;
}

/** What a request had. */
export interface Seen {
  readonly call: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: Record<string, unknown>;
}

export interface FakeServer {
  readonly url: string;
  readonly port: number;
  readonly seen: readonly Seen[];
  readonly disk: Disk;
  /** The models' tables by id, and how many models there are. */
  tables(): ReadonlyMap<string, Float64Array>;
  close(): Promise<void>;
}

/**
 * A server of the Tinker API on loopback, whose model is a table: the logits of a token depend on the one before. It does the
 * arithmetic of `forward`, `forward_backward` (importance_sampling) and Adam, so that training needs no Python.
 */
export async function startFake(options: FakeOptions): Promise<FakeServer> {
  const { vocabularySize: size, scaling = 'sequence-mean', tellsNorm = true, start = () => 0 } = options;
  const disk = options.disk ?? freshDisk();
  const models = new Map<string, Model>();
  const samplers = new Map<string, Float64Array>();
  const futures = new Map<string, unknown>();
  const seen: Seen[] = [];
  const counts = new Map<string, number>();

  const fresh = (): Model => ({
    table: Float64Array.from({ length: size * size }, (_, at) => start(Math.floor(at / size), at % size)),
    first: new Float64Array(size * size),
    second: new Float64Array(size * size),
    steps: 0,
    gradient: new Float64Array(size * size),
    sequences: 0,
    trained: 0,
  });
  const modelOf = (body: Record<string, unknown>): Model => {
    const model = models.get(body.model_id as string);
    if (model === undefined) throw new Refusal(404, 'Model not found');
    return model;
  };
  const run: Record<string, (body: Record<string, any>) => unknown> = {
    create_model: () => ({ type: 'create_model' }),
    forward: (body) => pass(modelOf(body), body.forward_input, false),
    forward_backward: (body) => pass(modelOf(body), body.forward_backward_input, true),
    optim_step: (body) => step(modelOf(body), body.adam_params),
    save_weights_for_sampler: (body) => {
      const path = `tinker://${body.model_id}/${body.path}`;
      samplers.set(path, modelOf(body).table.slice());
      return { path, type: 'save_weights_for_sampler' };
    },
    save_weights: (body) => {
      const path = `tinker://${body.model_id}/weights/${body.path}`;
      if (disk.weights.has(path)) throw new Refusal(409, `Checkpoint '${body.path}' already exists`);
      const { table, first, second, steps } = modelOf(body);
      disk.weights.set(path, { table: table.slice(), first: first.slice(), second: second.slice(), steps });
      return { path, type: 'save_weights' };
    },
    load_weights: (body) => {
      const kept = disk.weights.get(body.path);
      if (kept === undefined) throw new Refusal(404, `Checkpoint not found: ${body.path}`);
      const { table, first, second, steps } = kept;
      const copies = { table: table.slice(), first: first.slice(), second: second.slice(), steps };
      Object.assign(modelOf(body), copies);
      return { type: 'load_weights' };
    },
    unload_model: (body) => {
      models.delete(body.model_id);
      return { type: 'unload_model' };
    },
    asample: (body) => {
      const table = samplers.get(body.model_path);
      if (table === undefined) throw new Refusal(404, `Checkpoint not found: ${body.model_path}`);
      return { sequences: [draw(table, body.prompt.chunks[0].tokens, body.sampling_params)] };
    },
  };

  function logProbsAfter(table: Float64Array, previous: number): Float64Array {
    const row = table.subarray(previous * size, (previous + 1) * size);
    const most = row.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
    const total = Math.log(row.reduce((sum, value) => sum + Math.exp(value - most), 0)) + most;
    return row.map((value) => value - total);
  }

  function pass(model: Model, { data }: { data: any[] }, backward: boolean): unknown {
    const outputs = data.map(({ model_input, loss_fn_inputs: inputs }) => {
      const tokens: number[] = model_input.chunks[0].tokens;
      const [targets, weights, advantages, old] = ['target_tokens', 'weights', 'advantages', 'logprobs'].map(
        (name) => inputs[name].data as number[],
      ) as [number[], number[], number[], number[]];
      const rows = tokens.map((token) => logProbsAfter(model.table, token));
      const logprobs = targets.map((target, at) => rows[at]![target]!);
      if (backward) {
        const mask = weights.reduce((a, b) => a + b, 0);
        const share = scaling.startsWith('sequence-mean') ? 1 / Math.max(mask, 1e-9) : 1;
        model.sequences++;
        model.trained += mask;
        for (const [at, target] of targets.entries()) {
          // d loss / d log-probability of importance_sampling: -ratio * advantage.
          const partial = -Math.exp(logprobs[at]! - old[at]!) * advantages[at]! * weights[at]! * share;
          if (partial === 0) continue;
          for (let next = 0; next < size; next++) {
            const indicator = next === target ? 1 : 0;
            model.gradient[tokens[at]! * size + next]! += partial * (indicator - Math.exp(rows[at]![next]!));
          }
        }
      }
      const tensor = { data: logprobs, dtype: 'float32', shape: [logprobs.length] };
      return { elementwise_loss: tensor, logprobs: tensor };
    });
    return { loss_fn_output_type: 'scalar', loss_fn_outputs: outputs, metrics: {} };
  }

  function step(model: Model, adam: Record<string, number>): unknown {
    const divisor = {
      sum: 1,
      'sequence-mean': Math.max(model.sequences, 1),
      'sequence-mean-sum': 1,
      'datum-mean': Math.max(model.sequences, 1),
      'token-mean': Math.max(model.trained, 1),
      root: Math.sqrt(Math.max(model.sequences, 1)),
    }[scaling];
    const { learning_rate: rate, beta1, beta2, eps } = adam as Record<string, any>;
    model.steps++;
    let sum = 0;
    for (let at = 0; at < model.gradient.length; at++) {
      const partial = model.gradient[at]! / divisor;
      sum += partial * partial;
      const m = beta1 * model.first[at]! + (1 - beta1) * partial;
      const v = beta2 * model.second[at]! + (1 - beta2) * partial * partial;
      model.first[at] = m;
      model.second[at] = v;
      const [first, second] = [m / (1 - beta1 ** model.steps), v / (1 - beta2 ** model.steps)];
      model.table[at]! -= (rate * first) / (Math.sqrt(second) + eps);
    }
    Object.assign(model, { gradient: new Float64Array(size * size), sequences: 0, trained: 0 });
    return { metrics: tellsNorm ? { 'skyrl.ai/grad_norm': Math.sqrt(sum) } : {} };
  }

  function draw(
    table: Float64Array,
    prompt: number[],
    { max_tokens, seed, temperature, stop }: any,
  ): unknown {
    let state = (seed * 2654435761 + 12345) >>> 0;
    const uniform = (): number => {
      state = (Math.imul(state ^ (state >>> 15), 2246822519) + 374761393) >>> 0;
      return state / 2 ** 32;
    };
    for (let warm = 0; warm < 4; warm++) uniform();
    const tokens: number[] = [];
    const logprobs: number[] = [];
    let previous = prompt.at(-1)!;
    let reason = 'length';
    while (tokens.length < max_tokens) {
      const values = logProbsAfter(table, previous);
      let next = 0;
      if (temperature === 0) next = values.indexOf(values.reduce((a, b) => Math.max(a, b)));
      else {
        let left = uniform();
        while (next < size - 1 && left >= Math.exp(values[next]!)) left -= Math.exp(values[next++]!);
      }
      tokens.push(next);
      logprobs.push(values[next]!);
      previous = next;
      if ((stop ?? []).includes(next)) {
        reason = 'stop';
        break;
      }
    }
    return { tokens, logprobs, stop_reason: reason };
  }

  function answer(call: string, body: Record<string, any>): unknown {
    if (call === 'client/config') return { pjwt_auth_enabled: false };
    if (call === 'get_server_capabilities') return { supported_models: [{ model_name: 'table' }] };
    if (call === 'create_session') return { type: 'create_session', session_id: `session_${disk.ids++}` };
    if (call === 'session_heartbeat') return { type: 'session_heartbeat' };
    if (call === 'get_info') {
      modelOf(body);
      return { model_data: { model_name: 'table', lora_config: { rank: 8 } } };
    }
    if (call === 'retrieve_future') {
      if (!futures.has(body.request_id)) throw new Refusal(404, 'Future not found');
      return futures.get(body.request_id);
    }
    const work = run[call];
    if (work === undefined) throw new Refusal(404, 'Not Found');
    const id = String(disk.ids++);
    const created = call === 'create_model' ? { model_id: `model_${id}` } : {};
    if (created.model_id !== undefined) models.set(created.model_id, fresh());
    futures.set(id, work(body));
    return { request_id: id, ...created };
  }

  const server = createServer(async (request, response) => {
    const call = request.url!.replace('/api/v1/', '');
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = chunks.length === 0 ? {} : JSON.parse(Buffer.concat(chunks).toString('utf8'));
    const count = counts.get(call) ?? 0;
    counts.set(call, count + 1);
    seen.push({ call, headers: request.headers, body });
    reply(response, options.fault?.(call, count, body as never), () => answer(call, body));
  });
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    seen,
    disk,
    tables: () => new Map([...models].map(([id, { table }]) => [id, table])),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

class Refusal extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

function reply(response: ServerResponse, fault: Fault | undefined, answer: () => unknown): void {
  const send = (status: number, text: string): void => {
    response.writeHead(status, { 'Content-Type': 'application/json' });
    response.end(text);
  };
  if (fault === 'hang') return;
  try {
    const given = typeof fault === 'object' && !('change' in fault) ? undefined : answer();
    if (fault === undefined) send(200, JSON.stringify(given));
    else if (fault === 'lost-reply') response.destroy();
    else if (fault === 'cut') {
      const text = JSON.stringify(given);
      response.writeHead(200, { 'Content-Length': text.length + 10 });
      response.write(text.slice(0, text.length / 2), () => response.destroy());
    } else if ('status' in fault) {
      send(fault.status, JSON.stringify(fault.body ?? { detail: 'made to fail' }));
    } else if ('text' in fault) send(200, fault.text);
    else send(200, JSON.stringify('json' in fault ? fault.json : fault.change(given as never)));
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    send(error.status, JSON.stringify({ detail: error.message }));
  }
}
