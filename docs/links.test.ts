import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const NOT_OURS = ['node_modules', 'dist', 'results', 'bundle', 'coverage'];

const pagesIn = (folder: string): readonly string[] =>
  readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory())
      return NOT_OURS.includes(entry.name) || entry.name.startsWith('.') ? [] : pagesIn(path);
    return entry.name.endsWith('.md') ? [path] : [];
  });

/** A page without its code. */
const prose = (page: string): string => readFileSync(page, 'utf8').replaceAll(/^```[\s\S]*?^```$/gm, '');

/** As GitHub makes them of headings. */
const anchorsOf = (page: string): readonly string[] =>
  [...prose(page).matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
    heading!
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );

it('every link from a page to another leads somewhere', () => {
  const pages = pagesIn(ROOT);
  expect(pages.length).toBeGreaterThan(40);
  const dead = pages.flatMap((page) =>
    [...prose(page).matchAll(/\]\((?!https?:|mailto:)([^)\s]*)\)/g)].flatMap(([, target]) => {
      const [file = '', anchor] = target!.split('#');
      const to = file === '' ? page : join(dirname(page), file);
      const leads = existsSync(to) && (anchor === undefined || anchorsOf(to).includes(anchor));
      return leads ? [] : [`${relative(ROOT, page)}: ${target}`];
    }),
  );
  expect(dead).toEqual([]);
});

it('every file and folder that ARCHITECTURE.md names is there', () => {
  const text = readFileSync(join(ROOT, 'ARCHITECTURE.md'), 'utf8');
  const named = [...text.matchAll(/(?<=[`(:\s])((?:[\w-]+\/)+[\w-]*(?:\.\w+)*)(?=[`),;:\s])/g)].map(
    ([path]) => path,
  );
  const picture = /```\n([\s\S]*?)```/.exec(text)![1]!;
  let house = '';
  const rooms = [...picture.matchAll(/^( *)(\S+)/gm)].map(([, indent, name]) => {
    if (indent === '') house = name!;
    return indent === '' ? name! : `${house}${name}`;
  });
  expect(named.length).toBeGreaterThan(30);
  expect(rooms.length).toBeGreaterThan(15);
  const isThere = (path: string): boolean =>
    existsSync(join(ROOT, path)) || rooms.some((room) => existsSync(join(ROOT, room, path)));
  expect([...named, ...rooms].filter((path) => !isThere(path))).toEqual([]);
});
