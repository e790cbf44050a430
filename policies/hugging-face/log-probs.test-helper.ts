import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

/** A folder made by scripts/servers/install.sh; undefined where there is none. */
export const SERVERS = process.env.CREDITBENCH_SERVERS;

/** Runs a program with the interpreter that has transformers: JSON in, JSON out. */
export function python(code: string, args: readonly string[], input: unknown): unknown {
  const text = execFileSync(join(SERVERS!, 'skyrl/bin/python'), ['-c', code, ...args], {
    input: JSON.stringify(input),
    encoding: 'utf8',
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  return JSON.parse(text);
}

/** What transformers says, in float32, of every id after the first, given those before it. */
export const transformersLogProbs = (folder: string, ids: readonly number[]): readonly number[] =>
  python(LOG_PROBS, [folder], ids) as readonly number[];

const LOG_PROBS = `
import json, sys, torch
from transformers import AutoModelForCausalLM
ids = torch.tensor([json.load(sys.stdin)])
model = AutoModelForCausalLM.from_pretrained(sys.argv[1], dtype=torch.float32)
with torch.no_grad():
    scores = model(ids).logits[0, :-1].double().log_softmax(-1)
print(json.dumps(scores.gather(-1, ids[0, 1:, None])[:, 0].tolist()))
`;
