/** One action of a trajectory as the estimator sees it. */
export interface ValuedAction {
  /** The critic's value of the prefix before each of the action's tokens. */
  readonly values: readonly number[];
  /** Paid at the action's last token. */
  readonly reward: number;
}

/** Per action, per token. */
export interface Estimates {
  readonly advantages: readonly (readonly number[])[];
  /** What the critic is trained on: advantage plus value. */
  readonly returns: readonly (readonly number[])[];
}

/**
 * Generalized advantage estimation (arXiv 1506.02438) over the tokens of one trajectory:
 * d_t = r_t + gamma V_{t+1} - V_t, A_t = d_t + gamma lambda A_{t+1}.
 *
 * Only what the policy wrote is here. The token after the last one of an action is the first one of the next: what was
 * observed between them is read by that token's value, but is no state of its own and costs no discount.
 *
 * After the last action the value is 0, also where a limit cut the episode: there is no prompt left to ask the critic
 * about, so what was paid until then counts as final.
 * @param actions first to last.
 */
export function gae(
  actions: readonly ValuedAction[],
  { gamma, lambda }: { readonly gamma: number; readonly lambda: number },
): Estimates {
  let nextValue = 0;
  let nextAdvantage = 0;
  const advantages: number[][] = [];
  const returns: number[][] = [];
  for (let action = actions.length - 1; action >= 0; action--) {
    const { values, reward } = actions[action]!;
    const own = new Array<number>(values.length);
    for (let t = values.length - 1; t >= 0; t--) {
      const paid = t === values.length - 1 ? reward : 0;
      const tdError = paid + gamma * nextValue - values[t]!;
      nextAdvantage = tdError + gamma * lambda * nextAdvantage;
      nextValue = values[t]!;
      own[t] = nextAdvantage;
    }
    advantages[action] = own;
    returns[action] = own.map((advantage, t) => advantage + values[t]!);
  }
  return { advantages, returns };
}
