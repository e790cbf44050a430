import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort, installed, missing, script, startServer } from '../servers.test-helper.ts';
import { openingCodec, readTokenizerFolder } from './folder.ts';

const reason = missing('llama/ready', 'gguf/smollm2.gguf', 'models/ready');

const file = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** Texts of the golden values; llama.cpp refuses the empty one and those that are no characters of its own. */
const texts = (
  JSON.parse(readFileSync(file('golden/ids.json'), 'utf8')) as {
    cases: { trained: { text: string }[] };
  }
).cases.trained.map(({ text }) => text);

describe.skipIf(reason !== undefined)(`SmolLM2 beside llama.cpp (${reason ?? 'installed'})`, () => {
  let server: ChildProcess;
  let url = '';
  beforeAll(async () => {
    const port = await freePort();
    url = `http://127.0.0.1:${port}`;
    const args = [script('llama_server.py'), installed('gguf', 'smollm2.gguf'), String(port), '1', '1'];
    server = await startServer(installed('llama', 'bin', 'python'), args, `${url}/health`);
  });
  afterAll(() => server?.kill());

  const post = async (path: string, body: object): Promise<Record<string, unknown>> => {
    const response = await fetch(url + path, { method: 'POST', body: JSON.stringify(body) });
    return (await response.json()) as Record<string, unknown>;
  };
  const tokenize = async (content: string) =>
    (await post('/tokenize', { content, add_special: false, parse_special: true })).tokens;

  it('gives the same ids, those of missing bytes included', async () => {
    const { codec } = await readTokenizerFolder(installed('models', 'smollm2'));
    const lacking = ['the an\u0004swer', '\u{5ffff} x', 'a\u0006\u0013b 12\u001d34'];
    for (const text of [...texts, ...lacking]) {
      expect.soft([...codec.encode(text)], JSON.stringify(text)).toEqual(await tokenize(text));
    }
  });

  it('gives the same first prompt', async () => {
    const folder = installed('models', 'smollm2');
    const tokenizer = await readTokenizerFolder(folder);
    expect(tokenizer.endIds).toEqual([2]);
    const content = 'Which country borders both Peru and Brazil in 1945?';
    const { prompt } = await post('/apply-template', { messages: [{ role: 'user', content }] });
    expect([...openingCodec(tokenizer, folder).opening!(content)]).toEqual(await tokenize(prompt as string));
  });
});
