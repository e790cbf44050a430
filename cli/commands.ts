import type { Command } from 'commander';

/** A command of the command line. Its code is loaded when it is asked for, and not before. */
export interface CommandEntry {
  readonly name: string;
  /** What follows the name, and what it does: as the command itself says. */
  readonly usage: string;
  readonly description: string;
  /** Loads and builds the command. `setExitCode` is called if the command ends with another code than 0. */
  load(setExitCode: (code: number) => void): Promise<Command>;
}

/** All commands, in the order in which the help lists them. */
export const COMMANDS: readonly CommandEntry[] = [
  {
    name: 'run',
    usage: '[options] [suite]',
    description: 'runs a suite and compares its algorithms',
    load: async (setExitCode) => (await import('./run.ts')).runCommand(setExitCode),
  },
  {
    name: 'estimate',
    usage: '[options] [suite]',
    description: 'says what a run would cost in tokens and hours',
    load: async (setExitCode) => (await import('./estimate.ts')).estimateCommand(setExitCode),
  },
  {
    name: 'status',
    usage: '[options] <folder>',
    description: 'shows which cells of an output folder are finished, running, failed or waiting',
    load: async (setExitCode) => (await import('./status.ts')).statusCommand(setExitCode),
  },
  {
    name: 'worker',
    usage: '[options]',
    description: 'computes cells of runs on other machines, from a queue in Redis or Valkey',
    load: async () => (await import('./worker.ts')).workerCommand(),
  },
  {
    name: 'compare',
    usage: '[options] <results...>',
    description: 'compares the results of one or several runs, in pairs of seeds',
    load: async () => (await import('./compare.ts')).compareCommand(),
  },
  {
    name: 'report',
    usage: '[options] <results...>',
    description: 'writes one HTML page over the results of one or several runs',
    load: async () => (await import('./report.ts')).reportCommand(),
  },
  {
    name: 'power',
    usage: '[options] [results...]',
    description: 'says how many training seeds a difference needs to be found',
    load: async () => (await import('./power.ts')).powerCommand(),
  },
  {
    name: 'rollout',
    usage: '[options] <environment>',
    description: 'samples one episode of the starting policy and prints it',
    load: async (setExitCode) => (await import('./rollout.ts')).rolloutCommand(setExitCode),
  },
  {
    name: 'evaluate',
    usage: '[options] <environment>',
    description: 'scores a policy as it is on questions: F1, EM, what the environment counts',
    load: async (setExitCode) => (await import('./evaluate.ts')).evaluateCommand(setExitCode),
  },
  {
    name: 'audit',
    usage: '[options]',
    description: 'compares the expected gradient and advantages of algorithms with the exact ones',
    load: async (setExitCode) => (await import('./audit.ts')).auditCommand(setExitCode),
  },
  {
    name: 'serve',
    usage: '[options]',
    description: 'answers requests for the credit of trajectories over HTTP, on this machine',
    load: async () => (await import('./serve.ts')).serveCommand(),
  },
  {
    name: 'criticality',
    usage: '[options]',
    description: 'measures criticality of states and how well entropy predicts it',
    load: async (setExitCode) => (await import('./criticality.ts')).criticalityCommand(setExitCode),
  },
  {
    name: 'credit-quality',
    usage: '[options] [environment]',
    description: "sets methods' credit against true advantages, at equal budgets and without training",
    load: async (setExitCode) => (await import('./credit-quality.ts')).creditQualityCommand(setExitCode),
  },
  {
    name: 'credit',
    usage: '[options] <file>',
    description: "gives the tokens of other people's rollouts their advantages, by any method",
    load: async (setExitCode) => (await import('./credit.ts')).creditCommand(setExitCode),
  },
  {
    name: 'profile',
    usage: '[options]',
    description: 'says what methods are good at: exact learning scores in small experiments',
    load: async (setExitCode) => (await import('./profile.ts')).profileCommand(setExitCode),
  },
  {
    name: 'golden',
    usage: '[options]',
    description: 'prints the credit of methods on 50 fixed trees, for other code to test against',
    load: async () => (await import('./golden.ts')).goldenCommand(),
  },
  {
    name: 'data',
    usage: '[options] [command]',
    description: 'looks at question files',
    load: async () => (await import('./data.ts')).dataCommand(),
  },
  {
    name: 'list',
    usage: '[options] [what]',
    description: 'lists algorithms, environments, policies and suites',
    load: async () => (await import('./list.ts')).listCommand(),
  },
  {
    name: 'bench',
    usage: '[options] [cases...]',
    description: 'measures speed on this machine, beside PyTorch where it is there',
    load: async () => (await import('./bench.ts')).benchCommand(),
  },
  {
    name: 'doctor',
    usage: '[options]',
    description: 'shows what this machine has and how to get what is missing',
    load: async (setExitCode) => (await import('./doctor.ts')).doctorCommand(setExitCode),
  },
  {
    name: 'score',
    usage: '[options] <predictions> <gold>',
    description: "scores a prediction file as the data set's official script does",
    load: async () => (await import('./score.ts')).scoreCommand(),
  },
  {
    name: 'warm-start',
    usage: '[options] <environment>',
    description: "trains a suite's policy on demonstrations and writes a checkpoint",
    load: async () => (await import('./warm-start.ts')).warmStartCommand(),
  },
  {
    name: 'export',
    usage: '[options] <start>',
    description: "writes a checkpoint or a suite's starting weights as a Hugging Face folder",
    load: async () => (await import('./export.ts')).exportCommand(),
  },
];
