import { describe, expect, it } from 'vitest';
import { readYaml } from './yaml.ts';

const problem = (text: string): string | undefined => readYaml(text).problems[0]?.message;

describe('YAML is data', () => {
  it('reads values of the kinds of JSON', () => {
    expect(readYaml('a: [1, x, true, null, {b: "2"}]\nc: &c {d: 0.5}\ne: *c\n')).toMatchObject({
      value: { a: [1, 'x', true, null, { b: '2' }], c: { d: 0.5 }, e: { d: 0.5 } },
      problems: [],
    });
  });

  it.each([
    '!!js/function "function () {}"',
    '!!js/regexp /a/',
    '!!python/object/apply:os.system [ls]',
    'a: !mine 1',
    '!!binary aGk=',
    '!!set {a, b}',
    '!!timestamp 2001-12-14',
  ])('has no tags of its own: %s', (text) => {
    expect(problem(text)).toMatch(/^Unresolved tag/);
  });

  it('stays YAML 1.2 when a directive asks for another version', () => {
    expect(readYaml('%YAML 1.1\n---\na: yes\nb: 2001-12-14\nc: &c {x: 1}\nd: {<<: *c}\n').value).toEqual({
      a: 'yes',
      b: '2001-12-14',
      c: { x: 1 },
      d: { '<<': { x: 1 } },
    });
  });

  it('takes __proto__ for a key like any other', () => {
    const { value } = readYaml('__proto__: {polluted: 1}\na: {constructor: {prototype: {polluted: 1}}}');
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    expect(Object.keys(value as object)).toEqual(['__proto__', 'a']);
    expect(({} as { polluted?: 1 }).polluted).toBeUndefined();
  });
});

describe('YAML that would take too much', () => {
  it.each([
    ['lists in one line', '['.repeat(12_000)],
    ['mappings in one line', '{"a": '.repeat(12_000)],
    ['brackets that a text seems to close', '["]", '.repeat(12_000)],
    ['block lists in one line', '- '.repeat(12_000)],
    ['keys in one line', '? '.repeat(12_000)],
    ['lists over many lines', Array.from({ length: 400 }, (_, i) => `${' '.repeat(i)}-\n`).join('')],
    ['mappings over many lines', Array.from({ length: 200 }, (_, i) => `${' '.repeat(i)}a:\n`).join('')],
  ])('is refused: %s', (_, text) => {
    expect(problem(text)).toBe('more than 64 levels deep');
  });

  it('may nest and be indented as people do', () => {
    const nested = `${'['.repeat(40)}1${']'.repeat(40)}`;
    expect(problem(`a: ${nested}\nb: |\n${' '.repeat(80)}text\nc:\n  - - 1\n    - 2\n`)).toBeUndefined();
  });

  it('is refused where aliases multiply, or name nothing', () => {
    const levels = Array.from({ length: 12 }, (_, i) => `a${i + 1}: &a${i + 1} [${`*a${i}, `.repeat(9)}]`);
    expect(problem(`a0: &a0 [lol]\n${levels.join('\n')}`)).toMatch(/Excessive alias count/);
    expect(problem('a: *b')).toMatch(/Unresolved alias/);
  });

  it('is refused where it is too long', () => {
    expect(problem(`a: ${'x'.repeat(2 ** 20)}`)).toBe('1048579 characters; valid: at most 1048576');
  });

  it('has keys once, which takes time in proportion to their number', () => {
    expect(problem('a: 1\nb: {c: 1, c: 2}')).toBe('the key "c" is there twice');
    const keys = (count: number) => Array.from({ length: count }, (_, i) => `k${i}:`).join('\n');
    const seconds = (count: number): number => {
      // Of the processor: others may keep this process waiting.
      const from = process.cpuUsage();
      readYaml(keys(count));
      return process.cpuUsage(from).user;
    };
    seconds(2000);
    const best = (count: number) => Math.min(seconds(count), seconds(count), seconds(count));
    // 8 times as many: about 8 times as long, where comparing each with each takes 64.
    expect(best(16_000) / best(2000)).toBeLessThan(24);
  });
});
