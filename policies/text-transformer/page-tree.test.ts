import { describe, expect, it } from 'vitest';
import { PAGE } from '../tensor/page-store.ts';
import { type Branch, createPageTree, type PageSource, type PageTree } from './page-tree.ts';

/** Pages of ids instead of keys and values: what the caller would have computed. */
function createWorld(capacity: number, slab = 4) {
  const memory: number[][] = [];
  const source: PageSource = {
    get size() {
      return memory.length;
    },
    grow: () => {
      for (let page = 0; page < slab; page++) memory.push([]);
    },
    copy: (from, to) => {
      memory[to] = [...memory[from]!];
    },
  };
  const tree: PageTree = createPageTree(source, capacity);
  const write = ({ nodes, length }: Branch, from: number): void => {
    for (let position = from; position < length; position++) {
      const { page, tokens } = nodes[Math.floor(position / PAGE)]!;
      memory[page]![position % PAGE] = tokens[position % PAGE]!;
    }
  };
  const read = ({ nodes, length }: Branch): number[] =>
    Array.from(
      { length },
      (_, position) => memory[nodes[Math.floor(position / PAGE)]!.page]![position % PAGE]!,
    );
  const open = (ids: readonly number[]) => {
    const { branch, cached } = tree.open(Int32Array.from(ids));
    write(branch, cached);
    return { branch, cached };
  };
  const append = (branch: Branch, id: number): void => {
    tree.append(branch, id);
    write(branch, branch.length - 1);
    tree.settle();
  };
  const next = (): void => {
    tree.settle();
    tree.release();
  };
  return { tree, memory, open, append, read, next };
}

const count = (length: number, from = 0): number[] => Array.from({ length }, (_, index) => from + index);

describe('the page tree', () => {
  it('finds the longest part of a context that is there, but never all of it', () => {
    const { open, read, next } = createWorld(100);
    expect(open(count(40)).cached).toBe(0);
    next();
    expect(open(count(40)).cached).toBe(39);
    next();
    expect(open([...count(20), 99, 98]).cached).toBe(20);
    next();
    expect(open(count(16)).cached).toBe(15);
    next();
    expect(open([...count(39), 7, 7]).cached).toBe(39);
    next();
    expect(open([1, 2, 3]).cached).toBe(0);
    next();
    const { branch, cached } = open([...count(20), 99, 98, 97]);
    expect(cached).toBe(22);
    expect(read(branch)).toEqual([...count(20), 99, 98, 97]);
  });

  it('goes on in place where the context ended, and copies where it is in use or went on', () => {
    const { open, append, read, next, memory } = createWorld(100);
    const { branch } = open(count(20));
    append(branch, 50);
    next();
    const pages = memory.length;
    const first = open([...count(20), 50, 60]);
    const second = open([...count(20), 50, 70]);
    expect([first.cached, second.cached]).toEqual([21, 21]);
    expect(first.branch.nodes.at(-1)).toBe(branch.nodes.at(-1));
    expect(second.branch.nodes.at(-1)).not.toBe(branch.nodes.at(-1));
    expect(second.branch.nodes[0]).toBe(branch.nodes[0]);
    expect(read(first.branch)).toEqual([...count(20), 50, 60]);
    expect(read(second.branch)).toEqual([...count(20), 50, 70]);
    expect(memory.length).toBe(pages);
  });

  it('leaves a page to the branch that appends to it', () => {
    const { tree, open, append, read } = createWorld(100);
    const { branch } = open(count(20));
    tree.settle();
    const other = open([...count(20), 30]);
    append(branch, 40);
    expect(other.cached).toBe(20);
    expect(read(branch)).toEqual([...count(20), 40]);
    expect(read(other.branch)).toEqual([...count(20), 30]);
  });

  it('does not copy what is not computed yet, and shares whole pages even so', () => {
    const { open, next, read } = createWorld(100);
    const first = open(count(20));
    const second = open([...count(18), 90]);
    expect([first.cached, second.cached]).toEqual([0, 16]);
    expect(second.branch.nodes[0]).toBe(first.branch.nodes[0]);
    expect(read(second.branch)).toEqual([...count(18), 90]);
    next();
    expect(open([...count(18), 90, 91]).cached).toBe(19);
  });

  it('forks at the end of a whole page without a copy, elsewhere with one', () => {
    const { tree, open, append, read } = createWorld(100);
    for (const length of [16, 20]) {
      const { branch } = open(count(length, 1000 * length));
      tree.settle();
      const fork = tree.fork(branch);
      expect(fork.nodes.at(-1) === branch.nodes.at(-1)).toBe(length === 16);
      append(branch, 1);
      append(fork, 2);
      expect(read(branch)).toEqual([...count(length, 1000 * length), 1]);
      expect(read(fork)).toEqual([...count(length, 1000 * length), 2]);
    }
  });

  it('evicts the longest unused, from the ends, and nothing in use', () => {
    const { open, next, memory } = createWorld(4);
    const rows = [count(30, 0), count(30, 1000), count(30, 2000)];
    for (const row of rows.slice(0, 2)) {
      open(row);
      next();
    }
    open(rows[0]!);
    next();
    const { branch } = open(rows[2]!);
    expect(memory.length).toBe(4);
    expect(new Set(branch.nodes.map(({ page }) => page)).size).toBe(2);
    next();
    expect(open(rows[0]!).cached).toBe(29);
    next();
    expect(open(rows[1]!).cached).toBe(0);
    // Four pages in use, and more wanted: the store grows.
    open(rows[2]!);
    open(count(30, 3000));
    expect(memory.length).toBe(8);
  });

  it('never evicts what it copies from', () => {
    const { open, read, next, memory } = createWorld(1, 1);
    open(count(10));
    next();
    const { branch, cached } = open([...count(8), 50]);
    expect(cached).toBe(8);
    expect(read(branch)).toEqual([...count(8), 50]);
    expect(memory.length).toBe(2);
  });

  it('forgets everything and reuses its pages', () => {
    const { tree, open, memory, next } = createWorld(4);
    open(count(60));
    tree.clear();
    expect(open(count(60)).cached).toBe(0);
    next();
    expect(memory.length).toBe(4);
  });
});
