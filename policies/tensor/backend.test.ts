import * as tf from '@tensorflow/tfjs';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { InputError } from '../../core/errors.ts';
import { availableBackends, BACKENDS, type BackendName, loadBackend } from './backend.ts';

afterEach(() => vi.restoreAllMocks());

describe('loadBackend', () => {
  it('loads wasm, more than once, without a word', async () => {
    const said = (['log', 'warn', 'error', 'info'] as const).map((name) =>
      vi.spyOn(console, name).mockImplementation(() => {}),
    );
    await loadBackend('wasm');
    await loadBackend('wasm');
    expect(tf.getBackend()).toBe('wasm');
    expect(tf.tidy(() => tf.matMul([[1, 2]], [[3], [4]]).arraySync())).toEqual([[11]]);
    for (const spy of said) expect(spy).not.toHaveBeenCalled();
  });

  it('refuses names that it does not know', async () => {
    await expect(loadBackend('gpu' as BackendName)).rejects.toThrow(InputError);
    await expect(loadBackend('gpu' as BackendName)).rejects.toThrow(/'gpu' is not one of tensorflow, wasm/);
  });
});

describe('availableBackends', () => {
  it('has wasm, and says what the others need', async () => {
    const found = await availableBackends();
    expect(found.map(({ name }) => name)).toEqual(BACKENDS);
    expect(found).toContainEqual({ name: 'wasm' });
    for (const { problem } of found.filter(({ name }) => name !== 'wasm')) {
      if (problem !== undefined) expect(problem).toMatch(/install/);
    }
    expect(tf.getBackend()).toBe('wasm');
  });
});
