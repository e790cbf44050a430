import { InputError } from '../../core/errors.ts';

/** A name of code of one's own, in its parts. */
export interface Source {
  /** A path, or the name of a package. */
  readonly module: string;
  /** The name of an export. */
  readonly exported: string;
}

/** Whether a name stands for code of one's own: a path, a file name with an ending of code, or anything with a '#'. */
export const isCodeReference = (name: string): boolean => name.includes('#') || isPath(name);

/** Whether a module is a file rather than a package. */
export const isPath = (module: string): boolean =>
  /^\.{1,2}$|^\.{1,2}[\\/]|^[\\/]|^[A-Za-z]:[\\/]|\.[cm]?[jt]s$/.test(module);

/**
 * './mine.ts', './mine.ts#name', 'some-package#name'; without '#': the default export.
 * @throws InputError when one of the parts is empty, or there are more of them.
 */
export function parseSource(source: string): Source {
  const [module = '', exported = 'default', ...rest] = source.split('#');
  if (module === '' || exported === '' || rest.length > 0) {
    const problem =
      rest.length > 0 ? "more than one '#'" : `nothing ${module === '' ? 'before' : 'after'} the '#'`;
    const file = module === '' ? './mine.ts' : module;
    throw new InputError(`${problem}; valid: ${file} (its default export), or ${file}#name`);
  }
  return { module, exported };
}
