import { describe } from 'vitest';
import { testRecomputed } from './reference-file.test-helper.ts';

describe('the reference scores', () => {
  testRecomputed([
    ['gigpo', 'revisits'],
    ['dr-grpo', 'length'],
    ['carl-lite', 'irrelevant-uncertainty'],
    ['treerl', 'inside-the-action'],
    ['ppo', 'noise'],
  ]);
});
