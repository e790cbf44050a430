import { expect, it } from 'vitest';
import type { NamedCell } from '../bench/cell.ts';
import { plainLines } from './progress.ts';

const named = (name: string, seed: number) =>
  ({ name, cell: { environment: { id: 'walk/v1', options: {} }, seed } }) as unknown as NamedCell;

it('prints a line per start and end, at most one per tenth, failures and notices', () => {
  const lines: string[] = [];
  const { onEvent } = plainLines(12, (line) => lines.push(line.replace(/[\d.]+ s$/, 'T s')));
  const [a, b, c] = [named('a', 0), named('b', 1), named('c', 2)];
  onEvent({ type: 'cell-skipped', cell: c });
  onEvent({ type: 'prepare-start', cell: a });
  onEvent({ type: 'prepare-progress', cell: a, progress: { stage: 'warm start', fraction: 0.9 } });
  onEvent({ type: 'prepare-done', cell: a });
  onEvent({ type: 'cell-start', cell: a });
  onEvent({ type: 'cell-start', cell: b });
  for (let i = 0; i < 50; i++) {
    onEvent({ type: 'cell-progress', cell: a, progress: { stage: `iteration ${i}`, fraction: i / 200 } });
  }
  onEvent({ type: 'notice', cell: b, message: 'careful' });
  onEvent({ type: 'cell-failed', cell: b, error: { message: 'broken' } });
  onEvent({ type: 'cell-done', cell: a });
  expect(lines).toEqual([
    '[ 1/12] skip    walk/v1 c seed 2: finished before',
    '[ 1/12] prepare walk/v1 a seed 0: data and starting weights',
    '[ 1/12] start   walk/v1 a seed 0',
    '[ 1/12] start   walk/v1 b seed 1',
    '[ 1/12]  10 %   walk/v1 a seed 0: iteration 20',
    '[ 1/12]  20 %   walk/v1 a seed 0: iteration 40',
    '[ 1/12] note    walk/v1 b seed 1: careful',
    '[ 2/12] FAILED  walk/v1 b seed 1: broken',
    '[ 3/12] done    walk/v1 a seed 0 in T s',
  ]);
});
