import { Redis } from 'ioredis';
import { InputError } from '../../../core/errors.ts';
import type { QueueAddress } from './address.ts';

/** Milliseconds until a server that does not answer counts as absent, at the start. */
const CONNECT_TIMEOUT = 5000;
/** Milliseconds between tries to reach a server that went away. */
const RETRY = 1000;

/** An open connection, and what BullMQ needs for its own. */
export interface QueueConnection {
  /** Commands wait while the server is away. Their errors hold no credentials. */
  readonly client: Redis;
  /** Options of further connections to the same server. */
  readonly options: ReturnType<typeof clientOptions>;
  /** Milliseconds since the server was last reached after an absence (or at the start). */
  connectedFor(): number;
  /** Called whenever the server is back. */
  onBack(listener: () => void): void;
  close(): void;
}

/**
 * Connects to Redis or Valkey. If the server goes away later, commands wait until it is back, and
 * `onNotice` is called.
 * @throws InputError naming --queue when it cannot be reached within seconds, refuses, or is too old.
 */
export async function connectQueue(
  address: QueueAddress,
  onNotice: (message: string) => void,
): Promise<QueueConnection> {
  const options = clientOptions(address);
  let isOpen = false;
  const client = new Redis({
    ...options,
    lazyConnect: true,
    connectTimeout: CONNECT_TIMEOUT,
    retryStrategy: () => (isOpen ? RETRY : null),
  });
  let problem: Error | undefined;
  client.on('error', (error: Error) => {
    problem = error;
  });
  try {
    await client.connect();
    await client.select(address.db);
    await checkServer(client, onNotice);
  } catch (error) {
    client.disconnect();
    const { message } = problem ?? (error as Error);
    throw new InputError(
      `--queue: ${address.shown} cannot be used (${message}); valid: the address of a Redis (6.2 or newer) or Valkey server that runs`,
    );
  }
  isOpen = true;
  let since = performance.now();
  const listeners: (() => void)[] = [];
  let isAway = false;
  client.on('close', () => {
    if (isOpen && !isAway) onNotice(`lost the connection to ${address.shown}; waiting for it`);
    isAway = true;
  });
  client.on('ready', () => {
    since = performance.now();
    if (isAway) onNotice(`connected to ${address.shown} again`);
    isAway = false;
    for (const listener of listeners) listener();
  });
  return {
    client,
    options,
    connectedFor: () => (isAway ? 0 : performance.now() - since),
    onBack: (listener) => void listeners.push(listener),
    close: () => {
      isOpen = false;
      client.disconnect();
    },
  };
}

function clientOptions({ host, port, db, username, password, tls }: QueueAddress) {
  return {
    host,
    port,
    db,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(tls ? { tls: {} } : {}),
    maxRetriesPerRequest: null,
    retryStrategy: () => RETRY,
    // `checkServer` says the same; BullMQ would print it.
    skipVersionCheck: true,
  };
}

async function checkServer(client: Redis, onNotice: (message: string) => void): Promise<void> {
  const info = await client.info();
  const value = (name: string) => new RegExp(`^${name}:(.*?)\r?$`, 'm').exec(info)?.[1];
  // Valkey reports the version of Redis that it is compatible with.
  const version = value('redis_version') ?? '0';
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major < 6 || (major === 6 && minor < 2)) throw new Error(`its version is ${version}`);
  const policy = value('maxmemory_policy');
  if (policy !== undefined && policy !== 'noeviction') {
    onNotice(
      `the server may throw results away when its memory is full (maxmemory-policy ${policy}; better: noeviction)`,
    );
  }
}
