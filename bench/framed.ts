import { createHash } from 'node:crypto';
import type { ZodType } from 'zod';
import { readBeginning, readBounded } from '../core/bounded-file.ts';

/**
 * A kind of things that are kept as one line of JSON and a payload: checkpoints, starting weights, results in a queue.
 * The line begins with the SHA-256 of all that follows it, the rest of the line included.
 */
export interface FrameKind<Head> {
  /** What it is, in errors: 'checkpoint'. */
  readonly what: string;
  /** What the line says besides the checksum: an object with one field or more. */
  readonly schema: ZodType<Head>;
  /** Bytes of the whole, at most. */
  readonly most: number;
}

/** What was read. */
interface Framed<Head> {
  readonly head: Head;
  readonly payload: Uint8Array;
}

function sha256(...parts: readonly Uint8Array[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
}

const BEGINNING = /^\{"sha256":"([0-9a-f]{64})",/;
const LENGTH = '{"sha256":"",'.length + 64;
const NEWLINE = 10;

/**
 * A head and a payload as bytes.
 * @param payload its parts, one after the other.
 * @param replacer of values that JSON does not have, as in `JSON.stringify`.
 * @throws Error if they are more bytes than the kind allows.
 */
export function writeFramed<Head extends object>(
  { what, most }: FrameKind<Head>,
  head: Head,
  payload: readonly Uint8Array[] = [],
  replacer?: (name: string, value: unknown) => unknown,
): Buffer {
  const rest = [Buffer.from(`${JSON.stringify(head, replacer).slice(1)}\n`), ...payload];
  const size = rest.reduce((sum, { byteLength }) => sum + byteLength, LENGTH);
  if (size > most) throw new Error(`the ${what} has ${size} bytes; valid: at most ${most}`);
  return Buffer.concat([Buffer.from(`{"sha256":"${sha256(...rest)}",`), ...rest]);
}

/**
 * Reads what `writeFramed` wrote. The payload is part of the same memory.
 * @throws Error saying what is wrong with the bytes.
 */
export function readFramed<Head>(kind: FrameKind<Head>, bytes: Uint8Array): Framed<Head> {
  if (bytes.length > kind.most) throw new Error(`${bytes.length} bytes; valid: at most ${kind.most}`);
  const checksum = BEGINNING.exec(latin1(bytes.subarray(0, LENGTH)))?.[1];
  if (checksum === undefined) throw notOne(kind);
  if (checksum !== sha256(bytes.subarray(LENGTH))) throw new Error('its checksum does not match');
  return readLine(kind, bytes);
}

/** The same of a file. @throws Error as the file system does, too. */
export async function readFramedFile<Head>(kind: FrameKind<Head>, path: string): Promise<Framed<Head>> {
  return readFramed(kind, await readBounded(path, kind.most));
}

/**
 * The head of a file alone, of which so many bytes are read. Nothing says that the rest of the file is whole.
 * @throws Error as the file system does, and if the beginning is not one of its kind.
 */
export async function readFramedHead<Head>(kind: FrameKind<Head>, path: string, most: number): Promise<Head> {
  return readLine(kind, await readBeginning(path, most)).head;
}

function readLine<Head>(kind: FrameKind<Head>, bytes: Uint8Array): Framed<Head> {
  const end = bytes.indexOf(NEWLINE);
  if (end < LENGTH || !BEGINNING.test(latin1(bytes.subarray(0, LENGTH)))) throw notOne(kind);
  let content: unknown;
  try {
    content = JSON.parse(`{${Buffer.from(bytes.subarray(LENGTH, end)).toString('utf8')}`);
  } catch (error) {
    throw notOne(kind, (error as Error).message);
  }
  const parsed = kind.schema.safeParse(content);
  if (parsed.success) return { head: parsed.data, payload: bytes.subarray(end + 1) };
  const { path, message } = parsed.error.issues[0]!;
  throw notOne(kind, `${path.join('.') || 'content'}: ${message}`);
}

const latin1 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');

const notOne = ({ what }: { readonly what: string }, why?: string): Error =>
  new Error(`its first line is not that of a ${what}${why === undefined ? '' : ` (${why})`}`);
