import { InputError } from '../../../core/errors.ts';

/** Where a queue is, and how to say so without its password. */
export interface QueueAddress {
  readonly host: string;
  readonly port: number;
  readonly db: number;
  readonly username?: string;
  readonly password?: string;
  /** Encrypted (rediss://). Certificates are checked against those that Node trusts, and NODE_EXTRA_CA_CERTS. */
  readonly tls: boolean;
  /** The address for messages: a password is `***`. */
  readonly shown: string;
}

const VALID =
  'redis://host, redis://host:6379/0, redis://user:password@host, rediss://host (encrypted); in a password, %40 stands for @ and %2F for /';

/**
 * Reads `redis://user:password@host:port/db`. Default port: 6379; default database: 0.
 * @throws InputError naming `option`, never the password.
 */
export function parseQueueAddress(text: string, option = '--queue'): QueueAddress {
  let shown = harmless(text);
  const invalid = (why: string) => new InputError(`${option}: '${shown}' ${why}; valid: ${VALID}`);
  if (!/^rediss?:\/\//i.test(text)) throw invalid('is no address of a Redis or Valkey server');
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw invalid('cannot be read');
  }
  // An unescaped / or # in a password has cut it: its rest is no path to speak of.
  if (/@/.test(url.pathname + url.search + url.hash)) throw invalid('has an @ behind its host');
  const who = `${url.username}${url.password === '' ? '' : ':***'}`;
  shown = `${url.protocol}//${who}${who === '' ? '' : '@'}${url.host}${url.pathname}`;
  const db = /^\/?(\d{0,4})$/.exec(url.pathname)?.[1];
  if (url.hostname === '') throw invalid('has no host');
  if (db === undefined) throw invalid(`has '${url.pathname}' where the number of a database belongs`);
  if (url.search !== '' || url.hash !== '') throw invalid('has options after the database');
  const port = url.port === '' ? 6379 : Number(url.port);
  if (port === 0) throw invalid('has port 0');
  const tls = url.protocol === 'rediss:';
  // A name of an IPv6 host is in brackets in addresses only.
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  let username: string;
  let password: string;
  try {
    username = decodeURIComponent(url.username);
    password = decodeURIComponent(url.password);
  } catch {
    throw invalid('has a % in its password that stands for nothing');
  }
  return {
    host,
    port,
    db: Number(db),
    tls,
    ...(username === '' ? {} : { username }),
    ...(password === '' ? {} : { password }),
    shown: `${url.protocol}//${who}${who === '' ? '' : '@'}${url.hostname}:${port}/${Number(db)}`,
  };
}

/** A text in which whatever stands between `://` and the last @ is hidden. */
export function hidePasswords(text: string): string {
  return text.replace(/:\/\/.*@/gs, '://***@');
}

/** What was given, without anything in it that may be a password. */
function harmless(text: string): string {
  const scheme = /^[a-z]*:\/\//i.exec(text)?.[0] ?? '';
  return /[:@?#]/.test(text.slice(scheme.length)) ? `${scheme}…` : text;
}
