// Entry point of a worker process of `creditbench profile`: computes units one after the other until it is let go.
import { withUserCode } from '../bench/catalog/user-code.ts';
import { runUnit } from '../bench/profile/profile.ts';
import { CATALOG } from '../catalog.ts';
import type { ProfileReply, ProfileTask } from './profile-pool.ts';

process.on('SIGINT', () => {}); // its parent ends it
process.on('disconnect', () => process.exit(0));
const send = (reply: ProfileReply): void => void process.send!(reply);

process.on('message', async (message) => {
  const { unit, files } = message as ProfileTask;
  try {
    const own =
      unit.choice.code === undefined ? [] : [{ kind: 'algorithm' as const, source: unit.algorithm }];
    const catalog = await withUserCode(CATALOG, own, { files });
    send({ type: 'result', result: await runUnit(unit, catalog, () => send({ type: 'run' })) });
  } catch (error) {
    const { name, message: text } = error as Error;
    send({ type: 'error', message: text, isInput: name === 'InputError' });
  }
});
