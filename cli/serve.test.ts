import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type IncomingHttpHeaders, request, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { ALGORITHMS } from '../algorithms/registry.ts';
import { TRAJECTORY_FORMAT, TRAJECTORY_VERSION } from '../bench/trajectories/trajectory.ts';
import { packageInfo } from '../core/package.ts';
import { callCreditbench } from './call.test-helper.ts';
import { replyTo } from './credit-reply.ts';
import { type CreditServerOptions, creditServer } from './credit-server.ts';

let server: Server | undefined;
let child: ChildProcess | undefined;
afterEach(async () => {
  server?.closeAllConnections();
  server?.close();
  child?.kill('SIGKILL');
});

/** A server in this process. */
async function start(options: Partial<CreditServerOptions> = {}): Promise<number> {
  const computing = { reply: async (body: Uint8Array) => replyTo(body), close: () => {} };
  server = creditServer({ computing, hosts: ['127.0.0.1', 'localhost'], ...options });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

interface Answered {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly json: Record<string, unknown>;
}

function ask(
  port: number,
  path: string,
  body?: string | Uint8Array,
  headers: Readonly<Record<string, string>> = {},
  method = body === undefined ? 'GET' : 'POST',
): Promise<Answered> {
  const type: Record<string, string> = body === undefined ? {} : { 'content-type': 'application/json' };
  return new Promise((resolve, reject) => {
    const sent = request({ port, path, method, headers: { ...type, ...headers } }, async (response) => {
      const text = (await response.toArray()).join('');
      resolve({ status: response.statusCode!, headers: response.headers, json: JSON.parse(text) });
    });
    sent.on('error', reject).end(body);
  });
}

const trajectory = {
  format: TRAJECTORY_FORMAT,
  version: TRAJECTORY_VERSION,
  group: 'q',
  turns: [{ tokens: [1] }],
};
const body = JSON.stringify({
  algorithms: ['rloo'],
  trajectories: [
    { ...trajectory, id: '0', reward: 1 },
    { ...trajectory, id: '1', reward: 3 },
  ],
});

describe('the server of credit', () => {
  it('answers', async () => {
    const port = await start();
    const { status, headers, json } = await ask(port, '/v1/credit', body);
    expect(status).toBe(200);
    expect(headers).toMatchObject({ 'content-type': 'application/json; charset=utf-8' });
    expect(headers).not.toHaveProperty('access-control-allow-origin');
    expect(json.credit).toEqual({ rloo: [[[-2]], [[2]]] });

    expect((await ask(port, '/v1/health')).json).toEqual({
      name: 'creditbench',
      version: packageInfo().version,
    });
    const algorithms = (await ask(port, '/v1/algorithms')).json as unknown as { id: string }[];
    expect(algorithms.map(({ id }) => id)).toEqual(ALGORITHMS.map(({ id }) => id));
    expect(algorithms.find(({ id }) => id === 'ppo')).toMatchObject({
      title: 'Proximal Policy Optimization',
      paper: 'arXiv 1707.06347',
      options: { gamma: 1, whiten: true },
      heads: ['critic'],
    });
    const { json: schema } = await ask(port, '/v1/schema');
    expect(schema).toHaveProperty('trajectory.properties.turns.items.properties.tokens');
    expect(schema).toHaveProperty('request.properties.merge.default', 'turns');
    expect(schema).toHaveProperty('limits.bytes');
  });

  it.each([
    ['[', 400, 'the body is not JSON in UTF-8: '],
    [Buffer.from([0x22, 0xff, 0x22]), 400, 'the body is not JSON in UTF-8: '],
    ['', 400, 'the body is not JSON in UTF-8: '],
    ['3', 400, 'the request: Invalid input: expected object'],
    ['{"algorithms":["x"],"trajectories":[{}]}', 400, "unknown algorithm 'x'; valid: a2tgpo"],
    [body.replace('"turns"', '"turn"'), 400, 'trajectories[0]'],
    [
      JSON.stringify({ algorithms: new Array(65).fill('rloo'), trajectories: [] }),
      413,
      '65 algorithms; valid: at most 64',
    ],
    ['['.repeat(200_000), 400, 'the body has more than 32 levels; valid: at most 32'],
    [`{"a\\"[":${'{"a":'.repeat(32)}`, 400, 'the body has more than 32 levels'],
    [`["\\"${'['.repeat(100)}"]`, 400, 'the request: Invalid input'],
    [`${'['.repeat(32)}${']'.repeat(32)}`, 400, 'the request: Invalid input'],
  ])('refuses a request and goes on: case %#', async (bad, status, error) => {
    const port = await start();
    const refused = await ask(port, '/v1/credit', bad);
    expect(refused.json.error).toContain(error);
    expect(refused.json.error).not.toMatch(/\n|\.ts:\d|\.js:\d/);
    expect(refused.status).toBe(status);
    expect((await ask(port, '/v1/credit', body)).status).toBe(200);
  });

  it('says of its own errors what they are, and tells the stack only to whoever runs it', async () => {
    const bugs: string[] = [];
    const port = await start({ onBug: (text) => bugs.push(text) });
    const endless = JSON.parse(body);
    for (const one of endless.trajectories) one.reward = 1.7e308;
    endless.trajectories[1].reward = -1.7e308;
    const { status, json } = await ask(port, '/v1/credit', JSON.stringify(endless));
    expect({ status, json }).toMatchObject({
      status: 500,
      json: { error: expect.stringContaining('please report it') },
    });
    expect(json.error).not.toContain('\n');
    expect(bugs[0]).toContain('update.ts');
  });

  it('refuses bodies that are too large, said or not, and paths, methods and types that are not its own', async () => {
    const port = await start({ maxBody: 2000 });
    const long = ' '.repeat(3000);
    const message = 'the body has more than 2000 bytes; valid: at most 2000';
    expect(await ask(port, '/v1/credit', long)).toMatchObject({ status: 413, json: { error: message } });
    const chunked = { 'transfer-encoding': 'chunked' };
    expect(await ask(port, '/v1/credit', long, chunked)).toMatchObject({
      status: 413,
      json: { error: message },
    });
    const huge = ' '.repeat(30_000_000);
    expect(await ask(port, '/v1/credit', huge)).toMatchObject({ status: 413, json: { error: message } });
    expect(await ask(port, '/v2/credit', huge)).toMatchObject({ status: 404 });
    expect(await ask(port, '/v1/credit', `${body}${' '.repeat(2000 - body.length)}`)).toMatchObject({
      status: 200,
    });
    expect(await ask(port, '/v2/credit', body)).toMatchObject({ status: 404 });
    expect(await ask(port, '/__proto__')).toMatchObject({ status: 404 });
    expect(await ask(port, '/v1/credit')).toMatchObject({ status: 405 });
    expect(await ask(port, '/v1/health', body)).toMatchObject({ status: 405 });
    const text = { 'content-type': 'text/plain' };
    expect(await ask(port, '/v1/credit', body, text)).toMatchObject({ status: 415 });
    expect(await ask(port, '/v1/credit', body, { 'content-encoding': 'gzip' })).toMatchObject({
      status: 415,
    });
  });

  it('answers no web page: not one that calls itself this machine, nor one that asks openly', async () => {
    const port = await start();
    const refused = { status: 403 };
    expect(await ask(port, '/v1/credit', body, { host: `evil.example:${port}` })).toMatchObject(refused);
    expect(await ask(port, '/v1/algorithms', undefined, { host: 'localhost.evil.example' })).toMatchObject(
      refused,
    );
    expect(await ask(port, '/v1/credit', body, { origin: 'http://evil.example' })).toMatchObject(refused);
    expect(await ask(port, '/v1/credit', body, { origin: 'null' })).toMatchObject(refused);
    expect(await ask(port, '/v1/health', undefined, { 'sec-fetch-site': 'cross-site' })).toMatchObject(
      refused,
    );
    const asked = { origin: 'http://evil.example', 'access-control-request-method': 'POST' };
    const preflight = await ask(port, '/v1/credit', undefined, asked, 'OPTIONS');
    expect(preflight).toMatchObject(refused);
    expect(Object.keys(preflight.headers).join()).not.toContain('access-control');
    expect(await ask(port, '/v1/credit', body, { host: `localhost:${port}` })).toMatchObject({ status: 200 });
  });

  it('answers with the token only', async () => {
    const port = await start({ token: 'a-long-enough-token' });
    const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
    expect(await ask(port, '/v1/credit', body)).toMatchObject({ status: 401 });
    expect(await ask(port, '/v1/credit', body, bearer('a-long-enough-tokem'))).toMatchObject({ status: 401 });
    expect(await ask(port, '/v1/health')).toMatchObject({ status: 401 });
    expect(await ask(port, '/v1/credit', body, bearer('a-long-enough-token'))).toMatchObject({ status: 200 });
  });

  it('outlives clients that leave in the middle', async () => {
    const port = await start();
    const socket = connect(port, '127.0.0.1');
    socket.write(
      'POST /v1/credit HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{',
    );
    await new Promise((resolve) => setTimeout(resolve, 50));
    socket.destroy();
    expect((await ask(port, '/v1/credit', body)).status).toBe(200);
  });
});

describe('creditbench serve', () => {
  async function spawned(variables: Readonly<Record<string, string>> = {}) {
    const main = join(packageInfo().root, 'dist', 'cli', 'main.js');
    child = spawn(process.execPath, [main, 'serve', '--port', '0', '--with-parent'], {
      env: { ...process.env, ...variables },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const [line] = (await once(child.stdout!.setEncoding('utf8'), 'data')) as [string];
    const port = /^listening on http:\/\/127\.0\.0\.1:(\d+)\n$/.exec(line)![1];
    return { port: Number(port), ended: once(child, 'close') };
  }

  it('listens on a free port of this machine and ends with Ctrl-C', async () => {
    const { port, ended } = await spawned();
    expect((await ask(port, '/v1/credit', body)).json.credit).toEqual({ rloo: [[[-2]], [[2]]] });
    expect((await ask(port, '/v1/credit', '[')).status).toBe(400);
    child!.kill('SIGINT');
    expect(await ended).toEqual([0, null]);
  });

  it('goes on if the process that computes is killed', async () => {
    const { port } = await spawned();
    expect((await ask(port, '/v1/credit', body)).status).toBe(200);
    const pids = execFileSync('pgrep', ['-P', String(child!.pid)], { encoding: 'utf8' });
    process.kill(Number(pids.trim()), 'SIGKILL');
    // It may be met before or after the server has noticed.
    const first = await ask(port, '/v1/credit', body);
    expect([200, 413]).toContain(first.status);
    expect((await ask(port, '/v1/credit', body)).status).toBe(200);
  });

  it('takes the token from the environment, and ends with the program that started it', async () => {
    const { port, ended } = await spawned({ CREDITBENCH_TOKEN: 'a-long-enough-token' });
    expect((await ask(port, '/v1/health')).status).toBe(401);
    child!.stdin!.end();
    expect(await ended).toEqual([0, null]);
  });

  it.each([
    [
      ['--host', '0.0.0.0'],
      {},
      "--host: '0.0.0.0' is not valid without a token in CREDITBENCH_TOKEN; valid: 127.0.0.1",
    ],
    [[], { CREDITBENCH_TOKEN: 'short' }, 'CREDITBENCH_TOKEN has 5 characters; valid: 16 or more'],
    [['--port', '65536'], {}, "--port: '65536' is not valid; valid: whole number from 0 to 65535"],
    [
      ['--host', '127.0.0.1.example'],
      { CREDITBENCH_TOKEN: 'a-long-enough-token' },
      '--host, --port: cannot listen on',
    ],
  ])('is refused: %j', async (args, variables, message) => {
    const { code, stderr } = await callCreditbench('.', ['serve', ...args], variables);
    expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringContaining(message) });
  });
});
