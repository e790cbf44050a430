import { expect, it } from 'vitest';
import type { NamedCell } from '../bench/cell.ts';
import { plainLines } from './progress.ts';

const named = (name: string, seed: number) =>
  ({ name, cell: { environment: { id: 'walk/v1', options: {} }, seed } }) as unknown as NamedCell;

const RESULT = {
  metrics: [{ dev_f1: 0.25 }, { dev_f1: null }, { dev_f1: 0.5 }, { dev_f1: null }],
  timings: [],
  fingerprint: '',
  declaration: { score: { name: 'f1', range: [0, 1] as const }, metrics: [] },
};

it('prints a line per start and end, at most one per tenth, failures and notices', () => {
  const lines: string[] = [];
  const { onEvent } = plainLines(
    12,
    (line) => lines.push(line),
    () => 0,
  );
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
  onEvent({ type: 'cell-done', cell: a, result: RESULT });
  expect(lines).toEqual([
    '[ 1/12] skip    walk/v1 c seed 2: finished before',
    '[ 1/12] prepare walk/v1 a seed 0: data and starting weights',
    '[ 1/12] start   walk/v1 a seed 0',
    '[ 1/12] start   walk/v1 b seed 1',
    '[ 1/12]  10 %   walk/v1 a seed 0: iteration 20',
    '[ 1/12]  20 %   walk/v1 a seed 0: iteration 40',
    '[ 1/12] note    walk/v1 b seed 1: careful',
    '[ 2/12] FAILED  walk/v1 b seed 1: broken',
    '[ 3/12] done    walk/v1 a seed 0 in 0.0 s: dev F1 0.250 -> 0.500',
  ]);
});

it('says the time left, at the pace of what this run has computed', () => {
  const lines: string[] = [];
  let seconds = 0;
  const { onEvent } = plainLines(
    4,
    (line) => lines.push(line),
    () => seconds * 1000,
  );
  const [a, b, c, d] = [named('a', 0), named('b', 0), named('c', 0), named('d', 0)];
  // What was finished before and what making the starting weights takes say nothing about the pace.
  onEvent({ type: 'cell-skipped', cell: d });
  onEvent({ type: 'prepare-start', cell: a });
  seconds = 1000;
  onEvent({ type: 'cell-start', cell: a });
  // From a checkpoint.
  onEvent({ type: 'cell-progress', cell: a, progress: { stage: 'loading', fraction: 0.5 } });
  seconds = 1010;
  onEvent({ type: 'cell-progress', cell: a, progress: { stage: 'iteration 7', fraction: 0.75 } });
  seconds = 1020;
  onEvent({ type: 'cell-done', cell: a, result: RESULT });
  onEvent({ type: 'cell-start', cell: b });
  seconds = 1040;
  onEvent({ type: 'cell-progress', cell: b, progress: { stage: 'iteration 1', fraction: 0 } });
  onEvent({ type: 'cell-failed', cell: b, error: { message: 'broken' } });
  onEvent({ type: 'cell-start', cell: c });
  seconds = 1060;
  onEvent({ type: 'cell-done', cell: c, result: RESULT });
  expect(lines).toEqual([
    '[1/4] skip    walk/v1 d seed 0: finished before',
    '[1/4] prepare walk/v1 a seed 0: data and starting weights',
    '[1/4] start   walk/v1 a seed 0',
    '[1/4]  50 %   walk/v1 a seed 0: loading',
    // A quarter of a cell in 10 s: 2.25 cells in 90 s.
    '[1/4, 90 s left]  70 %   walk/v1 a seed 0: iteration 7',
    // Half a cell in 20 s: two in 80 s.
    '[2/4, 80 s left] done    walk/v1 a seed 0 in 20.0 s: dev F1 0.250 -> 0.500',
    '[2/4, 80 s left] start   walk/v1 b seed 0',
    '[3/4, 80 s left] FAILED  walk/v1 b seed 0: broken',
    '[3/4, 80 s left] start   walk/v1 c seed 0',
    '[4/4] done    walk/v1 c seed 0 in 20.0 s: dev F1 0.250 -> 0.500',
  ]);
});
