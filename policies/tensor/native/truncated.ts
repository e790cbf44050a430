import { closeSync, fstatSync, openSync, readdirSync, readSync } from 'node:fs';
import { join } from 'node:path';

/** The size of the header of a 64-bit ELF file, and where in it the table of sections is described. */
const ELF = { size: 64, magic: 0x7f454c46, tableAt: 0x28, entrySize: 0x3a, entries: 0x3c } as const;

/**
 * The first shared library of a folder that is shorter than its header says, as an interrupted download or copy
 * leaves it. Loading one would end the process with a bus error and no message. Only Linux's format is read.
 */
export function truncatedLibrary(folder: string): string | undefined {
  const libraries = readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.includes('.so'))
    .map(({ name }) => join(folder, name));
  return libraries.find(isTruncated);
}

function isTruncated(file: string): boolean {
  const descriptor = openSync(file, 'r');
  try {
    const header = Buffer.alloc(ELF.size);
    const length = fstatSync(descriptor).size;
    if (readSync(descriptor, header) < ELF.size) return true;
    if (header.readUInt32BE(0) !== ELF.magic) return true;
    // Linkers put the table of sections at the end of the file.
    const table = header.readUInt16LE(ELF.entrySize) * header.readUInt16LE(ELF.entries);
    return length < Number(header.readBigUInt64LE(ELF.tableAt)) + table;
  } finally {
    closeSync(descriptor);
  }
}
