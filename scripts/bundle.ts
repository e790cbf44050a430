// `npm run bundle`: one folder, and an archive of it, that runs on a Linux machine without Node, npm or a network.
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const MODULES = join(ROOT, 'node_modules');

/** The packages beyond the dependencies that a backend needs: the first that is installed. */
const BACKENDS: Readonly<Record<string, readonly string[]>> = {
  wasm: [],
  webgpu: ['webgpu'],
  tensorflow: ['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node'],
};

/** Where Debian has the Vulkan loader: of its own, and of chromium. */
const LOADERS = ['/usr/lib/x86_64-linux-gnu/libvulkan.so.1', '/usr/lib/chromium/libvulkan.so.1'];

/** The program that people start. Only the shell itself is needed. */
const LAUNCHER = `#!/bin/sh
here=$0
if [ -L "$here" ]; then here=$(readlink -f "$here"); fi
here=\${here%/*}
LD_LIBRARY_PATH="\${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}$here/lib"
export LD_LIBRARY_PATH
exec "$here/bin/node" "$here/app/dist/cli/main.js" "$@"
`;

/** What a package has for other tools than Node: types, sources of maps, pages, tests. */
const UNUSED = [
  /\.(map|ts|mts|cts|tsx|flow|markdown|gypi?|c|cc|cpp|h|html|yml)$/,
  /(?<!LICENSE|NOTICE)\.md$/i,
  /(^|\/)(test|tests|docs|examples?|benchmark|\.github|\.vscode)\//,
];

/** Of packages that carry the same thing many times, the files that are read. */
const USED: readonly (readonly [RegExp, RegExp])[] = [
  [/^@tensorflow\/tfjs-node(-gpu)?$/, /./],
  [/^@tensorflow\//, /^(package\.json|dist\/[^/]*(\.node\.js|\.wasm))$/],
  [/^@stdlib\//, /^(package\.json|lib\/.*)$/],
  [/^webgpu$/, /^(package\.json|index\.js|dist\/linux-x64\/.*)$/],
  [/^world-countries$/, /^(package\.json|countries\.json)$/],
  [/^cities\.json$/, /^(package\.json|cities\.json|admin1\.json)$/],
  [/^@types\/|^@webgpu\/types$|^undici-types$/, /^$/],
];

/** Whether the bundle needs a file of a package. Licences always go along. */
export function isUsed(name: string, file: string): boolean {
  if (/^(LICEN[CS]E|NOTICE|COPYING)/i.test(basename(file))) return true;
  const rule = USED.find(([packages]) => packages.test(name));
  return (rule === undefined || rule[1].test(file)) && !UNUSED.some((pattern) => pattern.test(file));
}

/** Folders of the packages and of all that they need, as Node finds them. */
export function packageFolders(names: readonly string[]): readonly string[] {
  const found = new Set<string>();
  const add = (name: string, from: string, needed: boolean): void => {
    for (let folder = from; folder.startsWith(ROOT.replace(/\/$/, '')); folder = dirname(folder)) {
      const candidate = join(folder, 'node_modules', name);
      if (!existsSync(candidate)) continue;
      if (found.has(candidate)) return;
      found.add(candidate);
      const { dependencies = {}, optionalDependencies = {} } = packageFile(candidate);
      for (const other of Object.keys(dependencies)) add(other, candidate, !(other in optionalDependencies));
      for (const other of Object.keys(optionalDependencies)) add(other, candidate, false);
      return;
    }
    if (needed) throw new Error(`bundle: package ${name}, needed in ${from}, is not installed: npm ci`);
  };
  for (const name of names) add(name, ROOT, true);
  return [...found];
}

function packageFile(folder: string): {
  readonly version: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
} {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
}

/** Copies what is used of a package to the same place of another folder. */
function copyPackage(folder: string, to: string): void {
  const name = relative(MODULES, folder).split(`${sep}node_modules${sep}`).at(-1)!;
  cpSync(folder, join(to, relative(ROOT, folder)), {
    recursive: true,
    dereference: true,
    filter: (source) => {
      const file = relative(folder, source);
      // Packages inside come on their own.
      if (file === 'node_modules' || file.startsWith(`node_modules${sep}`)) return false;
      return statSync(source).isDirectory() || isUsed(name, file);
    },
  });
}

/** Runs a program. @throws Error with what it said when it fails. */
function run(program: string, args: readonly string[], cwd = ROOT): void {
  const { status, error, stderr } = spawnSync(program, args, { cwd, encoding: 'utf8' });
  if (status !== 0) throw new Error(`bundle: ${program} ${args.join(' ')} failed: ${error ?? stderr}`);
}

function bundle(backend: string, out: string): void {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new Error(
      `bundle: is made on linux-x64, for linux-x64; this is ${process.platform}-${process.arch}`,
    );
  }
  const choices = BACKENDS[backend];
  if (choices === undefined) {
    throw new Error(`bundle: --backend: '${backend}' is not one of ${Object.keys(BACKENDS).join(', ')}`);
  }
  const extra = choices.find((name) => existsSync(join(MODULES, name)));
  if (extra === undefined && choices.length > 0) {
    throw new Error(`bundle: --backend ${backend} needs one of ${choices.join(', ')}, and none is installed`);
  }
  const { version, dependencies = {} } = packageFile(ROOT);
  const folder = join(out, `creditbench-${version}-${backend}-linux-x64`);
  rmSync(folder, { recursive: true, force: true });
  const app = join(folder, 'app');
  mkdirSync(app, { recursive: true });

  run('npm', ['run', 'build']);
  for (const part of ['dist', 'suites', 'checkpoints', 'package.json', 'README.md', 'LICENSE', 'NOTICE']) {
    cpSync(join(ROOT, part), join(app, part), {
      recursive: true,
      filter: (source) => !/\.(d\.ts|map)$/.test(source),
    });
  }
  for (const source of packageFolders([
    ...Object.keys(dependencies),
    ...(extra === undefined ? [] : [extra]),
  ])) {
    copyPackage(source, app);
  }
  mkdirSync(join(folder, 'bin'));
  cpSync(process.execPath, join(folder, 'bin', 'node'), { dereference: true });
  const loader = LOADERS.find((file) => existsSync(file));
  if (backend === 'webgpu' && loader !== undefined) {
    cpSync(loader, join(folder, 'lib', 'libvulkan.so.1'), { dereference: true });
  }
  writeFileSync(join(folder, 'creditbench'), LAUNCHER);
  chmodSync(join(folder, 'creditbench'), 0o755);

  const archive = `${folder}.tar.xz`;
  const same = ['--sort=name', '--mtime=@0', '--owner=0', '--group=0', '--numeric-owner'];
  run('tar', [...same, '-I', 'xz -T0 -6', '-cf', archive, basename(folder)], out);
  const megabytes = (statSync(archive).size / 1e6).toFixed(1);
  process.stdout.write(`${archive}: ${megabytes} MB; start ${join(folder, 'creditbench')} doctor\n`);
  if (backend === 'webgpu' && loader === undefined) {
    process.stdout.write('without a Vulkan loader: the other machine needs its own (Debian: libvulkan1)\n');
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({
    options: {
      backend: { type: 'string', default: 'webgpu' },
      out: { type: 'string', default: 'bundle' },
    },
  });
  bundle(values.backend, resolve(values.out));
}
