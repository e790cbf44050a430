/** A published number, as printed. */
export interface Published {
  readonly paper: 'CARL' | 'APPO';
  /** What was measured there, in the paper's words. */
  readonly quantity: string;
  /** The method as named there. */
  readonly method: string;
  readonly setting: string;
  readonly value: number;
  readonly unit: string;
  /** Where it stands, and how it came here. */
  readonly source: string;
  /**
   * What of ours is put beside it: the algorithm by its id, options of the variant that are not the method's own,
   * and the number. Absent if this package measures nothing of the kind.
   */
  readonly ours?: {
    readonly algorithm: string;
    readonly options?: Readonly<Record<string, string>>;
    readonly number: 'f1' | 'update_actions' | 'rollout_actions';
  };
}

const CARL = 'Qwen3-4B, seven knowledge QA sets';
const CARL_TABLE = 'arXiv 2512.04949 v3, main table; transcribed, not checked against the PDF';
const CARL_ABLATION = 'arXiv 2512.04949 v3, ablation; transcribed, not checked against the PDF';
const APPO_TABLE = 'arXiv 2606.12384, results; transcribed, not checked against the PDF';
const APPO_ABLATION = 'arXiv 2606.12384, ablation on Qwen2.5-7B; transcribed, not checked against the PDF';

/** The options that make CARL the published method; an ablation changes one. */
export const CARL_OPTIONS: Readonly<Record<string, string>> = {
  entropy: 'surprisal',
  updateRule: 'forked',
  credit: 'action',
  values: 'children',
};

/** Settings of CARL's main table, to say how ours differ. */
export const CARL_SETTING = {
  model: 'Qwen3-4B',
  questions: 64,
  iterations: 100,
  group: 16,
  forks: 16,
  turns: 10,
} as const;

/** Rows of CARL's main table: method, turns, D_roll, D_upd, F1. */
const CARL_ROWS = [
  ['GRPO', 10, 80.9, 80.9, 57.0, 'grpo'],
  ['CARL-Lite', 10, 39.8, 30.5, 57.6, 'carl-lite'],
  ['CARL', 10, 81.8, 32.0, 58.4, 'carl'],
  ['GRPO', 32, 115.2, 115.2, 57.4, undefined],
  ['CARL', 32, 141.3, 32.0, 59.2, undefined],
] as const;

const appo = (
  method: string,
  quantity: string,
  setting: string,
  value: number,
  source = APPO_TABLE,
): Published => ({ paper: 'APPO', method, quantity, setting, value, unit: 'score', source });

/**
 * The figures of the CARL and APPO papers that a run can be held against. F1 is in percent there. Nothing here is
 * rescaled; the report shows ours beside it in our own units.
 */
export const PUBLISHED: readonly Published[] = [
  ...CARL_ROWS.flatMap(([method, turns, rolled, updated, f1, id]): readonly Published[] => {
    const row = (
      quantity: string,
      value: number,
      unit: string,
      number: NonNullable<Published['ours']>['number'],
    ) => ({
      paper: 'CARL' as const,
      quantity,
      method,
      setting: `${CARL}, at most ${turns} actions`,
      value,
      unit,
      source: CARL_TABLE,
      // Environments here have at most 10 turns: the longer setting has no counterpart.
      ...(id === undefined ? {} : { ours: { algorithm: id, number } }),
    });
    return [
      row('D_roll', rolled, 'actions/question', 'rollout_actions'),
      row('D_upd', updated, 'actions/question', 'update_actions'),
      row('F1', f1, '%', 'f1'),
    ];
  }),
  ...(
    [
      ['full', 58.4, { algorithm: 'carl' }],
      ['outcome reward instead of A(e)', 52.9, { algorithm: 'carl', options: { credit: 'outcome' } }],
      ['random fork point', 56.2, { algorithm: 'carl', options: { entropy: 'random' } }],
      [
        'update all, inheriting the advantage',
        57.5,
        { algorithm: 'carl', options: { updateRule: 'all_inherit' } },
      ],
    ] as const
  ).map(
    ([method, value, ours]): Published => ({
      paper: 'CARL',
      quantity: 'F1, ablation',
      method: `CARL, ${method}`,
      setting: `${CARL}, at most 10 actions`,
      value,
      unit: '%',
      source: CARL_ABLATION,
      ours: { ...ours, number: 'f1' },
    }),
  ),
  appo('APPO', 'average', 'Llama3.1-8B, 10 tasks', 57.4),
  appo('ARPO', 'average', 'Llama3.1-8B, 10 tasks', 55.3),
  appo('APPO', 'average', 'Qwen2.5-7B', 62.2),
  appo('ARPO', 'average', 'Qwen2.5-7B', 58.3),
  ...(
    [
      ['ARPO', [58.8, 76.1, 31.1, 71.5, 52.7]],
      ['APPO', [66.5, 81.5, 31.5, 77.6, 58.1]],
    ] as const
  ).flatMap(([method, values]) =>
    ['HotpotQA', '2WikiMultihopQA', 'MuSiQue', 'Bamboogle', 'average with WebWalker'].map((quantity, index) =>
      appo(method, quantity, 'budget table, N = 4, B = 3 for APPO', values[index]!),
    ),
  ),
  appo('APPO, full', 'ablation', 'Qwen2.5-7B', 58.1, APPO_ABLATION),
  appo('APPO, branching by entropy alone', 'ablation', 'Qwen2.5-7B', 56.3, APPO_ABLATION),
  appo('APPO, without future scaling', 'ablation', 'Qwen2.5-7B', 54.7, APPO_ABLATION),
  appo('APPO, without the dual group', 'ablation', 'Qwen2.5-7B', 56.0, APPO_ABLATION),
];
