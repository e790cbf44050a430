import { createHash } from 'node:crypto';

/** Where the checksum of a frame ends. */
const LENGTH = '{"sha256":"",'.length + 64;

/** A frame with a checksum that is right, of bytes that were changed: so that what they say is looked at. */
export function resealed(changed: Uint8Array): Buffer {
  const rest = changed.subarray(LENGTH);
  const checksum = createHash('sha256').update(rest).digest('hex');
  return Buffer.concat([Buffer.from(`{"sha256":"${checksum}",`), rest]);
}
