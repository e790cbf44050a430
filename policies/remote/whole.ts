import { createDistribution } from '../text-transformer/distribution.ts';
import { checkWritten } from './check.ts';
import { type Client, ServerError } from './client.ts';
import { BadReply, type ServerKind, type WriteRequest } from './kind.ts';

/** Other tokens are drawn until one has probabilities: hardly any has none at this temperature. */
const HOT = 100;
const TRIES = 8;

/**
 * The log-probability of one id, and the exact entropy, from the log-probabilities of all ids: for the tokens to which
 * llama.cpp gives none, those that end inside of a character. It says nothing of that token itself, so any other is
 * drawn in its place, at a high temperature, which does not change the softmax that comes with it. Some megabytes.
 */
export async function wholeDistribution(
  { client, kind, size }: { readonly client: Client; readonly kind: ServerKind; readonly size: number },
  request: WriteRequest,
  id: number,
): Promise<{ readonly logProb: number; readonly entropy: number }> {
  const { temperature, topP } = request;
  for (let seed = 1; seed <= TRIES; seed++) {
    // Plain log-probabilities come with greedy requests, and else only at temperature 1.
    const change = seed === 1 ? { greedy: true } : { greedy: false, temperature: 1, topP: 1 };
    const asked: WriteRequest = { ...request, ...change, maxTokens: 1, top: size, seed, stops: [] };
    const { path, body } = kind.write(asked);
    const hot = seed === 1 ? body : { ...body, temperature: HOT };
    const scores = await client.post({ path, body: hot }, (reply) => {
      const { top } = checkWritten(kind.readWritten(reply, asked), asked, size);
      const given = top[0]!;
      if (given.length === 0 || given.length === size) return given;
      throw new BadReply(`the most likely tokens: ${given.length} came back, ${size} were asked for`);
    });
    if (scores.length === 0) continue;
    const logits = new Float32Array(size);
    for (const one of scores) logits[one.id] = one.logProb;
    const distribution = createDistribution(size, { temperature, topP })(logits);
    return { logProb: distribution.logProb(id), entropy: distribution.entropy };
  }
  throw new ServerError(
    `server ${client.url}: the id ${id}: no log-probabilities came back, nor of ${TRIES} tokens in its place`,
  );
}
