import type { Redis } from 'ioredis';
import { forgetLosses, type Lease } from './lease.ts';
import { KEPT_SECONDS, LARGEST, names } from './names.ts';

/** Keeps the newest checkpoint of a job in Redis. */
export interface CheckpointKeeper {
  save(checkpoint: Uint8Array): void;
  /** Waits until what was saved last is there. */
  settle(): Promise<void>;
}

/** If one cannot be kept (too large, no memory), a notice says so once; the cell then resumes from an older one. */
export function keepCheckpoints(
  client: Redis,
  lease: Lease,
  onNotice: (message: string) => void,
): CheckpointKeeper {
  let newest: Uint8Array | undefined;
  let writing: Promise<void> | undefined;
  let hasComplained = false;
  const complain = (why: string) => {
    if (!hasComplained) onNotice(`a checkpoint could not be kept in the queue: ${why}`);
    hasComplained = true;
  };
  const write = async () => {
    while (newest !== undefined) {
      const bytes = newest;
      newest = undefined;
      try {
        await client.set(names.checkpoint(lease.id), Buffer.from(bytes), 'EX', KEPT_SECONDS);
        await forgetLosses(client, lease);
      } catch (error) {
        complain((error as Error).message);
      }
    }
    writing = undefined;
  };
  return {
    save: (checkpoint) => {
      if (checkpoint.byteLength > LARGEST) {
        complain(`it has ${checkpoint.byteLength} bytes, and ${LARGEST} are the most`);
        return;
      }
      newest = checkpoint;
      writing ??= write();
    },
    settle: async () => {
      await writing;
    },
  };
}
