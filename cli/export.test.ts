import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkpointFolder } from '../bench/training/checkpoint.ts';
import { readSafetensors } from '../policies/safetensors.ts';
import { spawnCreditbench } from './spawn.test-helper.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'creditbench-export-'));
});
afterAll(() => rm(folder, { recursive: true }));

describe('creditbench export', () => {
  it('writes a checkpoint as a folder that a suite can start from', async () => {
    const { code, stdout, stderr } = await spawnCreditbench(folder, [
      'export',
      'search-facts',
      '--out',
      'model',
    ]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toBe('model: 398528 parameters in float32, 5 files\n');
    expect((await readdir(join(folder, 'model'))).sort()).toEqual([
      'config.json',
      'generation_config.json',
      'model.safetensors',
      'tokenizer.json',
      'tokenizer_config.json',
    ]);
    const read = async (path: string) => readSafetensors(await readFile(path)).tensors;
    const ours = await read(join(checkpointFolder('search-facts'), 'model.safetensors'));
    const theirs = await read(join(folder, 'model/model.safetensors'));
    expect(theirs.get('model.embed_tokens.weight')).toEqual(ours.get('embedding'));
    // Turned: row 3 of the keys is a column of ours, behind the queries.
    const { values, shape } = theirs.get('model.layers.1.self_attn.k_proj.weight')!;
    expect(shape).toEqual([32, 64]);
    const column = Array.from({ length: 64 }, (_, row) => ours.get('1.qkv')!.values[row * 128 + 64 + 3]);
    expect([...values.subarray(3 * 64, 4 * 64)]).toEqual(column);

    const set = [
      '--set',
      'policy={id: text-transformer, options: {model: model}}',
      '--set',
      'warmStart={steps: 0}',
    ];
    const again = await spawnCreditbench(folder, ['export', 'search', ...set, '--out', 'again', '--json']);
    expect({ code: again.code, stderr: again.stderr }).toEqual({ code: 0, stderr: '' });
    expect(JSON.parse(again.stdout)).toMatchObject({ folder: 'again', parameters: 398528 });
    const bytes = (name: string) => readFile(join(folder, name, 'model.safetensors'));
    expect((await bytes('again')).equals(await bytes('model'))).toBe(true);
  });

  it.each([
    [['multihop'], /policy transformer cannot be exported: .*; valid: text-transformer/],
    [['nowhere'], /unknown environment 'nowhere'/],
    [['search-facts', '--positions', '0'], /--positions: '0' is not valid/],
  ])('refuses %j', async (args, message) => {
    const { code, stderr } = await spawnCreditbench(folder, ['export', ...args, '--out', 'none']);
    expect(code).toBe(2);
    expect(stderr).toMatch(message);
  });
});
