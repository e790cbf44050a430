import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { InputError } from '../../../core/errors.ts';
import { libraryFolder, nativeFolder, SHARED_PACKAGES } from './locate.ts';

const TFJS_VERSION = '4.22.0';

/** The libtensorflow that is installed. The binding also builds against 2.12 to 2.18; the wheel of 2.9 has no C library. */
const TENSORFLOW_VERSION = '2.21.0';

/** What is installed from npm and from PyPI. */
const SOURCES = {
  cpu: { binding: '@tensorflow/tfjs-node', wheel: 'tensorflow-cpu' },
  gpu: { binding: '@tensorflow/tfjs-node-gpu', wheel: 'tensorflow' },
} as const;

/** For which processor: `gpu` needs an NVIDIA GPU, and CUDA where the dynamic linker finds it. */
export type NativeKind = keyof typeof SOURCES;

export interface InstallTensorflow {
  readonly kind: NativeKind;
  /** Tries what lies in a folder, before it replaces what was there; when it rejects, nothing is installed. */
  readonly verify: (folder: string) => Promise<void>;
  /** Is told what is done next, in words. */
  readonly onStep: (step: string) => void;
  readonly signal?: AbortSignal;
}

/**
 * Installs the native package where its own installation cannot fetch libtensorflow: takes the library from the
 * wheel of the Python package, through pip, and builds the binding against it. Needs Linux on x64, pip, npm, make, a
 * C++ compiler and the headers of Node; about 1.5 GB while it works and 0.9 GB afterwards. What was installed before
 * is replaced only once the new one is verified.
 * @returns the folder.
 * @throws InputError that says which tool is missing, or what a tool said when it failed.
 */
export async function installTensorflow(request: InstallTensorflow): Promise<string> {
  const { kind, verify, onStep, signal } = request;
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new InputError(
      `--install-tensorflow: works on linux x64; this is ${process.platform} ${process.arch}: npm install ${SOURCES[kind].binding}`,
    );
  }
  const run = runner(signal);
  const python = await findPython(run);
  const headers = findHeaders();
  for (const tool of ['npm', 'make', 'g++']) await run(tool, ['--version'], { purpose: `needs ${tool}` });

  const folder = resolve(nativeFolder());
  await mkdir(dirname(folder), { recursive: true });
  // Beside the folder: renaming works within one file system only.
  const part = await mkdtemp(`${folder}.part-`);
  try {
    const { binding, wheel } = SOURCES[kind];
    onStep(`npm: ${binding} ${TFJS_VERSION}`);
    await writePackage(part, binding);
    await run('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund'], {
      cwd: part,
      purpose: `npm cannot install ${binding}`,
    });
    onStep(`pip: ${wheel} ${TENSORFLOW_VERSION} (0.3 to 0.6 GB)`);
    const downloads = join(part, 'downloads');
    await run(python, pipDownload(`${wheel}==${TENSORFLOW_VERSION}`, downloads), {
      purpose: `pip cannot download ${wheel} ${TENSORFLOW_VERSION}`,
    });
    onStep('unpacks libtensorflow');
    const target = join(part, 'node_modules', binding);
    await unpack(run, python, downloads, target);
    onStep('builds the binding');
    await run(
      'npm',
      ['exec', '--no', '--', 'node-pre-gyp', 'install', '--build-from-source', `--nodedir=${headers}`],
      {
        cwd: target,
        purpose: 'the binding cannot be built',
      },
    );
    for (const unneeded of ['deps/include', 'build']) {
      await rm(join(target, unneeded), { recursive: true, force: true });
    }
    onStep('verifies');
    await verify(part);
    await rm(folder, { recursive: true, force: true });
    await rename(part, folder);
    return folder;
  } finally {
    await rm(part, { recursive: true, force: true });
  }
}

/**
 * A folder for npm to install into. The binding's own copy of tfjs would never be used (see loadNative), and weighs
 * 300 MB: empty packages stand in for it.
 */
async function writePackage(folder: string, binding: string): Promise<void> {
  const standIns: Record<string, string> = {};
  for (const name of SHARED_PACKAGES) {
    const path = join('stand-ins', basename(name));
    await mkdir(join(folder, path), { recursive: true });
    await writeJson(join(folder, path, 'package.json'), { name, version: TFJS_VERSION, main: 'index.js' });
    await writeFile(join(folder, path, 'index.js'), "throw new Error('only creditbench loads this');\n");
    standIns[name] = `file:./${path}`;
  }
  await writeJson(join(folder, 'package.json'), {
    private: true,
    dependencies: { [binding]: TFJS_VERSION, ...standIns },
    overrides: standIns,
  });
}

const writeJson = (file: string, value: object): Promise<void> =>
  writeFile(file, `${JSON.stringify(value, null, 2)}\n`);

/** The library in the wheel does not depend on the version of Python, so that the user's may be any. */
const pipDownload = (requirement: string, folder: string): readonly string[] => [
  ...['-m', 'pip', 'download', requirement, '--no-deps', '--dest', folder, '--progress-bar', 'off'],
  ...['--only-binary', ':all:', '--implementation', 'cp', '--python-version', '3.12', '--abi', 'cp312'],
  ...['--platform', 'manylinux_2_27_x86_64', '--disable-pip-version-check'],
];

/** Python is there for pip; npm packages that read zip files of this size are one more thing to trust. */
const UNPACK = `
import sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as wheel:
    wanted = ('tensorflow/libtensorflow_', 'tensorflow/include/')
    wheel.extractall(sys.argv[2], [name for name in wheel.namelist() if name.startswith(wanted)])
`;

/** Lays the library and its headers out as the package's binding.gyp expects them. */
async function unpack(run: Run, python: string, downloads: string, target: string): Promise<void> {
  const [wheel] = await readdir(downloads);
  await run(python, ['-c', UNPACK, join(downloads, wheel!), downloads], {
    purpose: `the wheel ${wheel} cannot be unpacked`,
  });
  await rm(join(downloads, wheel!));
  const unpacked = join(downloads, 'tensorflow');
  const libraries = libraryFolder({ name: '@tensorflow/tfjs-node', manifest: join(target, 'package.json') });
  await mkdir(libraries, { recursive: true });
  await rename(join(unpacked, 'include'), join(dirname(libraries), 'include'));
  for (const [name, alias] of [
    ['libtensorflow_cc.so.2', 'libtensorflow.so'],
    ['libtensorflow_framework.so.2', 'libtensorflow_framework.so'],
  ] as const) {
    await rename(join(unpacked, name), join(libraries, name));
    await symlink(name, join(libraries, alias));
  }
  await rm(downloads, { recursive: true });
}

async function findPython(run: Run): Promise<string> {
  for (const python of ['python3', 'python']) {
    try {
      await run(python, ['-m', 'pip', '--version'], { purpose: '' });
      return python;
    } catch {
      // The next one.
    }
  }
  throw new InputError(
    '--install-tensorflow: needs Python with pip, to download libtensorflow; fix: install python3-pip, or put a python3 whose `python3 -m pip --version` works on the PATH',
  );
}

/** The folder above include/node of this Node. */
function findHeaders(): string {
  const folders = [process.env.npm_config_nodedir, dirname(dirname(process.execPath)), '/usr', '/usr/local'];
  const found = folders.find((folder) => folder && existsSync(join(folder, 'include', 'node', 'node_api.h')));
  if (found) return found;
  throw new InputError(
    `--install-tensorflow: the headers of Node (include/node/node_api.h) are not beside ${process.execPath}; fix: install Node from its archive, which has them, or name the folder above include/ in npm_config_nodedir`,
  );
}

type Run = ReturnType<typeof runner>;

/** Runs tools; what one says when it fails becomes the message, its last lines. */
function runner(signal: AbortSignal | undefined) {
  return (command: string, args: readonly string[], options: { purpose: string; cwd?: string }) =>
    new Promise<void>((done, reject) => {
      const { purpose, cwd } = options;
      execFile(command, args, { cwd, signal, maxBuffer: 2 ** 26 }, (error, stdout, stderr) => {
        if (error === null) return done();
        if (signal?.aborted) return reject(error);
        const absent = (error as NodeJS.ErrnoException).code === 'ENOENT';
        const said = absent ? 'it is not installed' : lastLines(`${stdout}\n${stderr}`);
        reject(new InputError(`--install-tensorflow: ${purpose} (${basename(command)}: ${said})`));
      });
    });
}

/** What says most, of the output of a failed tool. */
function lastLines(output: string): string {
  const lines = output.split('\n').filter((line) => line.trim() !== '');
  const errors = lines.filter((line) => /\berror\b/i.test(line) && !/\b(ERR!|verbose)\b/.test(line));
  return (errors.length > 0 ? errors.slice(0, 3) : lines.slice(-3)).join('\n');
}
