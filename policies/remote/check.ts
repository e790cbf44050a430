import { BadReply, type ScoredId, type WriteRequest, type Written } from './kind.ts';

/** Log-probabilities are computed in float32: 0 may come out as a little more. */
const ROUNDING = 1e-4;

/**
 * Checks what a server wrote, and sets log-probabilities that rounding brought above 0 to 0.
 * @param size ids of the model.
 * @throws BadReply naming the token and what is wrong with it.
 */
export function checkWritten(written: Written, { maxTokens, top }: WriteRequest, size: number): Written {
  const { ids, logProbs } = written;
  if (ids.length === 0) throw new BadReply('no token came back');
  if (ids.length > maxTokens) {
    throw new BadReply(`${ids.length} tokens came back, ${maxTokens} were asked for at most`);
  }
  if (logProbs.length !== ids.length || written.top.length !== ids.length) {
    throw new BadReply(
      `${ids.length} ids with ${logProbs.length} log-probabilities and ${written.top.length} lists of likely tokens`,
    );
  }
  for (const [index, id] of ids.entries()) checkId(id, size, `token ${index}`);
  return {
    ...written,
    logProbs: logProbs.map((value, index) =>
      value === undefined ? undefined : checkedLogProb(value, `token ${index}`),
    ),
    top: written.top.map((at, index) => checkTop(at, logProbs[index] === undefined ? 0 : top, size, index)),
  };
}

function checkTop(at: readonly ScoredId[], wanted: number, size: number, index: number): readonly ScoredId[] {
  if (wanted > 0 && at.length === 0) {
    throw new BadReply(`token ${index}: no log-probabilities of the most likely tokens came back`);
  }
  return at.map(({ id, logProb }, rank) => {
    const what = `token ${index}, likely token ${rank}`;
    checkId(id, size, what);
    return { id, logProb: checkedLogProb(logProb, what) };
  });
}

function checkId(id: number, size: number, what: string): void {
  if (!(Number.isInteger(id) && id >= 0 && id < size)) {
    throw new BadReply(`${what}: the id ${id} is not one of the model's, 0 to ${size - 1}`);
  }
}

/** A log-probability, at most 0. @throws BadReply when it is above, or not finite. */
export function checkedLogProb(value: number, what: string): number {
  if (!(value <= ROUNDING && value > Number.NEGATIVE_INFINITY))
    throw new BadReply(`${what}: the log-probability is ${value}; valid: at most 0`);
  return Math.min(value, 0);
}
