import { describe, expect, it } from 'vitest';
import golden from './golden/events.json' with { type: 'json' };
import { crc32c, eventFile, eventPath } from './tensorboard.ts';

describe('event files', () => {
  it("are byte for byte TensorBoard's own", () => {
    const file = Buffer.from(eventFile(golden.metrics));
    expect(file.toString('base64')).toBe(golden.file);
    // What TensorBoard reads from them.
    expect(golden.read.loss.map(([step]) => step)).toEqual([1, 300]);
  });
  it('notice a changed byte', () => {
    const data = Buffer.from(golden.file, 'base64').subarray(12, 40);
    const changed = Buffer.from(data);
    changed[5]! ^= 1;
    expect(crc32c(changed)).not.toBe(crc32c(data));
  });
  it('use Castagnoli, with its check value', () => {
    expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283);
  });
  it('keep a diverged value, and are a header alone where nothing was measured', () => {
    const header = eventFile([]).length;
    expect(eventFile([{ iteration: 1, loss: null }])).toHaveLength(header);
    expect(eventFile([{ iteration: 1, loss: Number.NaN }]).length).toBeGreaterThan(header);
  });
});

it('no name leaves the folder, and different cells have different files', () => {
  const paths = [
    ['multihop/v1', 'grpo'],
    ['multihop/v1', '../../grpo'],
    ['multihop', 'v1/grpo'],
    ['..', '..'],
    ['.', 'carl + x'],
    ['/etc', 'C:\\x\0'],
  ].map(([environment, algorithm]) =>
    eventPath({ environment: environment!, algorithm: algorithm!, seed: 0 }),
  );
  expect(paths[0]).toEqual(['multihop', 'v1', 'grpo', 'seed-0', 'events.out.tfevents.0.creditbench']);
  for (const part of paths.flat()) expect(part).not.toMatch(/^\.|[/\\:\0]/);
  expect(new Set(paths.map((path) => path.join('/'))).size).toBe(paths.length);
});
