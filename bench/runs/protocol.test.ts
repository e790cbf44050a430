import { expect, it } from 'vitest';
import { InputError, MachineError } from '../../core/errors.ts';
import { describeError } from './protocol.ts';

const withCode = (code: string) => Object.assign(new Error(`${code}: says the system`), { code });

it.each([
  ['a lost GPU', new MachineError('the device was lost'), 'machine'],
  ['a full disk', withCode('ENOSPC'), 'machine'],
  ['no more processes', withCode('EAGAIN'), 'machine'],
  ['no more memory', withCode('ENOMEM'), 'machine'],
  [
    'a file that could not be opened for want of handles',
    new InputError('x.json: cannot be read (EMFILE)', { cause: withCode('EMFILE') }),
    'machine',
  ],
  ['a file that is not there', withCode('ENOENT'), undefined],
  [
    'a file that the user may not read',
    new InputError('x.json: cannot be read', { cause: withCode('EACCES') }),
    undefined,
  ],
  ['a bug', new TypeError('undefined is not a function'), undefined],
  ['a thrown text', 'ENOSPC', undefined],
])('says of %s whether the machine is to blame', (_, error, cause) => {
  expect(describeError(error).cause).toBe(cause);
});
