import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ROOT } from './page.test-helper.ts';

/** The exports of a part of index.ts: file and name. */
const exportsOf = (part: string): readonly (readonly [string, string])[] =>
  [...part.matchAll(/^export (?:type )?\{([^}]*)\} from '\.\/([^']+)';$/gm)].flatMap(([, names, file]) =>
    names!.split(',').flatMap((name) => {
      const exported = name.replace('type ', '').trim();
      return exported === '' ? [] : [[file!, exported] as const];
    }),
  );

/** Whether the docstring of an export has the tag. */
function isExperimental([file, name]: readonly [string, string]): boolean {
  const source = readFileSync(join(ROOT, file), 'utf8');
  const declared = new RegExp(
    `(?:^|\\n)(?:/\\*\\*((?:(?!\\*/)[^])*)\\*/\\n)?export (?:async )?(?:function\\*?|class|interface|type|const) ${name}\\b`,
  ).exec(source);
  if (declared === null) throw new Error(`${file}: ${name} is not declared there`);
  return (declared[1] ?? '').includes('@experimental');
}

it('index.ts tells public and experimental exports apart, and their docstrings agree', () => {
  const index = readFileSync(join(ROOT, 'index.ts'), 'utf8');
  const at = index.indexOf('\n// Experimental: ');
  const [stable, experimental] = [exportsOf(index.slice(0, at)), exportsOf(index.slice(at))];
  expect(stable.length).toBeGreaterThan(100);
  expect(experimental.length).toBeGreaterThan(50);
  expect(stable.filter(isExperimental)).toEqual([]);
  expect(experimental.filter((one) => !isExperimental(one))).toEqual([]);
});
