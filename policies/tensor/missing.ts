import { InputError } from '../../core/errors.ts';

/** A backend cannot run here: why, and the command that changes it. */
export class BackendMissing extends InputError {
  /** One line. */
  readonly why: string;
  /** A command line, or '' where no command helps. */
  readonly fix: string;
  constructor(name: string, why: string, fix: string) {
    super(`backend: ${name} ${why}${fix === '' ? '' : `; fix: ${fix}`}`);
    this.why = why;
    this.fix = fix;
  }
}
