import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packageInfo } from '../../core/package.ts';
import { schemaFiles } from './schemas.ts';

const folder = join(packageInfo().root, 'schemas');

interface Schema {
  readonly type?: string | readonly string[];
  readonly properties: Readonly<Record<string, Schema>>;
  readonly items: Schema;
  readonly anyOf: readonly Schema[];
  readonly additionalProperties?: unknown;
  readonly required?: readonly string[];
  readonly description?: string;
  readonly const?: unknown;
}
const read = (file: string): Schema => JSON.parse(readFileSync(join(folder, file), 'utf8'));

describe('the published schemas', () => {
  it('are those of the code: npm run schemas', () => {
    const files = schemaFiles();
    expect(readdirSync(folder).sort()).toEqual(Object.keys(files).sort());
    for (const [file, text] of Object.entries(files)) {
      expect(readFileSync(join(folder, file), 'utf8')).toBe(text);
    }
  });

  it('are JSON Schema of 2020-12, closed, and describe every field of a trajectory that needs words', () => {
    const { properties, required, additionalProperties, ...rest } = read('trajectory-1.json');
    expect(rest).toMatchObject({ $schema: 'https://json-schema.org/draft/2020-12/schema', type: 'object' });
    expect(additionalProperties).toBe(false);
    expect([...required!].sort()).toEqual(['format', 'group', 'id', 'turns', 'version']);
    expect(properties.format!.const).toBe('creditbench-trajectory');
    expect(properties.version!.const).toBe(1);
    const turn = properties.turns!.items;
    expect(turn.required).toEqual(['tokens']);
    expect(turn.additionalProperties).toBe(false);
    for (const [name, field] of Object.entries(turn.properties)) {
      expect([name, typeof field.description]).toEqual([name, 'string']);
    }
    expect(turn.properties.tokens).toMatchObject({
      type: 'array',
      minItems: 1,
      items: { type: 'integer', minimum: 0 },
    });
  });

  it('say what null means in advantages', () => {
    const { properties } = read('credit-1.json');
    const turn = (properties.advantages!.additionalProperties as Schema).items;
    expect(turn.anyOf.map(({ type }) => type)).toEqual(['array', 'null']);
    expect(turn.anyOf[0]!.items.type).toEqual(['number', 'null']);
    expect(turn.description).toContain('Null: the action is not trained');
  });
});
