import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { callCreditbench } from './call.test-helper.ts';
import { COMMANDS } from './commands.ts';
import { type Ended, spawnCreditbench } from './spawn.test-helper.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'creditbench-commands-'));
  await writeFile(join(folder, 'empty.json'), '{}');
});
afterAll(() => rm(folder, { recursive: true }));

/** Runs the command line and lists the files that it loads. */
async function load(...args: string[]): Promise<Ended & { readonly loaded: string }> {
  const log = join(folder, 'loaded');
  const hooks = join(folder, 'hooks.mjs');
  await writeFile(log, '');
  await writeFile(
    hooks,
    `import { appendFileSync } from 'node:fs';
     import { register } from 'node:module';
     import { isMainThread } from 'node:worker_threads';
     if (isMainThread) register(import.meta.url);
     export async function load(url, context, next) {
       appendFileSync(${JSON.stringify(log)}, url + '\\n');
       return next(url, context);
     }`,
  );
  const variables = { NODE_OPTIONS: `--import=${pathToFileURL(hooks).href}` };
  const ended = await spawnCreditbench(folder, args, undefined, variables);
  return { ...ended, loaded: await readFile(log, 'utf8') };
}

describe('a command loads what it needs', () => {
  const HEAVY = /node_modules\/(@tensorflow|bullmq|ioredis|@observablehq|linkedom)\//;

  it.each([['--version'], ['--help'], ['help'], ['rnu']])('%s: no command', async (...args) => {
    const { loaded } = await load(...args);
    expect(loaded).toContain('/dist/cli/program.js');
    expect(loaded).not.toMatch(HEAVY);
    expect(loaded).not.toMatch(/dist\/(reports|algorithms|envs|policies|performance)\//);
    expect(loaded).not.toMatch(/node_modules\/(?!commander\/)/);
  });

  it.each([
    [['run', '--help'], 'run'],
    [['help', 'score'], 'score'],
    [['score', 'empty.json', 'empty.json', '--metric', 'hotpotqa'], 'score'],
    [['list', 'algorithms'], 'list'],
    [['status', 'nowhere'], 'status'],
  ])('%s: no tensors, queues or charts', async (args, name) => {
    const { loaded } = await load(...args);
    expect(loaded).toContain(`/dist/cli/${name}.js`);
    expect(loaded).not.toMatch(HEAVY);
    const others = COMMANDS.filter((entry) => entry.name !== name && entry.name !== 'report');
    expect(others.filter((entry) => loaded.includes(`/dist/cli/${entry.name}.js`))).toEqual([]);
  });

  it('sees it when the list of what is loaded has them', async () => {
    expect((await load('bench', 'nothing')).loaded).toMatch(/node_modules\/@tensorflow\//);
  });
});

describe('the table of commands', () => {
  it.each(COMMANDS)('says of $name what the command says', async ({ name, usage, description, load }) => {
    const command = await load(() => {});
    const said = { name: command.name(), usage: command.usage(), description: command.description() };
    expect(said).toEqual({ name, usage, description });
  });
});

describe('help', () => {
  it.each([
    [['help', 'score'], 'Usage: creditbench score [options] <predictions> <gold>'],
    [['score', '--help'], '--metric <name>'],
    [['data', 'help', 'inspect'], 'Usage: creditbench data inspect [options] <file>'],
    [['--help', 'score'], 'Usage: creditbench [options] [command]'],
    [['help'], 'score [options] <predictions> <gold>'],
  ])('%s', async (args, text) => {
    const { code, stdout, stderr } = await callCreditbench(folder, args);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain(text);
  });

  it('finds a command behind --', async () => {
    const { code, stderr } = await callCreditbench(folder, ['--', 'score']);
    expect({ code, stderr }).toEqual({ code: 2, stderr: "error: missing required argument 'predictions'\n" });
  });

  it.each([
    [['data'], 'error: missing or unknown command; valid: inspect, --help\n'],
    [['data', 'help', 'inspekt'], 'error: missing or unknown command; valid: inspect, --help\n'],
    [['help', 'rnu'], 'error: missing or unknown command; valid: run, estimate, status, '],
  ])('%s is answered with the help and with what is valid', async (args, message) => {
    const { code, stdout, stderr } = await callCreditbench(folder, args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain('Usage: creditbench');
    expect(stderr).toContain(message);
    expect(stderr).not.toContain('(outputHelp)');
  });
});
