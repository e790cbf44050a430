import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packageInfo } from '../core/package.ts';
import { spawnCreditbench } from './spawn.test-helper.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'creditbench-'));
  await cp(join(packageInfo().root, 'examples'), folder, { recursive: true });
});
afterAll(() => rm(folder, { recursive: true }));

const write = (name: string, text: string) => writeFile(join(folder, name), text);
const run = (...args: string[]) => spawnCreditbench(folder, args);
const WORLD = "import world from './world.ts';\n";
/** The example's world, with other functions. */
const world = (name: string, change: string) =>
  write(
    name,
    `${WORLD}export default { ...world, load: async (options, context) => {\n  const loaded = await world.load(options, context);\n  ${change}\n} };\n`,
  );

describe('users’ code that is at fault', () => {
  it('may not end the process, nor wait forever, when it is loaded', async () => {
    await write('exits.ts', 'process.exit(0);');
    await write('waits.ts', 'await new Promise(() => {});\nexport default 1;');
    for (const [file, why] of [
      ['./exits.ts', 'it calls process.exit(0)'],
      ['./waits.ts', 'it waits for something that never comes'],
    ] as const) {
      const { code, stdout, stderr } = await run('run', '--algorithm', file);
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      expect(stderr).toContain(
        `error: --algorithm ${file}: ${join(folder, file)} cannot be loaded: Error: ${why}`,
      );
    }
  });

  it('may not end it later with success either', async () => {
    await world('exits-later.ts', 'process.exit(0);');
    await world('waits-later.ts', 'await new Promise(() => {}); return loaded;');
    for (const file of ['./exits-later.ts', './waits-later.ts']) {
      const { code, stderr } = await run('rollout', file);
      expect(code).toBe(1);
      expect(stderr).toContain(
        'error: ended before it was done: code that it runs calls process.exit, or waits',
      );
    }
  });

  it('does not write into what a command prints', async () => {
    await write(
      'talks.ts',
      `${WORLD}console.log('loaded', 1);\nconsole.table([{ a: 1 }]);\nexport default world;\n`,
    );
    const { code, stdout, stderr } = await run('rollout', './talks.ts', '--json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ question: 'go right first' });
    expect(stderr).toContain('loaded 1\n');
  });

  it('is named with its message, by all commands that run it', async () => {
    await write(
      'throws.ts',
      "import mine from './mine.ts';\nexport default { ...mine, credit() {\n  throw new Error('own trouble');\n} };\n",
    );
    await world('throws-world.ts', "throw new Error('own trouble');");
    const place = (file: string) =>
      new RegExp(
        `error: \\./${file} is your own code, and it threw at \\S+${file}:\\d+:\\d+: own trouble\n$`,
      );
    const method = await run('audit', '--algorithm', './throws.ts', '--environment', './world.ts');
    expect(method.code).toBe(2);
    expect(method.stderr).toMatch(place('throws.ts'));
    for (const args of [
      ['rollout'],
      ['criticality', '--policy', 'tabular', '--environment'],
      ['audit', '--environment'],
    ]) {
      const { code, stderr } = await run(...args, './throws-world.ts');
      expect(code, stderr).toBe(2);
      expect(stderr).toMatch(place('throws-world.ts'));
    }
  });

  it('is refused where a world is not whole, before anything is computed', async () => {
    await world(
      'no-key.ts',
      'const { key, ...rest } = loaded.environment; return { ...loaded, environment: rest };',
    );
    const audit = await run('audit', '--algorithm', 'grpo', '--environment', './no-key.ts');
    expect(audit.code).toBe(2);
    expect(audit.stderr).toContain(
      'error: corridor/v1: exact values need actions() and key(), and it has no key\n',
    );
    await world('no-tasks.ts', 'return { ...loaded, tasks: undefined };');
    const ran = await run(
      'run',
      '--algorithm',
      'grpo',
      '--environment',
      './no-tasks.ts',
      '--out',
      'no-tasks',
    );
    expect(ran.code).toBe(2);
    expect(ran.stderr).toContain('corridor/v1: what load gives is no environment: tasks is missing; valid: ');
    const folderNamed = await run('audit', '--algorithm', './');
    expect(folderNamed.code).toBe(2);
    expect(folderNamed.stderr).toContain('error: --algorithm: algorithm ./: ');
  });
});

describe('audit of all methods on a world without accepted answers', () => {
  it('leaves out those that measure the accepted answer, and refuses one that is asked for', async () => {
    await world('short.ts', 'return world.load({ length: 1 }, context);');
    const args = ['audit', '--environment', './short.ts', '--limit', '50', '--samples', '100', '--json'];
    const { code, stdout, stderr } = await run(...args);
    expect(code, stderr).toBe(0);
    const audited = JSON.parse(stdout).audits.map(({ algorithm }: { algorithm: string }) => algorithm);
    const left = [...stderr.matchAll(/note: left out: (\S+) measures how likely the accepted answer is/g)];
    expect(left.map(([, id]) => id)).toEqual(['a2tgpo', 'grpo-vps', 'igpo']);
    expect(audited).toContain('grpo');
    expect(audited).not.toContain('igpo');
    const asked = await run(...args, '--algorithm', 'igpo');
    expect(asked.code).toBe(2);
    expect(asked.stderr).toContain(
      'error: --algorithm: igpo measures how likely the accepted answer is, and corridor/v1 has none',
    );
  });
});

describe('rollout with a suite', () => {
  it('takes the sources that the suite names from beside it, and others from the working folder', async () => {
    await mkdir(join(folder, 'below'));
    await cp(join(folder, 'world.ts'), join(folder, 'below', 'world.ts'));
    const suite = (environment: string) =>
      `name: s\nenvironments: [${environment}]\npolicy: tabular\nalgorithms: [grpo]\nseeds: 1\nwarmStart: { steps: 0 }\n`;
    await write('below/suite.yaml', suite('{ id: ./world.ts, options: { length: 2 } }'));
    // The working folder's file of that name is another: it must not stand for the suite's.
    await world('world-here.ts', 'return loaded;');
    await cp(join(folder, 'world.ts'), join(folder, 'kept.ts'));
    await write('world.ts', "throw new Error('not this one');");
    try {
      for (const name of ['./world.ts', 'corridor', './kept.ts']) {
        const { code, stdout, stderr } = await run('rollout', name, '--suite', 'below/suite.yaml', '--json');
        expect(code, stderr).toBe(0);
        // The suite's options, also for the same code by another name.
        expect(JSON.parse(stdout).turns).toHaveLength(2);
      }
    } finally {
      await cp(join(folder, 'kept.ts'), join(folder, 'world.ts'));
    }
    const other = await run('rollout', './absent.ts', '--suite', 'below/suite.yaml');
    expect(other.code).toBe(2);
    expect(other.stderr).toContain(`environment ./absent.ts: there is no file ${join(folder, 'absent.ts')}`);
  });
});
