import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InputError } from '../../../core/errors.ts';
import { hidePasswords, parseQueueAddress } from './address.ts';

describe('parseQueueAddress', () => {
  it.each([
    ['redis://gpu7', { host: 'gpu7', port: 6379, db: 0, tls: false, shown: 'redis://gpu7:6379/0' }],
    ['rediss://gpu7:7000/3', { host: 'gpu7', port: 7000, db: 3, tls: true, shown: 'rediss://gpu7:7000/3' }],
    ['redis://[::1]:1/', { host: '::1', port: 1, db: 0, tls: false, shown: 'redis://[::1]:1/0' }],
    [
      'redis://me:p%40ss%2F@h',
      {
        ...{ host: 'h', port: 6379, db: 0, tls: false, username: 'me', password: 'p@ss/' },
        shown: 'redis://me:***@h:6379/0',
      },
    ],
    [
      'redis://:secret@h:2/1',
      { host: 'h', port: 2, db: 1, tls: false, password: 'secret', shown: 'redis://:***@h:2/1' },
    ],
  ])('reads %s', (text, expected) => expect(parseQueueAddress(text)).toEqual(expected));

  it.each([
    ['localhost', "--queue: 'localhost' is no address"],
    ['http://h', "--queue: 'http://h' is no address"],
    ['redis://', 'has no host'],
    ['redis://h:port', 'cannot be read'],
    ['redis://h:0', 'has port 0'],
    ['redis://h:65536', 'cannot be read'],
    ['redis://h/cells', "has '/cells' where the number of a database belongs"],
    ['redis://h?family=6', 'has options'],
    ['redis://u:%zz@h', 'has a %'],
  ])('refuses %s and says what is valid', (text, message) => {
    const parse = () => parseQueueAddress(text);
    expect(parse).toThrow(InputError);
    expect(parse).toThrow(message);
    expect(parse).toThrow(/valid: redis:\/\/host, .*rediss:\/\//);
  });

  it('never says a password, whatever is wrong beside it', () => {
    const secret = 'hunter2';
    const around = fc.string({ unit: fc.constantFrom(...'redis:/@?#%[] h0'), maxLength: 12 });
    const scheme = fc.constantFrom('redis://', 'rediss://', 'http://', '');
    const user = fc.constantFrom('', 'u', 'u:');
    fc.assert(
      fc.property(scheme, user, around, around, around, (first, name, before, after, end) => {
        const text = `${first}${name}:${before}${secret}${after}@${end}`;
        let said: string;
        try {
          said = parseQueueAddress(text).shown;
        } catch (error) {
          expect(error).toBeInstanceOf(InputError);
          said = (error as Error).message;
        }
        // What stands behind another @ may be the host.
        if (!before.includes('@')) expect(said).not.toContain(secret);
      }),
      { numRuns: 2000, seed: 8 },
    );
    for (const text of [`redis://u:${secret}`, `u:${secret}@h`, `redis://u:${secret}@h:x`]) {
      expect(() => parseQueueAddress(text)).toThrow(/^(?!.*hunter2)/);
    }
  });
});

describe('hidePasswords', () => {
  it('hides what may be one in any message', () => {
    expect(hidePasswords("unknown option '--queu=redis://u:p@/ x@h:1'")).toBe(
      "unknown option '--queu=redis://***@h:1'",
    );
    expect(hidePasswords('too many arguments')).toBe('too many arguments');
  });
});
