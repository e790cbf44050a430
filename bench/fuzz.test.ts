import { describe, expect, it } from 'vitest';
import { CATALOG } from '../catalog.ts';
import { InputError } from '../core/errors.ts';
import { fuzz, mutatedJson, mutatedText } from '../core/fuzz.test-helper.ts';
import { CELL_COLUMNS, METRIC_COLUMNS } from './columns.ts';
import { formatCsv, parseCsv } from './csv.ts';
import { parseRun } from './runs/results.ts';
import { applySetting } from './suites/override.ts';
import { resolveSuite, suiteCells } from './suites/suite.ts';

const SUITE = `name: small
environments:
  - id: multihop/v1
    options: { maxTurns: 5 }
    training: { iterations: 3 }
  - { id: search, policy: text-transformer }
policy: transformer
algorithms:
  - grpo
  - { id: carl-lite, name: carl+2, learningRate: 0.01, noiseStream: own }
  - all
rates: own
rollouts: 4
seeds: 2
training: &t
  iterations: 30
  learningRate: 0.005
warmStart: { steps: 400, noise: 0.1 }
`;
const suite = (text: string) => resolveSuite({ file: 'my.yaml', text }, CATALOG);

describe('any text is a suite or refused', () => {
  it('as YAML', () => {
    expect(suiteCells(suite(SUITE.replace('- all', '- rloo')))).toHaveLength(12);
    const few = SUITE.replace('- all', '- rloo');
    // All algorithms, and what they may have for options, take time.
    fuzz(mutatedText([few, few, few, few, SUITE]), (text) => suiteCells(suite(text)));
  });

  it('as values of any kind in the place of valid ones', () => {
    const valid = {
      name: 'a',
      environments: [
        {
          id: 'multihop',
          options: { maxTurns: 5 },
          policy: { id: 'transformer', options: {} },
          training: { iterations: 3 },
        },
      ],
      policy: { id: 'transformer', options: {} },
      algorithms: [{ id: 'grpo', name: 'x', options: { groupSize: 4 }, learningRate: 0.1, noiseStream: 'y' }],
      rates: 'own',
      seeds: 2,
      training: { iterations: 30 },
      warmStart: { steps: 1 },
    };
    expect(suiteCells(suite(JSON.stringify(valid)))).toHaveLength(2);
    fuzz(mutatedJson([valid]), (value) => suiteCells(suite(JSON.stringify(value) ?? '')));
  });

  it('with any override', () => {
    const settings = [
      'training.iterations=5',
      'algorithms.grpo.options.groupSize=8',
      'environments.0.options={a: [1, 2]}',
      'algorithms=[rloo, {id: grpo}]',
    ];
    const root = {
      algorithms: [{ id: 'grpo', options: {} }, null, 3],
      environments: [{ id: 'a' }],
      training: {},
      seeds: 1,
    };
    fuzz(mutatedText(settings), (setting) => applySetting(structuredClone(root), setting, () => undefined));
  });
});

describe('bugs that were found', () => {
  it('an entry whose name cannot be made a text', () => {
    expect(() => suite('algorithms: [{ id: grpo, name: { toString: 1 } }]')).toThrow(InputError);
    expect(() => applySetting({ list: [{ id: { toString: 1 } }] }, 'list.b=1', () => undefined)).toThrow(
      /valid: 0$/,
    );
  });

  it('aliases that multiply, or name nothing', () => {
    expect(() => suite('name: *nothing')).toThrow(/my\.yaml:1:1: Unresolved alias/);
  });

  it('a deeply nested suite ended the process', () => {
    expect(() => suite('['.repeat(12_000))).toThrow('my.yaml:1:1: more than 64 levels deep');
  });

  it('names that no file system can hold', () => {
    const named = (name: string) => suite(SUITE.replace('carl+2', name).replace('- all', '- rloo'));
    expect(named('x'.repeat(100)).algorithms[1]!.name).toHaveLength(100);
    expect(() => named('x'.repeat(101))).toThrow(
      /algorithms\.x+…?x*\.name: "x+…? is not valid; valid: text that/,
    );
    expect(() => suite(SUITE.replace('name: small', `name: ${'x'.repeat(101)}`))).toThrow(
      /my\.yaml:1:1: name:/,
    );
  });

  it.each([
    '../x',
    '..',
    '/etc/x',
    'a/../x',
    'C:x',
    'a\\\\b',
    'x\\0',
    '.x',
    'x.',
    'con',
    'COM1',
    'nul',
    '',
    ' x',
  ])('names that lead out of the folder, or are devices: %j', (name) => {
    expect(() => suite(SUITE.replace('name: small', `name: "${name}"`))).toThrow(/my\.yaml:1:1: name:/);
    const text = SUITE.replace('carl+2', `"${name}"`).replace('- all', '- rloo');
    expect(() => suite(text)).toThrow(/my\.yaml:10:\d+: algorithms\..*name: .* is not valid/);
  });

  it('more cells than fit in memory', () => {
    const many = Array.from({ length: 20 }, (_, i) => `{ id: grpo, name: a${i} }`).join(', ');
    const text = SUITE.replace('- all', '').replace('seeds: 2', 'seeds: 10000');
    expect(() => suite(text.replace(/algorithms:.*rates/s, `algorithms: [${many}]\nrates`))).toThrow(
      /400000 cells \(environments x algorithms x seeds\); valid: at most 100000/,
    );
  });
});

describe('any text is a table or refused', () => {
  const row = Object.fromEntries(
    METRIC_COLUMNS.map(({ name }, index) => [name, index % 3 === 0 ? null : index / 7]),
  );

  it('as CSV', () => {
    const valid = formatCsv(METRIC_COLUMNS, [row, row]);
    fuzz(mutatedText([valid]), (text) => {
      try {
        parseCsv(METRIC_COLUMNS, text);
      } catch (error) {
        // Its callers say where, and make an InputError of it: only bugs are of these kinds.
        if (error instanceof TypeError || error instanceof RangeError) throw error;
        expect((error as Error).message.length).toBeLessThan(100_000);
      }
    });
  });

  it('as the files of a run', () => {
    const cell = {
      environment: 'multihop/v1',
      policy: 'transformer',
      algorithm: 'grpo',
      seed: 0,
      cell: '0123456789abcdef',
    };
    const csv = formatCsv([...CELL_COLUMNS, ...METRIC_COLUMNS], [{ ...cell, ...row }]);
    const file = {
      creditbench: '1',
      declarations: { 'multihop/v1': { score: { name: 'f1', range: [0, 1] }, metrics: [] } },
      cells: [{ ...cell, algorithmId: 'grpo', status: 'finished', options: {} }],
    };
    const refuse = (name: string, what: string): never => {
      throw new InputError(`${name}: ${what}`);
    };
    expect(parseRun(JSON.stringify(file), csv, refuse)).toHaveLength(1);
    fuzz(mutatedJson([file]), (value) => parseRun(JSON.stringify(value) ?? '', csv, refuse));
    fuzz(mutatedText([JSON.stringify(file)]), (text) => parseRun(text, csv, refuse));
    fuzz(mutatedText([csv]), (text) => parseRun(JSON.stringify(file), text, refuse));
  });
});
