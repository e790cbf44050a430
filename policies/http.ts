import { MachineError } from '../core/errors.ts';

/** One HTTP request to a server of models. */
export interface Exchange {
  /** What messages call it: 'server http://127.0.0.1:8000, POST /completion'. */
  readonly where: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Sent as JSON. Absent: GET. */
  readonly body?: unknown;
  /** Milliseconds that it may take, its answer included. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** No answer came: the connection was never made ('unreachable'), broke ('broken'), or took too long ('hang'). */
export class NoAnswer extends MachineError {
  readonly why: 'unreachable' | 'broken' | 'hang';

  constructor(message: string, why: NoAnswer['why'], cause?: unknown) {
    super(message, { cause });
    this.why = why;
  }
}

/** Codes of connections that were never made. */
const NEVER_MADE = ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH'];

/**
 * Sends a request once and reads the answer, whatever its status.
 * @throws NoAnswer, or the signal's reason when it is aborted.
 */
export async function exchange({
  where,
  url,
  headers,
  body,
  timeoutMs,
  signal,
}: Exchange): Promise<{ readonly status: number; readonly text: string }> {
  const timeout = AbortSignal.timeout(timeoutMs);
  try {
    const response = await fetch(url, {
      method: body === undefined ? 'GET' : 'POST',
      headers: { ...headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      // The key goes to the address that was named, and nowhere else.
      redirect: 'error',
      signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: response.status, text: await response.text() };
  } catch (error) {
    signal?.throwIfAborted();
    if (timeout.aborted) throw new NoAnswer(`${where}: no answer within ${timeoutMs / 1000} s`, 'hang');
    const { code, message } = innermost(error);
    const isUnreachable = code !== undefined && NEVER_MADE.includes(code);
    const why = isUnreachable ? 'cannot be reached' : 'the connection broke';
    throw new NoAnswer(
      `${where}: ${why} (${code ?? message})`,
      isUnreachable ? 'unreachable' : 'broken',
      error,
    );
  }
}

/** 'fetch failed' says nothing; its cause does. */
function innermost(error: unknown): { readonly code?: string; readonly message: string } {
  const { code, message, cause } = error as NodeJS.ErrnoException;
  return code === undefined && cause instanceof Error
    ? innermost(cause)
    : { ...(code === undefined ? {} : { code }), message };
}

/** Characters of an answer that a message shows. */
const SHOWN = 300;

/**
 * The beginning of what a server said, in one line. It may say what it was sent, so the key is blotted out.
 */
export function quoted(text: string, key: string | undefined): string {
  const line = (key === undefined ? text : text.replaceAll(key, '***')).trim().replace(/\s+/g, ' ');
  return line.length > SHOWN
    ? `${line.slice(0, SHOWN)}… (${line.length} characters)`
    : line || 'an empty answer';
}

/** The message in an error's body, as servers wrap it: error.message, error, message, detail; else the body. */
export function problemIn(text: string): string {
  try {
    const body = JSON.parse(text);
    const found = body?.error?.message ?? body?.error ?? body?.message ?? body?.detail ?? text;
    return typeof found === 'string' ? found : JSON.stringify(found);
  } catch {
    return text;
  }
}
