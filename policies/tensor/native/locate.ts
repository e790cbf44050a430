import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';

/** The native packages, the one that can use a GPU first. */
export const NATIVE_PACKAGES = ['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node'] as const;

/** What a native package imports that it must share with the rest of the process. */
export const SHARED_PACKAGES = ['@tensorflow/tfjs', '@tensorflow/tfjs-core'] as const;

/** An installed native package. */
export interface NativePackage {
  readonly name: (typeof NATIVE_PACKAGES)[number];
  /** Absolute path of its package.json. */
  readonly manifest: string;
}

/**
 * Where `installTensorflow` puts the native package: `CREDITBENCH_TENSORFLOW`, or a folder of the user's cache. It
 * lies outside every node_modules, so that no `npm install` or `npm ci` of a project removes or rebuilds it.
 */
export function nativeFolder(): string {
  const { CREDITBENCH_TENSORFLOW, XDG_CACHE_HOME } = process.env;
  if (CREDITBENCH_TENSORFLOW) return CREDITBENCH_TENSORFLOW;
  return join(XDG_CACHE_HOME || join(homedir(), '.cache'), 'creditbench', 'tensorflow');
}

/**
 * The native package of `nativeFolder`, or else the one that npm installed beside creditbench. A folder that
 * `CREDITBENCH_TENSORFLOW` names is the only one that counts.
 */
export function findNative(): NativePackage | undefined {
  const { resolve } = createRequire(import.meta.url);
  const places = [
    (name: string) => join(nativeFolder(), 'node_modules', name, 'package.json'),
    ...(process.env.CREDITBENCH_TENSORFLOW ? [] : [(name: string) => resolve(`${name}/package.json`)]),
  ];
  for (const place of places) {
    for (const name of NATIVE_PACKAGES) {
      try {
        const manifest = place(name);
        if (existsSync(manifest)) return { name, manifest };
      } catch {
        // Not beside creditbench.
      }
    }
  }
  return undefined;
}

/** Where a native package keeps libtensorflow. */
export const libraryFolder = ({ manifest }: NativePackage): string => join(dirname(manifest), 'deps', 'lib');
