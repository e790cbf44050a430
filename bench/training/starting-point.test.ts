import { expect, it } from 'vitest';
import type { Cell } from '../cell.ts';
import { trainingSchema, warmStartSchema } from './options.ts';
import { startingKey } from './starting-point.ts';

const cell: Cell = {
  environment: { id: 'search/v1', options: { files: { dev: 'dev.jsonl' } } },
  policy: { id: 'tabular', options: {} },
  algorithm: { id: 'grpo', options: {} },
  training: trainingSchema.parse({}),
  warmStart: warmStartSchema.parse({ steps: 0 }),
  seed: 0,
  backend: 'wasm',
  inputs: { 'dev.jsonl': 'a' },
};

it('is another when a file has changed: a worker does not take its own earlier one for that of another machine', () => {
  const key = startingKey(cell);
  expect(startingKey({ ...cell, inputs: { 'dev.jsonl': 'b' } })).not.toBe(key);
  expect(startingKey({ ...cell, environment: { ...cell.environment, options: {} } })).not.toBe(key);
  // What does not change the start.
  expect(startingKey({ ...cell, seed: 1, algorithm: { id: 'carl', options: {} } })).toBe(key);
});

it('is that of the code, whatever it is called', () => {
  const of = (source: string, sha256: string) =>
    startingKey({ ...cell, environment: { ...cell.environment, code: { source, sha256 } } });
  expect(of('./a.ts', 'x')).toBe(of('./b.ts', 'x'));
  expect(of('./a.ts', 'x')).not.toBe(of('./a.ts', 'y'));
});
