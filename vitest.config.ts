import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    exclude: ['node_modules', 'dist'],
    // Tests of the runner and of the command line start the built package.
    globalSetup: ['scripts/build-for-tests.ts'],
    testTimeout: 60_000,
  },
});
