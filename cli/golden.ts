import { Command } from 'commander';
import { goldenLines, goldenVectors } from '../bench/trajectories/golden/golden-credit.ts';
import { packageInfo } from '../core/package.ts';
import { collect } from './options.ts';
import { algorithmNames, catalogWith } from './own-code.ts';
import { print } from './terminal.ts';

interface GoldenFlags {
  readonly algorithm?: readonly string[];
  readonly json?: boolean;
}

const EXAMPLES = `
Examples:
  creditbench golden > golden.jsonl
  creditbench golden --algorithm grpo --algorithm rloo --json

Trees, fields and how a Python project tests against them: docs/golden.md. The output is the same on every machine;
it changes with the version that it names.
`;

/** `creditbench golden`: the credit of methods on fixed trees, for other implementations to test against. */
export function goldenCommand(): Command {
  return new Command('golden')
    .description('prints the credit of methods on 50 fixed trees, for other code to test against')
    .option(
      '--algorithm <id or file>',
      'whose credit; a file is code that runs with your rights; may be given more than once (default: all that come with creditbench)',
      collect,
    )
    .option('--json', 'prints one JSON document, not lines of JSON')
    .addHelpText('after', EXAMPLES)
    .action(async ({ algorithm, json }: GoldenFlags) => {
      const names = algorithmNames(algorithm);
      const catalog = await catalogWith([{ kind: 'algorithm', option: '--algorithm', names }]);
      const methods = names.map((name) => ({ name, algorithm: catalog.algorithm(name) }));
      const vectors = goldenVectors(methods, packageInfo().version);
      print(json ? `${JSON.stringify(vectors)}\n` : goldenLines(vectors));
    });
}
