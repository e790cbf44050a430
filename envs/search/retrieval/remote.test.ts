import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, it } from 'vitest';
import { InputError } from '../../../core/errors.ts';
import { createRemoteRetriever, type RemoteRetrieverOptions } from './remote.ts';

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

/** Starts a server on the loopback interface and gives its address. */
async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const send = (response: ServerResponse, value: unknown, status = 200): void => {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(typeof value === 'string' || value instanceof Buffer ? value : JSON.stringify(value));
};

const client = (url: string, options: Partial<RemoteRetrieverOptions> = {}) =>
  createRemoteRetriever({ url, name: 'wiki-18 e5', backoffMs: 1, ...options });

/** Searches for one query at a server that always answers `value`. */
const ask = async (value: unknown, topK = 3) =>
  (await client(await serve((_request, response) => send(response, value))).search(['q'], topK))[0]!;

const rejection = async (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => expect.fail('should have been rejected'),
    (error: unknown) => error,
  );

const hit = (contents: string, score = 1, id?: string) => ({ document: { id, contents }, score });

describe('a server that answers', () => {
  it('is asked in batches, in order', async () => {
    const seen: unknown[] = [];
    const url = await serve(async (request, response) => {
      const body = JSON.parse(await text(request)) as { queries: string[] };
      seen.push([request.method, request.url, request.headers['content-type'], body]);
      send(response, {
        result: body.queries.map((query) => [hit(`"${query}"\ntext of ${query}`, 2, query)]),
      });
    });
    const found = await client(url, { batchSize: 2 }).search(['a', 'b', 'c'], 5);
    expect(found).toEqual(
      ['a', 'b', 'c'].map((id) => [{ passage: { id, title: id, text: `text of ${id}` }, score: 2 }]),
    );
    expect(seen).toEqual(
      [['a', 'b'], ['c']].map((queries) => [
        'POST',
        '/retrieve',
        'application/json',
        { queries, topk: 5, return_scores: true },
      ]),
    );
  });

  it('is not asked without queries', async () => {
    expect(await client('http://127.0.0.1:9').search([], 3)).toEqual([]);
  });

  it.each(['/', '/retrieve', '/retrieve/', '/v1', '/v1/retrieve?index=7'])('is found at %s', async (path) => {
    const paths: (string | undefined)[] = [];
    const url = await serve((request, response) => {
      paths.push(request.url);
      send(response, { result: [[]] });
    });
    await client(url + path).search(['q'], 1);
    expect(paths).toEqual([
      path.startsWith('/v1') ? `/v1/retrieve${path.includes('?') ? '?index=7' : ''}` : '/retrieve',
    ]);
  });

  it('gets the user and password of the address as a header, percent signs and all', async () => {
    const headers: (string | undefined)[] = [];
    const url = await serve((request, response) => {
      headers.push(request.headers.authorization);
      send(response, { result: [[]] });
    });
    await client(url.replace('//', '//me:se%3Acret%40@')).search(['q'], 1);
    await client(url.replace('//', '//me:100%@')).search(['q'], 1);
    await client(url).search(['q'], 1);
    expect(headers.map((header) => header && Buffer.from(header.slice(6), 'base64').toString())).toEqual([
      'me:se:cret@',
      'me:100%',
      undefined,
    ]);
  });

  it.each([
    ['a quoted title', '"A "b""\nline\nline', 'A "b"', 'line\nline'],
    ['a bare title', 'A b\nline', 'A b', 'line'],
    ['a title alone', '"A b"', 'A b', ''],
    ['a text alone', 'A b.', '', 'A b.'],
    ['nothing', '', '', ''],
  ])('may send contents with %s', async (_name, contents, title, passageText) => {
    expect((await ask({ result: [[hit(contents, 1, '7')]] }))[0]!.passage).toEqual({
      id: '7',
      title,
      text: passageText,
    });
  });

  it('may send bare documents, titles and texts of their own, and numbers as ids', async () => {
    const found = await ask({
      result: [
        [
          { id: 7, title: 'T', text: 'x', contents: '"other"\nother' },
          { title: 'T', text: 'y' },
        ],
      ],
    });
    expect(found).toEqual([
      { passage: { id: '7', title: 'T', text: 'x' }, score: 0 },
      { passage: { id: expect.stringMatching(/^sha256:[0-9a-f]{16}$/), title: 'T', text: 'y' }, score: 0 },
    ]);
  });

  it.each([
    ['as the servers of web searches do', { document: { contents: '"A"\nb' } }],
    ['as null', { document: { contents: '"A"\nb' }, score: null }],
  ])('may send no score, %s', async (_name, item) => {
    const [found] = await ask({ result: [[item]] });
    expect(found).toMatchObject({ passage: { title: 'A', text: 'b' }, score: 0 });
  });

  it("may send a document's fields in any spelling", async () => {
    const documents = [
      { title: 'Quito', contents: 'Quito is a capital.\nIt is high.' },
      { title: 'Lima', text: 'The capital of Peru.', contents: '"Lima"\nThe capital of Peru.' },
      { title: '', contents: '"The ""Old"" Mill"\nIt grinds rye.' },
    ];
    const found = await ask({ result: [documents.map((document) => ({ document, score: 1 }))] });
    expect(found.map(({ passage: { title, text } }) => [title, text])).toEqual([
      ['Quito', 'Quito is a capital.\nIt is high.'],
      ['Lima', 'The capital of Peru.'],
      ['The "Old" Mill', 'It grinds rye.'],
    ]);
  });

  it('may send no ids: equal contents have equal ids, others do not', async () => {
    const found = await ask({ result: [[hit('"A"\nb'), hit('"A"\nc'), hit('"A"\nb')]] });
    const [first, second, third] = found.map(({ passage }) => passage.id);
    expect(third).toBe(first);
    expect(second).not.toBe(first);
  });

  it('may send more than was asked for, and keeps its own order', async () => {
    const found = await ask(
      { result: [[hit('"A"\n', 1, 'a'), hit('"B"\n', 9, 'b'), hit('"C"\n', 5, 'c')]] },
      2,
    );
    expect(found.map(({ passage }) => passage.id)).toEqual(['a', 'b']);
  });
});

describe('a server that fails for a while', () => {
  const failing = async (
    failures: number,
    fail: (response: ServerResponse, request: IncomingMessage) => void,
  ) => {
    let count = 0;
    const url = await serve((request, response) => {
      if (++count <= failures) fail(response, request);
      else send(response, { result: [[hit('"A"\nb')]] });
    });
    return { url, requests: () => count };
  };

  it.each([429, 500, 503])('with HTTP %d is asked again', async (status) => {
    const { url, requests } = await failing(2, (response) => send(response, 'busy', status));
    expect(await client(url).search(['q'], 1)).toHaveLength(1);
    expect(requests()).toBe(3);
  });

  it('by closing the connection is asked again', async () => {
    const { url, requests } = await failing(1, (_response, request) => request.socket.destroy());
    expect(await client(url).search(['q'], 1)).toHaveLength(1);
    expect(requests()).toBe(2);
  });

  it('by closing the connection within the reply is asked again', async () => {
    const { url, requests } = await failing(1, (response) => {
      response.writeHead(200, { 'content-length': 100 });
      response.write('{"result": [[', () => response.destroy());
    });
    expect(await client(url).search(['q'], 1)).toHaveLength(1);
    expect(requests()).toBe(2);
  });

  it('is asked again later each time', async () => {
    const times: number[] = [];
    const { url } = await failing(3, (response) => {
      times.push(performance.now());
      send(response, '', 500);
    });
    const start = performance.now();
    await client(url, { backoffMs: 20 }).search(['q'], 1);
    expect(times).toHaveLength(3);
    // 20 + 40 + 80; timers may fire a little early.
    expect(performance.now() - start).toBeGreaterThan(130);
  });

  it('for longer than there are retries is an error', async () => {
    const { url, requests } = await failing(9, (response) => send(response, 'busy', 500));
    await expect(client(url, { retries: 2 }).search(['q'], 1)).rejects.toThrow(/HTTP 500.*3 attempts made/);
    expect(requests()).toBe(3);
    await expect(client(url, { retries: 0 }).search(['q'], 1)).rejects.toThrow(/1 attempt made/);
  });
});

describe('errors', () => {
  const message = async (url: string, options: Partial<RemoteRetrieverOptions> = {}): Promise<string> => {
    const error = await rejection(client(url, options).search(['q', 'r'], 3));
    expect(error).toBeInstanceOf(InputError);
    return (error as InputError).message;
  };

  it('name a time-out, whether nothing comes or the reply never ends', async () => {
    const silent = await serve(() => undefined);
    expect(await message(silent, { timeoutMs: 30, retries: 1 })).toBe(
      `option retriever (${silent}/retrieve): timed out after 30 ms; 2 attempts made`,
    );
    const stuck = await serve((_request, response) => {
      response.writeHead(200);
      response.write('{');
    });
    expect(await message(stuck, { timeoutMs: 30, retries: 0 })).toMatch(
      /timed out after 30 ms; 1 attempt made/,
    );
  });

  it('name a refused connection', async () => {
    const url = await serve(() => undefined);
    closers.pop()!();
    expect(await message(url, { retries: 1 })).toMatch(/retrieve\): connection refused .*; 2 attempts made/);
  });

  it('name a status that is not tried again, with what the server says, cut and made printable', async () => {
    let count = 0;
    const url = await serve((_request, response) => {
      count++;
      send(response, `\u001b[31mno\u0007 such\nroute\u202e ${'x'.repeat(300)}end`, 404);
    });
    const said = await message(url);
    expect(said).toMatch(/HTTP 404, saying '\[31mno such route x+'; 1 attempt made$/);
    expect(said.length).toBeLessThan(300);
    expect(count).toBe(1);
  });

  it('name a redirection, which is not followed', async () => {
    const url = await serve((_request, response) => {
      response.writeHead(302, { location: 'http://127.0.0.1:9/' });
      response.end();
    });
    expect(await message(url)).toMatch(/HTTP 302; 1 attempt made/);
  });

  it.each([
    ['not JSON', '<html>\u0007', /the reply is not JSON; it starts with '<html>'$/],
    ['not UTF-8', Buffer.from([0xff, 0xfe]), /the reply is not UTF-8/],
    ['not an object', [], /reply's top level is wrong: .*expected object/],
    ['without a result', {}, /reply's result is wrong: .*expected array/],
    ['for other queries', { result: [[]] }, /result has 1 lists for 2 queries/],
    ['for more queries', { result: [[], [], []] }, /result has 3 lists for 2 queries/],
    [
      'with a hit that is none',
      { result: [[], [1]] },
      /reply's result\[1\]\[0\] is wrong: .*expected record/,
    ],
    [
      'with a wrong score',
      { result: [[{ document: { contents: '' }, score: '1' }], []] },
      /result\[0\]\[0\]\.score is wrong/,
    ],
    [
      'without a text',
      { result: [[hit('')], [{ title: 'x' }]] },
      /result\[1\]\[0\]\.contents is wrong: missing/,
    ],
    [
      'with a wrong text',
      { result: [[{ document: { contents: 7 } }], []] },
      /\[0\]\.document\.contents is wrong/,
    ],
    ['with an empty id', { result: [[hit('', 1, '')], []] }, /document\.id is wrong/],
  ])('name a reply %s', async (_name, reply, expected) => {
    let count = 0;
    const url = await serve((_request, response) => {
      count++;
      send(response, reply);
    });
    expect(await message(url)).toMatch(expected);
    expect(count).toBe(1);
  });

  it('end a reply that is too large instead of reading it', async () => {
    let mebibytes = 0;
    let onClose = (): void => undefined;
    const closed = new Promise<void>((resolve) => {
      onClose = resolve;
    });
    const url = await serve((_request, response) => {
      response.on('close', onClose);
      const chunk = Buffer.alloc(2 ** 20, 'x');
      const more = (): void => {
        if (++mebibytes < 1000) response.write(chunk, (error) => error ?? more());
      };
      more();
    });
    expect(await message(url)).toMatch(/the reply has more than 67108864 bytes; 1 attempt made/);
    await closed;
    expect(mebibytes).toBeLessThan(200);
  });

  it('never show credentials or parameters of the address', async () => {
    const url = `${(await serve((_request, response) => send(response, 'no', 403))).replace('//', '//me:secret@')}?key=secret`;
    expect(await message(url)).not.toMatch(/me:|secret/);
    expect(client(url).description).not.toMatch(/me:|secret/);
    expect(() => client('http://me:secret@')).toThrow(/^(?!.*secret)/s);
    expect(() => client('ftp://me:secret@host')).toThrow(/^(?!.*secret).*got one of ftp:$/s);
  });

  it.each<[Partial<RemoteRetrieverOptions>, RegExp]>([
    [{ url: 'localhost' }, /must be an http or https address/],
    [{ url: 'ftp://host' }, /must be an http or https address, got one of ftp:/],
    [{ name: ' ' }, /name must say/],
    [{ timeoutMs: 0 }, /timeoutMs must be an integer from 1 to 300000, got 0/],
    [{ retries: -1 }, /retries must be an integer from 0 to 20, got -1/],
    [{ backoffMs: 0.5 }, /backoffMs must be .*, got 0.5/],
    [{ batchSize: 0 }, /batchSize must be .*, got 0/],
  ])('name a wrong option: %j', (options, expected) => {
    expect(() => client('http://host', options)).toThrow(InputError);
    expect(() => client('http://host', options)).toThrow(expected);
  });

  it('name a wrong topK', async () => {
    await expect(client('http://host').search(['q'], 0)).rejects.toThrow(/topK must be .*, got 0/);
  });
});

describe('an aborted signal', () => {
  const reason = new Error('enough');

  it('ends a search before it starts', async () => {
    const found = client('http://host').search(['q'], 1, AbortSignal.abort(reason));
    expect(await rejection(found)).toBe(reason);
  });

  it('ends a request under way', async () => {
    const abort = new AbortController();
    const url = await serve(() => abort.abort(reason));
    const start = performance.now();
    expect(await rejection(client(url, { retries: 0 }).search(['q'], 1, abort.signal))).toBe(reason);
    expect(performance.now() - start).toBeLessThan(5000);
  });

  it('ends the pause before the next attempt', async () => {
    const abort = new AbortController();
    const url = await serve((_request, response) => {
      send(response, '', 500);
      setTimeout(() => abort.abort(reason), 20);
    });
    const found = client(url, { backoffMs: 60_000 }).search(['q'], 1, abort.signal);
    expect(await rejection(found)).toBe(reason);
  });

  it('ends between batches', async () => {
    const abort = new AbortController();
    let count = 0;
    const url = await serve((_request, response) => {
      count++;
      response.on('finish', () => abort.abort(reason));
      send(response, { result: [[]] });
    });
    expect(await rejection(client(url, { batchSize: 1 }).search(['q', 'r', 's'], 1, abort.signal))).toBe(
      reason,
    );
    expect(count).toBeLessThan(3);
  });
});

describe('the fingerprint', () => {
  it('is that of address and name, credentials and spelling aside', () => {
    const hash = (url: string, name = 'n'): string => createRemoteRetriever({ url, name }).fingerprint;
    const same = ['http://host', 'http://host:80/retrieve', 'http://me:x@host/retrieve/', 'http://HOST/#top'];
    expect(new Set(same.map((url) => hash(url))).size).toBe(1);
    const others = [
      hash('http://host'),
      hash('https://host'),
      hash('http://host/v1'),
      hash('http://host', 'm'),
    ];
    expect(new Set([...others, hash('http://host?index=7')]).size).toBe(5);
    expect(others[0]).toMatch(/^[0-9a-f]{64}$/);
  });

  it('does not depend on how patiently is asked', () => {
    expect(client('http://host', { timeoutMs: 5, retries: 0, batchSize: 1 }).fingerprint).toBe(
      client('http://host').fingerprint,
    );
  });

  it('stands beside a description', () => {
    expect(client('http://me:x@host:8000?y=z').description).toBe('wiki-18 e5 at http://host:8000/retrieve');
  });
});
