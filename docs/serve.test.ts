import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { REQUEST_LIMITS } from '../bench/trajectories/request.ts';
import { replyTo } from '../cli/credit-reply.ts';
import { MAX_BODY } from '../cli/credit-server.ts';
import { packageInfo } from '../core/package.ts';

const page = readFileSync(join(packageInfo().root, 'docs', 'serve.md'), 'utf8');

it('docs/serve.md: the request has the answer that it shows', () => {
  const request = /--data '(\{[\s\S]*?\n\})'/.exec(page)![1]!;
  const answer = /```json\n([\s\S]*?)```/.exec(page)![1]!;
  const { status, pieces } = replyTo(Buffer.from(request));
  expect(status).toBe(200);
  expect(JSON.parse(Buffer.concat(pieces).toString())).toEqual(JSON.parse(answer));
});

it('docs/serve.md: the limits are those of the code', () => {
  const written = (count: number): string => count.toLocaleString('en-US');
  const { trajectories, group, turns, tokens, algorithms, advantages } = REQUEST_LIMITS;
  expect(page).toContain(`| body | ${MAX_BODY / 2 ** 20} MiB`);
  expect(page).toContain(`| trajectories | ${written(trajectories)}; ${written(group)} of a group |`);
  expect(page).toContain(`| turns | ${written(turns)} |`);
  expect(page).toContain(`| tokens | ${written(tokens)} |`);
  expect(page).toContain(`| methods | ${algorithms}; tokens times methods ${written(advantages)} |`);
});
