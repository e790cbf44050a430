import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { fuzz, mutatedBytes } from '../core/fuzz.test-helper.ts';
import { resealed } from './framed.test-helper.ts';
import { type FrameKind, readFramed, readFramedFile, readFramedHead, writeFramed } from './framed.ts';

const KIND: FrameKind<{ readonly name: string; readonly size: number }> = {
  what: 'parcel',
  schema: z.strictObject({ name: z.string(), size: z.number() }),
  most: 200,
};
const head = { name: 'line one\nline two', size: 0.1 };
const payload = Uint8Array.of(10, 0, 255, 10);
const bytes = writeFramed(KIND, head, [payload.subarray(0, 1), payload.subarray(1)]);

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'creditbench-framed-'));
});
afterAll(() => rm(folder, { recursive: true }));

describe('a frame', () => {
  it('is one line of JSON and a payload, and reads back', () => {
    const line = bytes.subarray(0, bytes.indexOf(10)).toString();
    expect(JSON.parse(line)).toEqual({ sha256: expect.stringMatching(/^[0-9a-f]{64}$/), ...head });
    expect(readFramed(KIND, bytes)).toMatchObject({ head, payload: Buffer.from(payload) });
    expect(readFramed(KIND, writeFramed(KIND, head)).payload).toHaveLength(0);
  });

  it('is refused with any bit changed, in the line and behind it', () => {
    for (let at = 0; at < bytes.length; at++) {
      const changed = Buffer.from(bytes);
      changed[at]! ^= 1;
      expect(() => readFramed(KIND, changed), String(at)).toThrow(
        /its (checksum does not match|first line is not that of a parcel)/,
      );
    }
  });

  it('says what is wrong with a line whose checksum is right', () => {
    const odd = resealed(Buffer.from(bytes.toString('latin1').replace('0.1', '"x"'), 'latin1'));
    expect(() => readFramed(KIND, odd)).toThrow(
      'its first line is not that of a parcel (size: Invalid input',
    );
    const cut = resealed(bytes.subarray(0, 90));
    expect(() => readFramed(KIND, cut)).toThrow('its first line is not that of a parcel');
    fuzz(mutatedBytes([bytes]), (mutated) => {
      try {
        readFramed(KIND, resealed(mutated));
      } catch (error) {
        expect((error as Error).message).toMatch(/^(its first line is not|\d+ bytes; valid)/);
      }
    });
  });

  it('has a size that it may not exceed, written or read', async () => {
    const large = new Uint8Array(150);
    expect(() => writeFramed(KIND, head, [large])).toThrow(/^the parcel has \d+ bytes; valid: at most 200$/);
    const whole = writeFramed({ ...KIND, most: 1000 }, head, [large]);
    expect(() => readFramed(KIND, whole)).toThrow(/^\d+ bytes; valid: at most 200$/);
    const path = join(folder, 'large');
    await writeFile(path, whole);
    await expect(readFramedFile(KIND, path)).rejects.toThrow(/^\d+ bytes; valid: at most 200$/);
    expect((await readFramedFile({ ...KIND, most: 1000 }, path)).payload).toEqual(Buffer.from(large));
  });

  it('tells its head from its beginning, whatever follows', async () => {
    const path = join(folder, 'cut');
    await writeFile(path, bytes);
    await truncate(path, bytes.length - 2);
    expect(await readFramedHead(KIND, path, 150)).toEqual(head);
    await expect(readFramedFile(KIND, path)).rejects.toThrow('its checksum does not match');
    await expect(readFramedHead(KIND, path, 90)).rejects.toThrow('its first line is not that of a parcel');
    await expect(readFramedHead(KIND, join(folder, 'none'), 90)).rejects.toThrow(/ENOENT/);
  });
});
