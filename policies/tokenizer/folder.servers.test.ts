import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openingCodec, readTokenizerFolder } from './folder.ts';

/** A folder made by scripts/servers/install.sh. */
const SERVERS = process.env.CREDITBENCH_SERVERS;

const file = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** Texts of the golden values; llama.cpp refuses the empty one and those that are no characters of its own. */
const texts = (
  JSON.parse(readFileSync(file('golden/ids.json'), 'utf8')) as {
    cases: { trained: { text: string }[] };
  }
).cases.trained.map(({ text }) => text);

describe.skipIf(SERVERS === undefined)('SmolLM2 beside llama.cpp (needs CREDITBENCH_SERVERS)', () => {
  let server: ChildProcess;
  let url = '';
  beforeAll(async () => {
    const port = await freePort();
    url = `http://127.0.0.1:${port}`;
    const script = file('../../scripts/servers/llama_server.py');
    const model = join(SERVERS!, 'gguf/smollm2.gguf');
    server = spawn(join(SERVERS!, 'llama/bin/python'), [script, model, String(port), '1', '1'], {
      stdio: 'ignore',
    });
    for (;;) {
      const health = await fetch(`${url}/health`).catch(() => undefined);
      if (health?.ok) return;
      if (server.exitCode !== null) throw new Error(`llama_server.py ended with ${server.exitCode}`);
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
  });
  afterAll(() => server.kill());

  const post = async (path: string, body: object): Promise<Record<string, unknown>> => {
    const response = await fetch(url + path, { method: 'POST', body: JSON.stringify(body) });
    return (await response.json()) as Record<string, unknown>;
  };
  const tokenize = async (content: string) =>
    (await post('/tokenize', { content, add_special: false, parse_special: true })).tokens;

  it('gives the same ids, those of missing bytes included', async () => {
    const { codec } = await readTokenizerFolder(join(SERVERS!, 'models/smollm2'));
    const missing = ['the an\u0004swer', '\u{5ffff} x', 'a\u0006\u0013b 12\u001d34'];
    for (const text of [...texts, ...missing]) {
      expect.soft([...codec.encode(text)], JSON.stringify(text)).toEqual(await tokenize(text));
    }
  });

  it('gives the same first prompt', async () => {
    const folder = join(SERVERS!, 'models/smollm2');
    const tokenizer = await readTokenizerFolder(folder);
    expect(tokenizer.endIds).toEqual([2]);
    const content = 'Which country borders both Peru and Brazil in 1945?';
    const { prompt } = await post('/apply-template', { messages: [{ role: 'user', content }] });
    expect([...openingCodec(tokenizer, folder).opening!(content)]).toEqual(await tokenize(prompt as string));
  });
});

async function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}
