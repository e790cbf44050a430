import type { AddressInfo } from 'node:net';
import { Command } from 'commander';
import { InputError } from '../core/errors.ts';
import { creditProcess } from './credit-process.ts';
import { creditServer } from './credit-server.ts';
import { wholeNumber } from './options.ts';
import { stopSignals } from './stop-signals.ts';
import { print, tell } from './terminal.ts';

interface ServeFlags {
  readonly port: number;
  readonly host: string;
  readonly withParent?: boolean;
}

const TOKEN = 'CREDITBENCH_TOKEN';
/** Hosts that only this machine reaches, and how requests name them. */
const LOOPBACK: readonly string[] = ['127.0.0.1', 'localhost', '::1'];
const LOOPBACK_NAMES = ['127.0.0.1', 'localhost', '[::1]'];

const EXAMPLES = `
Examples:
  creditbench serve                            on http://127.0.0.1:8765, until Ctrl-C
  creditbench serve --port 0                   on a free port; the line on stdout says which
  curl http://127.0.0.1:8765/v1/algorithms     ids, papers, options
  curl http://127.0.0.1:8765/v1/schema         what POST /v1/credit takes

If the variable ${TOKEN} is set, requests need the header 'Authorization: Bearer' with its value. Another --host than
127.0.0.1 needs it: whoever reaches the port could use it otherwise. docs/serve.md has all of it.
`;

/** `creditbench serve`: the credit of trajectories over HTTP. */
export function serveCommand(): Command {
  return new Command('serve')
    .description('answers requests for the credit of trajectories over HTTP, on this machine')
    .option('--port <n>', 'port, 0 to 65535; 0: a free one', wholeNumber('--port', 0, 65535), 8765)
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--with-parent', 'end when stdin ends: with the program that started it')
    .addHelpText('after', EXAMPLES)
    .action(serve);
}

async function serve({ port, host, withParent }: ServeFlags): Promise<void> {
  const token = process.env[TOKEN];
  const isLocal = LOOPBACK.includes(host);
  if (token !== undefined && token.length < 16) {
    throw new InputError(`${TOKEN} has ${token.length} characters; valid: 16 or more`);
  }
  if (!isLocal && token === undefined) {
    throw new InputError(
      `--host: '${host}' is not valid without a token in ${TOKEN}; valid: ${LOOPBACK.join(', ')}, or set it`,
    );
  }
  const computing = creditProcess();
  const server = creditServer({
    computing,
    ...(token === undefined ? {} : { token }),
    ...(isLocal ? { hosts: LOOPBACK_NAMES } : {}),
    onBug: (text) => tell(`unexpected error, please report it:\n${text}\n`),
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(
        new InputError(
          `--host, --port: cannot listen on ${host}, port ${port}: ${error.code ?? error.message}`,
        ),
      ),
    );
    server.listen(port, host, resolve);
  });
  const { address, family, port: actual } = server.address() as AddressInfo;
  print(`listening on http://${family === 'IPv6' ? `[${address}]` : address}:${actual}\n`);

  const signals = stopSignals();
  await new Promise<void>((resolve) => {
    signals.signal.addEventListener('abort', () => resolve(), { once: true });
    if (withParent) process.stdin.on('end', resolve).on('error', resolve).resume();
  });
  process.stdin.pause();
  signals.release();
  server.close();
  server.closeAllConnections();
  computing.close();
}
