import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    exclude: ['node_modules', 'dist'],
    // Tests of the runner and of the command line start the built package.
    globalSetup: ['scripts/build-for-tests.ts'],
    // A shared, noisy machine: long enough to say that something hangs, and nothing about speed.
    testTimeout: 300_000,
    hookTimeout: 300_000,
  },
});
