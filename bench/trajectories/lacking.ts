/** A field that a method reads and that the file does not have. */
export class LackingField extends Error {
  override readonly name = 'LackingField';
  /** What the field is called in the format, and what it is. */
  readonly field: string;

  constructor(field: string) {
    super(`the file has no ${field}`);
    this.field = field;
  }
}

/**
 * Adds to an object what it lacks as properties that throw when they are read: a method that can do without is not
 * troubled, and one that cannot says what it lacks. They are not copied by a spread.
 * @param fields what each property is, by name. Properties that the object has are left alone.
 */
export function lacking<T extends object>(object: T, fields: Readonly<Record<string, string>>): T {
  for (const [property, field] of Object.entries(fields)) {
    if (property in object) continue;
    Object.defineProperty(object, property, {
      enumerable: false,
      get: () => {
        throw new LackingField(field);
      },
    });
  }
  return object;
}
