import { Command, CommanderError } from 'commander';
import { hidePasswords } from '../bench/runs/queue/address.ts';
import { InputError, MachineError } from '../core/errors.ts';
import { packageInfo } from '../core/package.ts';
import { printableLines } from '../core/printable.ts';
import { COMMANDS, type CommandEntry } from './commands.ts';
import { outputWidth } from './layout.ts';
import { tell } from './terminal.ts';
import { wrapHelp } from './wrap.ts';

const EXAMPLES = `
Examples:
  creditbench run quick                     compare four algorithms, a few minutes
  creditbench profile --quick               what is each good at?
  creditbench status results/quick          what is finished, running, failed, waiting
  creditbench report results/quick          one page with charts, for any runs
  creditbench power --help                  how many seeds does a difference need?
  creditbench rollout search --question 3   one episode, token by token
  creditbench audit                         is each algorithm's estimate right?
  creditbench criticality                   which decisions matter, and does entropy tell?
  creditbench list algorithms               what can be compared
  creditbench data inspect questions.json   what is in a question file?
  creditbench doctor                        is this machine ready?
  creditbench bench                         how fast is it?
  creditbench score --metric hotpotqa predictions.json gold.json

'creditbench help <command>' tells more about a command.
`;

/** A commander error and the command that it belongs to. */
class UsageError extends Error {
  readonly command: Command;
  constructor(message: string, command: Command) {
    super(message);
    this.command = command;
  }
}

/** Runs the command line. Returns the exit code: 0 done, 1 failed, 2 wrong input, 3 not finished, 130 stopped. */
export async function main(args: readonly string[]): Promise<number> {
  let code = 0;
  const program = new Command('creditbench')
    .description(
      'Compares credit-assignment algorithms for multi-step agents: same tasks, same weights, exact costs.',
    )
    .version(packageInfo().version, '-V, --version', 'prints the version')
    .configureHelp({ subcommandTerm: (command) => `${command.name()} ${command.usage()}` })
    .addHelpText('after', EXAMPLES);
  // 'help <command>' and '-- <command>' ask for a command, too.
  const asked = args.find((arg) => arg !== 'help' && arg !== '--');
  try {
    for (const entry of COMMANDS) {
      program.addCommand(
        entry.name === asked ? await entry.load((value) => (code = value)) : placeholder(entry),
      );
    }
    for (const command of withDescendants(program)) {
      command
        .exitOverride((error) => {
          if (error.exitCode === 0) throw error;
          // The help that answers `creditbench data` or `creditbench help rnu` is no message.
          const isHelp = error.code === 'commander.help';
          throw new UsageError(isHelp ? 'error: missing or unknown command' : error.message, command);
        })
        .configureOutput({
          // Errors are printed once, below.
          outputError: () => {},
          getOutHelpWidth: outputWidth,
          writeOut: (text) => process.stdout.write(wrapHelp(text, outputWidth())),
        });
    }
    if (args.length === 0) {
      program.outputHelp();
      return 0;
    }
    await program.parseAsync([...args], { from: 'user' });
    return code;
  } catch (error) {
    return fail(error);
  }
}

/** A command that is not asked for: it has a line in the help and is offered where a name is wrong. */
function placeholder({ name, usage, description }: CommandEntry): Command {
  return new Command(name).usage(usage).description(description);
}

function withDescendants(command: Command): readonly Command[] {
  return [command, ...command.commands.flatMap(withDescendants)];
}

function fail(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode;
  if (error instanceof UsageError) {
    tell(`${usageMessage(error)}\n`);
    return 2;
  }
  if (error instanceof InputError) {
    const lines = withoutLogins(error.message).split('\n');
    tell(lines.length === 1 ? `error: ${lines[0]}\n` : `error:\n  ${lines.join('\n  ')}\n`);
    return 2;
  }
  if (error instanceof MachineError) {
    tell(`error: ${withoutLogins(printableLines(error.message))}\n`);
    return 1;
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  tell(`unexpected error, please report it:\n${text}\n`);
  return 1;
}

/** A text without the names and passwords in its addresses. */
const withoutLogins = (text: string): string => text.replace(/:\/\/[^\s/@"']+@/g, '://***@');

function usageMessage({ message, command }: UsageError): string {
  const names =
    message.includes('unknown command') || command.parent === null
      ? command.commands.map((sub) => sub.name())
      : command.options.map((option) => option.long ?? option.flags);
  const valid = message.includes('unknown') && names.length > 0 ? `; valid: ${names.join(', ')}, --help` : '';
  return `${hidePasswords(message.trim().replace('\n', ' '))}${valid}`;
}
