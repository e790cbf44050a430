import { expect, it } from 'vitest';
import { createTimeLeft } from './time-left.ts';

it('says how long what remains takes at the pace so far, and nothing where that is unknown', () => {
  let seconds = 100;
  const timeLeft = createTimeLeft(() => seconds * 1000);
  expect(timeLeft(0, 10)).toBeUndefined();
  seconds = 110;
  expect(timeLeft(0, 10)).toBeUndefined();
  // 10 s for one, so 90 s for nine.
  expect(timeLeft(1, 9)).toBe('90 s left');
  seconds = 130;
  expect(timeLeft(1, 9)).toBe('5 min left');
  expect(timeLeft(10, 1)).toBe('5 s left');
  expect(timeLeft(0.001, 1)).toBe('9 h left');
  expect(timeLeft(11, 0)).toBeUndefined();
});
