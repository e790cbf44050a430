import { existsSync } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { readBoundedText, readProblem } from '../../core/bounded-file.ts';
import { InputError } from '../../core/errors.ts';
import { packageInfo } from '../../core/package.ts';
import { readYaml } from './yaml.ts';

/** The text of a suite and how to name it in messages. */
export interface SuiteSource {
  readonly file: string;
  readonly text: string;
}

/** Bytes: four for every character that a suite may have. */
const MAX_SUITE = 2 ** 22;

const folder = () => join(packageInfo().root, 'suites');

/** Names of the suites that come with creditbench, sorted. */
export async function suiteNames(): Promise<readonly string[]> {
  const files = await readdir(folder());
  return files.flatMap((file) => (file.endsWith('.yaml') ? [file.slice(0, -'.yaml'.length)] : [])).sort();
}

/** Name and description of the suites that come with creditbench. */
export async function describeSuites(): Promise<readonly { name: string; description: string }[]> {
  const names = await suiteNames();
  return Promise.all(
    names.map(async (name) => {
      const { description } = readYaml(await readFile(join(folder(), `${name}.yaml`), 'utf8')).value as {
        description?: string;
      };
      return { name, description: (description ?? '').trim() };
    }),
  );
}

/**
 * Reads a suite: a built-in one by its name, any other by the path of its file.
 *
 * @throws InputError when there is neither.
 */
export async function readSuite(nameOrFile: string): Promise<SuiteSource> {
  const names = await suiteNames();
  if (names.includes(nameOrFile)) {
    return {
      file: `suites/${nameOrFile}.yaml`,
      text: await readFile(join(folder(), `${nameOrFile}.yaml`), 'utf8'),
    };
  }
  if (!existsSync(nameOrFile) || !(await stat(nameOrFile)).isFile()) {
    const problem = /[\\/]|\.(ya?ml|json)$/.test(nameOrFile) ? 'is no file that is there' : 'is not known';
    throw new InputError(
      `suite '${nameOrFile}' ${problem}; valid: ${names.join(', ')}, or the path of a YAML file`,
    );
  }
  try {
    return { file: nameOrFile, text: await readBoundedText(nameOrFile, MAX_SUITE) };
  } catch (error) {
    throw new InputError(`suite ${nameOrFile} cannot be read: ${readProblem(error)}`);
  }
}
