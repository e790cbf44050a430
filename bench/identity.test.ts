import { appendFileSync, cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { packageInfo } from '../core/package.ts';
import type { Cell, Choice } from './cell.ts';
import { cellHash, codeFingerprint } from './identity.ts';
import { trainingSchema, warmStartSchema } from './training/options.ts';

const copies: string[] = [];
afterAll(() => {
  for (const copy of copies) rmSync(copy, { recursive: true });
});

/** A copy of the built code, which anything may be changed in. */
function copyOfBuild(): string {
  const copy = mkdtempSync(join(tmpdir(), 'creditbench-'));
  copies.push(copy);
  cpSync(join(packageInfo().root, 'dist'), copy, { recursive: true });
  return copy;
}

/** The fingerprint of the built code after a line was added to a file of it. */
function changed(file: string, scope: 'cell' | 'start' = 'cell'): string {
  const copy = copyOfBuild();
  appendFileSync(join(copy, file), '\nexport const added = 1;\n');
  return codeFingerprint(scope, copy);
}

describe('the identity of the code', () => {
  const built = {
    cell: codeFingerprint('cell', copyOfBuild()),
    start: codeFingerprint('start', copyOfBuild()),
  };

  it.each([
    'bench/rollout/engine.js',
    'bench/training/update.js',
    'bench/stats/clustered-error.js', // in dev_f1_question_error
    'algorithms/carl/index.js',
    'envs/multihop/graph.js',
    'policies/tensor/wasm/gemm.js',
    'core/random.js',
  ])('changes with %s', (file) => {
    expect(changed(file)).not.toBe(built.cell);
  });

  it.each([
    'bench/runs/status.js',
    'bench/runs/storage.js',
    'bench/runs/runner.js',
    'bench/audit/audit.js',
    'bench/stats/power.js',
    'bench/suites/suite.js',
    'reports/analysis.js',
    'cli/table.js',
    'algorithms/registry.js',
    'index.js',
  ])('does not change with %s, which computes nothing of a cell', (file) => {
    expect(changed(file)).toBe(built.cell);
  });

  it('of starting weights is that of no algorithm', () => {
    expect(changed('algorithms/carl/index.js', 'start')).toBe(built.start);
    expect(changed('bench/training/demonstrations.js', 'start')).not.toBe(built.start);
  });

  it('has the versions of the packages that compute, and of no others', () => {
    const copy = copyOfBuild();
    const { dependencies } = packageInfo();
    const other = (name: string) => codeFingerprint('cell', copy, { ...dependencies, [name]: '0.0.0' });
    for (const name of ['@tensorflow/tfjs', 'pure-rand', 'world-countries', '@huggingface/tokenizers']) {
      expect(other(name), name).not.toBe(built.cell);
    }
    for (const name of ['cli-table3', 'commander', 'bullmq', '@observablehq/plot']) {
      expect(dependencies, name).toHaveProperty([name]);
      expect(other(name), name).toBe(built.cell);
    }
  });
});

it('a cell is that of its users’ code, whatever that is called', () => {
  const choice: Choice = { id: 'x', options: {}, code: { source: './a.ts', sha256: 'a' } };
  const cell: Cell = {
    environment: choice,
    policy: choice,
    algorithm: choice,
    training: trainingSchema.parse({}),
    warmStart: warmStartSchema.parse({}),
    seed: 0,
    backend: 'wasm',
  };
  for (const part of ['environment', 'policy', 'algorithm']) {
    const of = (code: object) => cellHash({ ...cell, [part]: { ...choice, code } }, 'code');
    expect(of({ source: './b.ts', sha256: 'a' })).toBe(cellHash(cell, 'code'));
    expect(of({ source: './a.ts', sha256: 'b' })).not.toBe(cellHash(cell, 'code'));
  }
});
