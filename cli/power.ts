import { Command } from 'commander';
import { readResults } from '../bench/runs/results.ts';
import { detectableDifference, deviationAtMost, pairedPower, seedsNeeded } from '../bench/stats/power.ts';
import { InputError } from '../core/errors.ts';
import { printable, printableJson } from '../core/printable.ts';
import { analyze } from '../reports/analysis.ts';
import type { PairAnalysis } from '../reports/analyzed.ts';
import { commonLabel, commonScore } from '../reports/score.ts';
import { addTableOptions, type Layout, layoutOf, type TableFlags } from './layout.ts';
import { decimalIn, positive, wholeNumber } from './options.ts';
import { renderTable, type TableColumn } from './table.ts';
import { print } from './terminal.ts';
import { wrapText } from './wrap.ts';

const EXAMPLES = `
Examples:
  creditbench power --difference 0.02 --deviation 0.03
  creditbench power --difference 0.02 --deviation 0.03 --comparisons 3
  creditbench power results/pilot --difference 0.02

How many training seeds are needed to find a true difference of this size in the score that the environment declares
(dev F1, dev return), by the paired t test over seeds. The deviation is that of the difference between two algorithms over seeds with equal numbers: state it, or
let a pilot run give it. Few seeds know it badly, so the table also has the deviation that the pilot leaves possible
(its upper 80 % limit) and the seeds needed then. Choose the difference by what would matter, not by what the
pilot found: that is too large where it was noticed at all. Results of a pilot do not belong into the final run.
`;

interface PowerFlags extends TableFlags {
  readonly json?: boolean;
  readonly difference: number;
  readonly deviation?: number;
  readonly power: number;
  readonly alpha: number;
  readonly comparisons?: number;
  readonly baseline?: string;
}

/** `creditbench power`: how many seeds a difference needs, on stdout. */
export function powerCommand(): Command {
  const command = new Command('power')
    .description('says how many training seeds a difference needs to be found')
    .argument('[results...]', "output folders of 'creditbench run': a pilot with two seeds or more")
    .requiredOption(
      '--difference <score>',
      'true difference in score that is to be found, above 0',
      positive('--difference'),
    )
    .option(
      '--deviation <score>',
      'standard deviation of the difference over seeds, instead of a pilot',
      positive('--deviation'),
    )
    .option('--power <share>', 'chance of finding it', decimalIn('--power', 0.06, 0.999), 0.8)
    .option('--alpha <share>', 'level of the test', decimalIn('--alpha', 0.0001, 0.05), 0.05)
    .option(
      '--comparisons <n>',
      "comparisons of the final run; the level is divided by it, the worst of Holm's (default: those of the pilot, or 1)",
      wholeNumber('--comparisons', 1, 10_000),
    )
    .option('--baseline <name>', 'algorithm of the pilot that the others are compared with (default: GRPO)');
  return addTableOptions(command, NAMES)
    .option('--json', 'prints JSON instead of the table')
    .addHelpText('after', EXAMPLES)
    .action(async (folders: readonly string[], flags: PowerFlags) => {
      const plan =
        flags.deviation === undefined ? await fromPilot(folders, flags) : fromDeviation(folders, flags);
      print(flags.json ? `${printableJson(plan.data)}\n` : describe(plan, layoutOf(flags)));
    });
}

/** What --columns can name: first without a pilot, then with one. */
const NAMES = [
  ...['seeds', 'chance', 'found', 'environment', 'algorithm', 'against', 'deviation', 'deviation-at-most'],
  ...['needed', 'needed-at-most'],
] as const;

type Column = TableColumn & { readonly name: (typeof NAMES)[number] };

/** The answer: as a table with remarks, and as data. */
interface Plan {
  readonly columns: readonly Column[];
  readonly rows: readonly (readonly string[])[];
  readonly remarks: readonly string[];
  readonly data: object;
}

function describe({ columns, rows, remarks }: Plan, layout: Layout): string {
  const table = renderTable(columns, rows, layout);
  return [
    ...(table === '' ? [] : [table]),
    ...remarks.map((remark) => wrapText(remark, layout.width)),
    '',
  ].join('\n');
}

/** What both kinds of answers say of the test. */
function testOf({ difference, power, alpha }: PowerFlags, comparisons: number) {
  return { difference, power, alpha, comparisons };
}

function fromDeviation(folders: readonly string[], flags: PowerFlags): Plan {
  if (folders.length > 0) {
    throw new InputError('--deviation: not valid together with results folders; valid: one of them');
  }
  const { difference, power, comparisons = 1 } = flags;
  const deviation = flags.deviation!;
  const alpha = flags.alpha / comparisons;
  const needed = seedsNeeded({ difference, deviation, alpha, power });
  const sizes = [...new Set([3, 5, 10, 20, 50, needed])].sort((a, b) => a - b);
  const plans = sizes.map((seeds) => ({
    seeds,
    chance: pairedPower({ difference, deviation, alpha, seeds }),
    found: detectableDifference({ deviation, seeds, alpha, power }),
  }));
  return {
    columns: [
      { name: 'seeds', number: true, rank: 0 },
      { name: 'chance', title: `chance to find ${difference}`, number: true, rank: 0 },
      { name: 'found', title: `difference found with ${percent(power)}`, number: true, rank: 0 },
    ],
    rows: plans.map(({ seeds, chance, found }) => [
      `${seeds}${seeds === needed ? ' (needed)' : ''}`,
      percent(chance),
      found.toFixed(4),
    ]),
    remarks: [
      `${needed} seeds find a difference of ${difference} with a chance of ${percent(power)} or more, if it varies by ${deviation} over seeds. ${describeTest(flags, comparisons)}`,
    ],
    data: { ...testOf(flags, comparisons), deviation, needed, plans },
  };
}

async function fromPilot(folders: readonly string[], flags: PowerFlags): Promise<Plan> {
  if (folders.length === 0) {
    throw new InputError(
      '--deviation: not given; valid: a number above 0, or results folders of a pilot instead',
    );
  }
  const { pairs } = analyze(
    await readResults(folders),
    flags.baseline === undefined ? {} : { baseline: flags.baseline },
  );
  const usable = pairs.filter(hasSpread);
  if (usable.length === 0) {
    throw new InputError(
      `results: ${folders.join(', ')} ${folders.length === 1 ? 'has' : 'have'} no two algorithms that finished the same two seeds with different scores; valid: a pilot of two algorithms and two seeds or more`,
    );
  }
  const comparisons = flags.comparisons ?? usable.length;
  const { difference, power } = flags;
  const score = commonScore(usable);
  if (score !== null && difference > score.range[1] - score.range[0]) {
    throw new InputError(
      `--difference: ${difference} is not valid; valid: at most ${score.range[1] - score.range[0]}, the range of ${commonLabel(usable)}`,
    );
  }
  const alpha = flags.alpha / comparisons;
  const plans = usable.map(({ environment, algorithm, baseline, pairs: seeds, deviation }) => {
    const most = deviationAtMost(deviation, seeds);
    return {
      environment,
      algorithm,
      baseline,
      seeds,
      deviation,
      deviationAtMost: most,
      chance: pairedPower({ difference, deviation, alpha, seeds }),
      needed: seedsNeeded({ difference, deviation, alpha, power }),
      neededAtMost: seedsNeeded({ difference, deviation: most, alpha, power }),
    };
  });
  const left = pairs.length - usable.length;
  return {
    columns: [
      {
        name: 'environment',
        rank: 0,
        hidden: new Set(usable.map(({ environment }) => environment)).size === 1,
      },
      { name: 'algorithm', rank: 0 },
      { name: 'against', rank: 3 },
      { name: 'seeds', title: 'seeds of the pilot', number: true, rank: 4 },
      { name: 'deviation', title: 'deviation of the difference', number: true, rank: 1 },
      { name: 'deviation-at-most', title: 'at most (80 %)', number: true, rank: 5 },
      { name: 'chance', title: `chance to find ${difference} with them`, number: true, rank: 6 },
      { name: 'needed', title: 'seeds needed', number: true, rank: 0 },
      { name: 'needed-at-most', title: 'at most (80 %)', number: true, rank: 0 },
    ],
    rows: plans.map((plan) => [
      printable(plan.environment),
      printable(plan.algorithm),
      printable(plan.baseline),
      String(plan.seeds),
      plan.deviation.toFixed(4),
      plan.deviationAtMost.toFixed(4),
      percent(plan.chance),
      String(plan.needed),
      String(plan.neededAtMost),
    ]),
    remarks: [
      `Seeds needed to find a difference of ${difference} in ${commonLabel(usable)} with a chance of ${percent(power)} or more. ${describeTest(flags, comparisons)}`,
      ...(left === 0
        ? []
        : [`${left} of ${pairs.length} comparisons have no spread to plan with: left out.`]),
    ],
    data: { ...testOf(flags, comparisons), left, plans },
  };
}

/** Whether it was tested and has a deviation to plan with: equal scores are not a promise that seeds do not matter. */
const hasSpread = (pair: PairAnalysis): pair is PairAnalysis & { readonly deviation: number } =>
  pair.p !== null && pair.deviation !== null && pair.deviation > 1e-9;

const describeTest = ({ alpha }: PowerFlags, comparisons: number): string =>
  `Paired t test over seeds, two-sided, at ${alpha}${comparisons === 1 ? '' : ` / ${comparisons} comparisons`}.`;

const percent = (share: number): string => `${(100 * share).toFixed(share > 0.99 && share < 1 ? 1 : 0)} %`;
