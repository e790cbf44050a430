import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { syncFolder, temporaryName } from '../../../core/atomic-file.ts';

/** Characters that are kept before they are written. */
const BUFFERED = 2 ** 20;

/** A text file of any size that is being written. It has its name once it is whole. */
export interface TextFile {
  write(text: string): Promise<void>;
  /** Ends the file and gives it this name, in the folder that it was begun for. */
  end(path: string): Promise<void>;
  /** Removes what was written. Not an error after the end. */
  discard(): Promise<void>;
}

/** Begins a text file. @param path what it will be called, or another file beside it. */
export function createTextFile(path: string): TextFile {
  const temporary = temporaryName(path);
  let file: FileHandle | undefined;
  let texts: string[] = [];
  let buffered = 0;
  const flush = async (): Promise<void> => {
    file ??= await open(temporary, 'w');
    // Not `write`, which may write a part.
    await file.appendFile(texts.join(''));
    texts = [];
    buffered = 0;
  };
  const close = async (): Promise<void> => {
    await file?.close();
    file = undefined;
  };
  return {
    write: async (text) => {
      texts.push(text);
      buffered += text.length;
      if (buffered > BUFFERED) await flush();
    },
    end: async (to) => {
      await flush();
      await file!.sync();
      await close();
      await rename(temporary, to);
      await syncFolder(dirname(to));
    },
    discard: async () => {
      await close();
      await rm(temporary, { force: true });
    },
  };
}
