import { defineConfig } from 'vitest/config';

/** Files whose cases are few in the fast set, with a fresh seed, and all in the slow one. */
const FUZZ = ['**/*fuzz.test.ts', 'bench/framed.test.ts'];
const SLOW = '**/*.slow.test.ts';
const SERVERS = '**/*.servers.test.ts';
const NEVER = ['**/node_modules/**', 'dist/**', '.creditbench/**'];

export default defineConfig({
  test: {
    // All cores: by default one is left to the vitest process itself, and of two that is half.
    maxWorkers: '100%',
    // Tests of the runner and of the command line start the built package.
    globalSetup: ['scripts/build-for-tests.ts'],
    // A shared, noisy machine: long enough to say that something hangs, and nothing about speed.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    // The built package is Node's business, also where a test calls it in its own process.
    server: { deps: { external: [/\/dist\//] } },
    projects: [
      // `npm test`: under 5 minutes on two cores.
      { extends: true, test: { name: 'fast', exclude: [...NEVER, SLOW, SERVERS] } },
      // `npm run test:slow`: kills, queues, browsers, GPUs in software, memory, large inputs, all cases of fuzzing.
      {
        extends: true,
        test: { name: 'slow', include: [SLOW, ...FUZZ], exclude: NEVER, env: { FUZZ: 'all' } },
      },
      // `npm run test:servers`: real servers and other frameworks, installed by scripts/servers/install.sh.
      {
        extends: true,
        test: { name: 'servers', include: [SERVERS], exclude: NEVER, fileParallelism: false },
      },
    ],
  },
});
